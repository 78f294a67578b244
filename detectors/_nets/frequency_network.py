"""FreqNet's network: convolutions of pixels and of their spectra, between filters that keep high frequencies.

Tan, Zhao, Wei, Gu, Liu, Wei (AAAI 2024): networks/freqnet.py of
https://github.com/chuangchuangtan/FreqNet-DeepfakeDetection.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from .widening import widened


def high_pass(maps: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Take the lower half of the frequencies away, and negative values of what is left.

    Args:
        maps: (n, c, H, W), real.
        dims: Of the transform: the last two for frequencies in space, the second for those across channels.

    Returns:
        The same shape, non-negative.
    """
    maps = widened(maps)
    # The official block of zeros has the frequencies from -(side // 4) on, up to side // 4 without it, and of
    # what it leaves the real part counts. So the half of the spectrum that real maps need is enough, twice as
    # fast: a frequency that the block takes at one sign only loses half of itself.
    block = mirrored = torch.ones((), dtype=torch.bool, device=maps.device)
    for dim in dims:
        side = maps.shape[dim]
        frequencies = torch.fft.rfftfreq if dim == dims[-1] else torch.fft.fftfreq
        shape = [-1 if other == dim else 1 for other in range(maps.ndim)]
        frequency = frequencies(side, 1 / side, device=maps.device).round().view(shape)
        block = block & (frequency >= -(side // 4)) & (frequency < side // 4)
        mirrored = mirrored & (frequency > -(side // 4)) & (frequency <= side // 4)
    kept = 1 - (block.to(maps.dtype) + mirrored.to(maps.dtype)) / 2
    spectrum = torch.fft.rfftn(maps, dim=dims, norm="ortho")
    sides = [maps.shape[dim] for dim in dims]
    high: Tensor = torch.fft.irfftn(spectrum * kept, sides, dims, norm="ortho")
    return high.relu()


class FrequencyNetwork(nn.Module):
    """The network; its entries have the published names, in their order."""

    def __init__(self) -> None:
        from torchvision.models.resnet import Bottleneck, ResNet

        super().__init__()
        widths = ((3, 64), (64, 64), (256, 256), (256, 256))
        for number, (given, made) in enumerate(widths, 1):
            self.register_parameter(f"weight{number}", nn.Parameter(torch.zeros(made, given, 1, 1)))
            self.register_parameter(f"bias{number}", nn.Parameter(torch.zeros(made)))
        for number, (_, made) in enumerate(widths, 1):
            self.add_module(f"realconv{number}", nn.Conv2d(made, made, 1, bias=False))
            self.add_module(f"imagconv{number}", nn.Conv2d(made, made, 1, bias=False))
        whole = ResNet(Bottleneck, [3, 4, 1, 1])
        self.maxpool, self.layer1, self.layer2 = whole.maxpool, whole.layer1, whole.layer2
        self.fc1 = nn.Linear(512, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Map (n, 3, H, W) of any size to raw logits (n, 1)."""
        maps = self._pixels(pictures, 1, stride=1)
        maps = self._spectrum(high_pass(maps, (1,)), 1)
        maps = self._pixels(maps, 2, stride=2)
        maps = self._spectrum(high_pass(maps, (1,)), 2)
        # In the second half nothing is filtered across channels.
        maps = self._spectrum(self._pixels(self.layer1(self.maxpool(maps)), 3, stride=1), 3)
        maps = self._spectrum(self._pixels(maps, 4, stride=2), 4)
        logits: Tensor = self.fc1(self.layer2(maps).mean((2, 3)))
        return logits

    def _pixels(self, maps: Tensor, number: int, stride: int) -> Tensor:
        """Filter in space and convolve: what the file calls weight and bias, without a layer around them."""
        weight, bias = (self.get_parameter(f"{name}{number}") for name in ("weight", "bias"))
        return conv2d(high_pass(maps, (2, 3)), weight, bias, stride).relu()

    def _spectrum(self, maps: Tensor, number: int) -> Tensor:
        """Convolve the two parts of the spectrum, each by itself: no complex convolution is the same."""
        spectrum = torch.fft.rfft2(widened(maps), norm="ortho")
        real = widened(self.get_submodule(f"realconv{number}")(spectrum.real))
        imaginary = widened(self.get_submodule(f"imagconv{number}")(spectrum.imag))
        # Mixing channels leaves the one part even and the other odd: what comes back is real by itself.
        made: Tensor = torch.fft.irfft2(torch.complex(real, imaginary), maps.shape[2:], norm="ortho")
        return made.relu()
