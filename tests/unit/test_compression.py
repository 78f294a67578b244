"""The artefact compression map: a real search, against classifiers whose artefacts are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from forenbench.errors import BenchError
from forenbench.pictures.compression import Search, compression_map
from forenbench.testing import Brightness
from forenbench.types import LogitDetector

SIDE = 32
DOT = (8, 24)
"""Where the classifier looks for an artefact, in rows and columns of a shifted spectrum."""


class DotDetector(LogitDetector):
    """Calls pictures with a strong wave of one frequency generated."""

    name, version, threshold = "dot", "1", 0.5

    def prepare(self, image: Image.Image) -> Tensor:
        return torch.from_numpy(np.asarray(image, np.float32).transpose(2, 0, 1).copy())

    def logit(self, batch: Tensor) -> Tensor:
        return self.judge(self.spectra(batch))

    def spectra(self, batch: Tensor) -> Tensor:
        return torch.fft.fftshift(torch.fft.fft2(batch, norm="ortho"), dim=(-2, -1)).abs()

    def judge(self, spectra: Tensor) -> Tensor:
        return spectra[..., DOT[0], DOT[1]].mean(1).log1p() * 4 - 16


def wave(seed: int, strength: float) -> Image.Image:
    """Draw noise with a wave of the dot's frequency."""
    noise: NDArray[np.float64] = np.random.default_rng(seed).normal(128, 12, (SIDE, SIDE, 3))
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    turns = y * (DOT[0] - SIDE // 2) + x * (DOT[1] - SIDE // 2)
    made = noise + strength * np.cos(2 * np.pi * turns)[..., None]
    return Image.fromarray(made.clip(0, 255).astype(np.uint8))


def test_the_map_takes_what_the_classifier_finds_fakes_by_and_little_else() -> None:
    fakes = [wave(seed, 40) for seed in range(5)] + [wave(9, 0)]  # the last one passes for a real one
    found = compression_map(DotDetector(), fakes, Search(steps=60, penalty=20))
    assert found.generated == (5, 0)
    assert found.values.shape == (SIDE, SIDE)
    assert found.values[DOT] > 0.9
    others = np.delete(found.values.ravel(), DOT[0] * SIDE + DOT[1])
    assert others.max() < 0.02  # of the twentieth that all began with
    assert found.after[DOT] < found.before[DOT] - 1
    assert np.allclose(
        np.delete(found.after.ravel(), DOT[0] * SIDE + DOT[1]),
        np.delete(found.before.ravel(), DOT[0] * SIDE + DOT[1]),
        atol=0.1,
    )


def test_progress_is_told_and_the_same_search_finds_the_same_map() -> None:
    told: list[tuple[str, int, int]] = []
    maps = [
        compression_map(DotDetector(), [wave(1, 40)], Search(steps=3), lambda *it: told.append(it)).values
        for _ in range(2)
    ]
    assert np.array_equal(*maps)
    assert told == [("compression map", step, 3) for step in (1, 2, 3)] * 2


def test_where_there_is_nothing_to_find_it_is_said() -> None:
    with pytest.raises(BenchError, match="'brightness' judges no spectra; bihpf does"):
        compression_map(Brightness(), [wave(0, 40)])
    with pytest.raises(BenchError, match="calls none of these images generated"):
        compression_map(DotDetector(), [wave(0, 0)])
