"""How pixels differ from their neighbours, and the short ResNet that several detectors read it with.

Tan et al.'s "neighbouring pixel relationships" (NPR, CVPR 2024): networks/resnet.py of
https://github.com/chuangchuangtan/NPR-DeepfakeDetection. LaDeDa, SAFE and CO-SPY took over one or the other.
The wavelet is SAFE's (Li et al., KDD 2025): models/resnet.py of https://github.com/Ouxiang-Li/SAFE.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate


def block_residual(images: Tensor) -> Tensor:
    """Subtract from each pixel the top left one of its aligned block of 2x2.

    What is left is what the simplest upsampling, a repetition of pixels, does not explain.

    Args:
        images: (n, c, H, W). At odd sides the last block has one pixel; the official code takes none.

    Returns:
        Differences of the same shape. A mean that was subtracted before cancels out, a deviation does not.
    """
    height, width = images.shape[-2:]
    blocks = interpolate(images[..., ::2, ::2], scale_factor=2, mode="nearest")
    return images - blocks[..., :height, :width]


def wavelet_diagonal(images: Tensor) -> Tensor:
    """Return the diagonal details (HH) of one level of the wavelet bior1.3, with symmetric borders.

    The high-pass of bior1.3 is Haar's between zeros. So it is a difference of differences in each block of
    2x2, two pixels beyond the borders, where the wavelet's longer low-pass begins; SAFE's `pytorch_wavelets`
    gives the same numbers.

    Args:
        images: (n, c, H, W).

    Returns:
        (n, c, (H + 5) // 2, (W + 5) // 2).
    """
    mirrored = []
    for side in images.shape[-2:]:
        # From two before the first pixel on, in a mirror that repeats the edge.
        places = torch.arange(-2, side + 2 + side % 2, device=images.device) % (2 * side)
        mirrored.append(torch.minimum(places, 2 * side - 1 - places))
    rows, columns = mirrored
    padded = images[..., rows, :][..., columns]
    upper = padded[..., ::2, ::2] - padded[..., ::2, 1::2]
    lower = padded[..., 1::2, ::2] - padded[..., 1::2, 1::2]
    return (upper - lower) / 2


class ShortResNet(nn.Module):
    """ResNet-50's first two stages behind a 3x3 convolution, and a linear layer; 1.4 million parameters.

    Its entries have the names of NPR's and SAFE's files, in their order.

    Args:
        outputs: Of the linear layer ``fc1``.
    """

    def __init__(self, outputs: int) -> None:
        from torchvision.models.resnet import Bottleneck, ResNet

        super().__init__()
        # torchvision has the stride in the 3x3 convolution, as the official code does.
        whole = ResNet(Bottleneck, [3, 4, 1, 1])
        self.conv1 = nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False)
        self.bn1, self.maxpool = whole.bn1, whole.maxpool
        self.layer1, self.layer2 = whole.layer1, whole.layer2
        self.fc1 = nn.Linear(512, outputs)

    def features(self, residuals: Tensor) -> Tensor:
        """Map (n, 3, H, W) of any size to the average of the last maps, (n, 512)."""
        maps = self.maxpool(self.bn1(self.conv1(residuals)).relu())
        averages: Tensor = self.layer2(self.layer1(maps)).mean((2, 3))
        return averages

    def forward(self, residuals: Tensor) -> Tensor:
        """Map (n, 3, H, W) of any size to (n, outputs)."""
        outputs: Tensor = self.fc1(self.features(residuals))
        return outputs
