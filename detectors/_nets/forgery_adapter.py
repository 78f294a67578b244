"""FatFormer's adapter: what a small layer and a wavelet transform make of a block's tokens.

The authors' code: https://github.com/Michel-liu/FatFormer (Apache-2.0), models/clip/model.py; the transform
there is pytorch_wavelets' with Haar's filters. Names are those of its file, in their order.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

WIDTH = 1024


class ForgeryAdapter(nn.Module):
    """Something to add to the tokens of one block of an image tower."""

    def __init__(self) -> None:
        super().__init__()
        self.freq_scale = nn.Parameter(torch.empty(1))
        self.first_conv_layer, self.second_conv_layer = nn.Conv1d(WIDTH, 64, 1), nn.Conv1d(64, WIDTH, 1)
        self.dwt_transform, self.idwt_transform = HaarBands("h"), HaarBands("g")
        self.dwt_norm = nn.GroupNorm(128, WIDTH)
        self.intra_band = nn.MultiheadAttention(WIDTH, 8, batch_first=True)
        self.norm_intra = nn.LayerNorm(WIDTH)
        self.inter_band = nn.MultiheadAttention(WIDTH, 8, batch_first=True)
        self.norm_inter = nn.LayerNorm(WIDTH)
        self.linear1, self.linear2 = nn.Linear(WIDTH, 4096), nn.Linear(4096, WIDTH)
        self.norm3 = nn.LayerNorm(WIDTH)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (n, 1 + side², 1024) to the same; the class token, which comes first, has no place in a map."""
        nearby: Tensor = self.second_conv_layer(self.first_conv_layer(tokens.mT).relu()).mT * 0.1
        frequencies = self.of_frequencies(tokens[:, 1:]) * self.freq_scale
        return nearby + nn.functional.pad(frequencies, (0, 0, 1, 0))

    def of_frequencies(self, patches: Tensor) -> Tensor:
        """Map tokens of patches (n, side², 1024) to the same."""
        side = isqrt(patches.shape[1])
        maps = patches.mT.reshape(*patches.shape[::2], side, side)
        bands = self.dwt_norm(self.dwt_transform.split(maps).flatten(3))  # (n, 1024, 4, positions)
        bands = bands.permute(0, 2, 3, 1)
        # Named against what they do: `intra_band` lets the four bands of a position look at each other,
        # `inter_band` the positions of a band.
        bands = _looked_at(bands.transpose(1, 2), self.intra_band, self.norm_intra).transpose(1, 2)
        bands = _looked_at(bands, self.inter_band, self.norm_inter)
        bands = self.norm3(bands + self.linear2(self.linear1(bands).relu()))
        coefficients = bands.permute(0, 3, 1, 2)
        maps = self.idwt_transform.join(coefficients.reshape(*coefficients.shape[:3], side // 2, side // 2))
        return maps.flatten(2).mT


class HaarBands(nn.Module):
    """A wavelet transform by filters of two numbers, or back: by its low ones, and by its high ones.

    Args:
        letter: That the filters' names begin with.
    """

    def __init__(self, letter: str) -> None:
        super().__init__()
        self.letter = letter
        for direction, shape in (("col", (1, 1, 2, 1)), ("row", (1, 1, 1, 2))):
            for band in (0, 1):
                self.register_buffer(f"{letter}{band}_{direction}", torch.empty(shape))

    @property
    def filters(self) -> Tensor:
        """The four bands' filters (4, 2, 2): low; high from row to row; high along a row; high in both."""
        rows, columns = (
            [self.get_buffer(f"{self.letter}{band}_{direction}")[0] for band in (0, 1)]
            for direction in ("row", "col")
        )
        return torch.cat([column * row for row in rows for column in columns])

    def split(self, maps: Tensor) -> Tensor:
        """Map (n, c, H, W) with even sides to its bands (n, c, 4, H / 2, W / 2)."""
        height, width = maps.shape[2:]
        blocks = maps.reshape(*maps.shape[:2], height // 2, 2, width // 2, 2)
        return torch.einsum("ncyixj,bij->ncbyx", blocks, self.filters)

    def join(self, bands: Tensor) -> Tensor:
        """Map bands (n, c, 4, h, w) back to (n, c, 2 h, 2 w)."""
        blocks = torch.einsum("ncbyx,bij->ncyixj", bands, self.filters)
        return blocks.flatten(4, 5).flatten(2, 3)


def _looked_at(tokens: Tensor, attention: nn.MultiheadAttention, norm: nn.LayerNorm) -> Tensor:
    """Let tokens (n, m, length, width) look at each other along the length."""
    rows = tokens.flatten(0, 1)
    found, _ = attention(rows, rows, rows, need_weights=False)
    seen: Tensor = norm(rows + found)
    return seen.reshape(tokens.shape)
