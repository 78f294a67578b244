"""The 30 noise filters of steganalysis ("SRM", Fridrich and Kodovsky 2012), as PatchCraft's file has them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

READING = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
CLOCKWISE = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
SQUARE_3 = np.array(
    [[0, 0, 0, 0, 0], [0, -1, 2, -1, 0], [0, 2, -4, 2, 0], [0, -1, 2, -1, 0], [0, 0, 0, 0, 0]]
)
SQUARE_5 = np.array(
    [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]]
)


def srm_kernels() -> Tensor:
    """Return them in the files' order: float32 (30, 1, 5, 5)."""
    return torch.from_numpy(np.stack(list(_kernels())).astype(np.float32))[:, None]


def _kernels() -> Iterator[NDArray[np.float64]]:
    for down, right in READING:
        yield _line(down, right, {0: -1, 1: 1})
    for down, right in READING[:4]:
        yield _line(down, right, {-1: 1, 0: -2, 1: 1}) / 2
    for down, right in CLOCKWISE:
        yield _line(down, right, {-1: 1, 0: -3, 1: 3, 2: -1}) / 3
    for square, divisor in ((SQUARE_3, 4), (SQUARE_5, 12)):
        upper, right_half = np.zeros((5, 5)), np.zeros((5, 5))
        upper[:3], right_half[:, 2:] = square[:3], square[:, 2:]  # each with the middle line
        yield from (half / divisor for half in (upper, right_half, upper[::-1], right_half[:, ::-1]))
    yield SQUARE_3 / 4
    yield SQUARE_5 / 12


def _line(down: int, right: int, values: dict[int, int]) -> NDArray[np.float64]:
    kernel = np.zeros((5, 5))
    for step, value in values.items():
        kernel[2 + step * down, 2 + step * right] = value
    return kernel
