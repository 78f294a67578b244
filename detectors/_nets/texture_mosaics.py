"""PatchCraft's input and network: the smoothest and the roughest patches of a picture, laid out side by side.

Zhong, Xu, Li, Qian, Zhang (2023). The authors' code is on ModelScope; this follows what SIDBench
(https://github.com/mever-team/sidbench, Apache-2.0) took from it: models/RPTC.py and dataset/process.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from .pixels import PLAIN, Preprocess

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class TextureMosaics:
    """Cuts a picture at random, sorts what was cut by its texture, and lays both ends out in squares.

    Attributes:
        cell: Side of a patch.
        cells: Patches along a side of a mosaic. Three times as many are cut as one mosaic has.
        seed: Of the places, anew for each picture: the authors take them from the process's one generator, so
            that their scores depend on what was scored before.
    """

    cell: int = 32
    cells: int = 8
    seed: int = 0

    def __call__(self, image: Image) -> Tensor:
        """Turn one RGB image into its poor and its rich mosaic: float32 (2, 3, side, side), in [0, 1]."""
        # One that is smaller than a patch in either direction is squashed to a patch, all of it.
        small = min(image.size) < self.cell
        picture = Preprocess(PLAIN, resize=self.cell if small else None)(image)
        patches = torch.stack(
            [
                picture[:, top : top + self.cell, left : left + self.cell]
                for top, left in self.places(*picture.shape[1:])
            ]
        )
        order = textures(patches).argsort(stable=True)
        ends = order[: self.cells**2], order.flip(0)[: self.cells**2]  # the roughest first
        side, mosaics = self.cells * self.cell, []
        for end in ends:
            grid = patches[end].view(self.cells, self.cells, 3, self.cell, self.cell)
            mosaics.append(grid.permute(2, 0, 3, 1, 4).reshape(3, side, side))
        return torch.stack(mosaics)

    def places(self, height: int, width: int) -> list[tuple[int, int]]:
        """Draw top and left of each patch, as torchvision's ``RandomCrop`` does after ``manual_seed``."""
        count = 3 * self.cells**2
        if (height, width) == (self.cell, self.cell):  # nothing is drawn where there is no choice
            return [(0, 0)] * count
        generator = torch.Generator().manual_seed(self.seed)
        ends = height - self.cell + 1, width - self.cell + 1
        drawn = [int(torch.randint(0, end, (1,), generator=generator)) for _ in range(count) for end in ends]
        return list(zip(drawn[::2], drawn[1::2], strict=True))


def textures(patches: Tensor) -> Tensor:
    """Sum the differences between neighbours, down, across and diagonal, of each patch (n, 3, H, W).

    Returns:
        (n,), float64.
    """
    pairs = (
        (patches[..., 1:, :], patches[..., :-1, :]),
        (patches[..., 1:], patches[..., :-1]),
        (patches[..., 1:, 1:], patches[..., :-1, :-1]),
        (patches[..., 1:, :-1], patches[..., :-1, 1:]),
    )
    # Of 192 patches, some have the same sum but for rounding, which then decides who comes first: each sum is
    # one of float32, as in the official code.
    sums = [(one - other).abs().flatten(1).sum(1) for one, other in pairs]
    return torch.stack(sums).double().sum(0)


class MosaicNetwork(nn.Module):
    """Looks at the noise of both mosaics, and classifies the difference.

    Its entries have the published names, in their order.

    The code truncates nothing behind its noise filters, though it builds the layer for that; pictures in
    [0, 1] would not reach the bound.
    """

    def __init__(self) -> None:
        super().__init__()
        # 30 filters of steganalysis ("SRM"), which are in the file, too.
        self.group1 = nn.ModuleDict({"hpf": nn.Conv2d(1, 30, 5, padding=2, bias=False)})
        self.group1_b = nn.Sequential(
            nn.Conv2d(90, 32, 3, padding=1), nn.BatchNorm2d(32), nn.Hardtanh(min_val=-5, max_val=5)
        )
        self.group2 = _group(4, halved=True)
        self.group3 = _group(2, halved=True)
        self.group4 = _group(2, halved=True)
        self.group5 = _group(2, halved=False)
        self.fc2 = nn.Linear(32, 1)

    def noise(self, mosaics: Tensor) -> Tensor:
        """Map mosaics (n, 3, H, W) to what is seen of their noise, (n, 32, H, W)."""
        # Each colour by itself through the same filters; behind them, all filters of red come first.
        filtered = self.group1["hpf"](mosaics.flatten(0, 1)[:, None])
        seen: Tensor = self.group1_b(filtered.unflatten(0, mosaics.shape[:2]).flatten(1, 2))
        return seen

    def forward(self, pairs: Tensor) -> Tensor:
        """Map poor and rich mosaics (n, 2, 3, H, W) to raw logits (n, 1)."""
        maps = self.noise(pairs[:, 0]) - self.noise(pairs[:, 1])
        for group in (self.group2, self.group3, self.group4, self.group5):
            maps = group(maps)
        logits: Tensor = self.fc2(maps.mean((2, 3)))
        return logits


def _group(convolutions: int, *, halved: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(convolutions):
        layers += [nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()]
    if halved:
        layers.append(nn.AvgPool2d(3, stride=2, padding=1))
    return nn.Sequential(*layers)
