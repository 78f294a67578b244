"""CycleGAN's generator and discriminator (Zhu et al., ICCV 2017), which other works train for their own ends.

Source: models/networks.py of https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix (BSD-2-Clause): instance
norm without parameters, no dropout, weights drawn from a normal distribution of deviation 0.02. Keys of state
dicts are that code's.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn


class Generator(nn.Module):
    """An image-to-image network: two halvings, residual blocks, two doublings.

    Args:
        channels: Of input and output.
        width: Channels of the first layer; each halving doubles them.
        blocks: Residual blocks.
        bounded: End with a tanh: values in [-1, 1].
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 64,
        blocks: int = 9,
        *,
        bounded: bool = True,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), *_layer(nn.Conv2d(channels, width, 7))]
        for wide in (width, 2 * width):
            layers += _layer(nn.Conv2d(wide, 2 * wide, 3, stride=2, padding=1))
        layers += (_Block(4 * width) for _ in range(blocks))
        for wide in (4 * width, 2 * width):
            doubled = nn.ConvTranspose2d(wide, wide // 2, 3, stride=2, padding=1, output_padding=1)
            layers += _layer(doubled)
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, channels, 7)]
        self.model = nn.Sequential(*layers, *[nn.Tanh()] * bounded)

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, channels, H, W) to the same shape; sides are multiples of 4."""
        made: Tensor = self.model(images)
        return made


class Discriminator(nn.Module):
    """A patch discriminator: one raw score for each patch of 70 × 70 pixels.

    Args:
        channels: Of its input.
        width: Channels of the first layer.
    """

    def __init__(self, channels: int = 3, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for wide, stride in ((width, 2), (2 * width, 2), (4 * width, 1)):
            layers += [
                nn.Conv2d(wide, 2 * wide, 4, stride=stride, padding=1),
                nn.InstanceNorm2d(2 * wide),
                nn.LeakyReLU(0.2),
            ]
        self.model = nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, padding=1))

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, channels, H, W) to raw scores (n, 1, H / 8 - 2, W / 8 - 2)."""
        scores: Tensor = self.model(images)
        return scores


def start(network: nn.Module) -> None:
    """Draw the weights of all convolutions anew, as that code does; biases become zero."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        first, second = (nn.Conv2d(width, width, 3) for _ in range(2))
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1), *_layer(first), nn.ReflectionPad2d(1), second, nn.InstanceNorm2d(width)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Add what the block makes to its input (n, width, H, W)."""
        changed: Tensor = maps + self.conv_block(maps)
        return changed


def _layer(convolution: nn.Conv2d | nn.ConvTranspose2d) -> Iterator[nn.Module]:
    yield from (convolution, nn.InstanceNorm2d(convolution.out_channels), nn.ReLU())
