"""The small networks of the `sample` checkpoints: a patch discriminator and two narrow ResNets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


def small_discriminator() -> nn.Module:
    """Make an untrained patch discriminator: (n, 3, H, W) in [-1, 1], H and W at least 16, to n scores (n,).

    The score of an image is the mean over its patches. Nothing couples the images of a batch.
    """
    return _PatchDiscriminator()


def small_resnet() -> nn.Module:
    """Make an untrained narrow ResNet-18: (n, 3, H, W) of any size to one logit each, (n, 1).

    Its stem halves the size once and has no max-pooling, which would drop the finest traces at once.
    """
    net = _resnet(2, (16, 32, 64, 128), 1)
    # timm can replace the pooling, but not leave it out. It has no weights, so that the keys stay the same.
    net.maxpool = nn.Identity()
    return net


def small_spectrum_resnet() -> nn.Module:
    """Make an untrained narrow ResNet-10 for spectra: (n, 3, H, W) of any size to two classes, (n, 2).

    It halves sizes where AutoGAN's ResNet-34 does.
    """
    return _resnet(1, (8, 8, 16, 24), 2)


def _resnet(depth: int, widths: tuple[int, int, int, int], outputs: int) -> nn.Module:
    from timm.models.resnet import BasicBlock, ResNet

    net: nn.Module = ResNet(
        BasicBlock,
        layers=[depth] * 4,
        channels=widths,
        stem_type="deep",
        stem_width=widths[0],
        num_classes=outputs,
    )
    return net


class _PatchDiscriminator(nn.Module):
    """Isola et al.'s PatchGAN, narrow, and without batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(16, 32, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 64, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(64, 80, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(80, 1, 3, padding=1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, 3, H, W) to raw scores (n,)."""
        scores: Tensor = self.layers(images).mean(dim=(1, 2, 3))
        return scores
