"""Tiny-LaDeDa: the network's maths restated in numpy, what it sees, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from formula import he_weights, shapes_of
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from forenbench.detectors.tiny_ladeda import TinyLaDeDa
from forenbench.weights import Weights, WrongWeights

CONV, NORM = ("weight",), ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
ENTRIES = {
    "conv1": CONV,
    "conv2": CONV,
    "bn1": NORM,
    "layer1.0.conv1": CONV,
    "layer1.0.bn1": NORM,
    "layer1.0.conv2": CONV,
    "layer1.0.bn2": NORM,
    "fc": ("weight", "bias"),
}
"""The released file's 21 keys, in its order."""

KEYS = [f"{layer}.{entry}" for layer, entries in ENTRIES.items() for entry in entries]
SHAPES = {
    "conv1.weight": (8, 3, 1, 1),
    "conv2.weight": (8, 8, 3, 3),
    "layer1.0.conv1.weight": (8, 8, 1, 1),
    "layer1.0.conv2.weight": (8, 8, 3, 3),
    "fc.weight": (1, 8),
    "fc.bias": (1,),
}


def shape(key: str) -> tuple[int, ...]:
    return () if key.endswith("tracked") else SHAPES.get(key, (8,))


STATE = he_weights((key, shape(key)) for key in KEYS)
PIXELS = np.random.RandomState(5).randint(0, 256, (256, 256, 3)).astype(np.uint8)


def detector(folder: Path, state: Mapping[str, Tensor] = STATE, *, unverified: bool = True) -> TinyLaDeDa:
    path = folder / "tiny.pth"
    torch.save(dict(state), path)
    return TinyLaDeDa("forensynths", Weights(paths={"tiny-ladeda": path}, unverified=unverified))


def restated(pixels: NDArray[np.uint8]) -> float:
    """Compute the logit of a 256x256 picture from the paper's description, in float64."""
    weights = {key: value.numpy().astype(float) for key, value in STATE.items()}
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    image = ((pixels / 255 - mean) / std).transpose(2, 0, 1)
    blocks = image.reshape(3, 128, 2, 128, 2)
    maps = (blocks - blocks[:, :, :1, :, :1]).reshape(3, 256, 256)

    def norm(maps: NDArray[np.float64], layer: str) -> NDArray[np.float64]:
        scale, shift, average, variance = (weights[f"{layer}.{one}"][:, None, None] for one in NORM[:4])
        return np.maximum((maps - average) / np.sqrt(variance + 1e-5) * scale + shift, 0)

    def point(maps: NDArray[np.float64], layer: str) -> NDArray[np.float64]:
        return np.einsum("oi,ihw->ohw", weights[f"{layer}.weight"][:, :, 0, 0], maps)

    def window(maps: NDArray[np.float64], layer: str, stride: int) -> NDArray[np.float64]:
        windows = np.lib.stride_tricks.sliding_window_view(maps, (3, 3), (1, 2))[:, ::stride, ::stride]
        return np.einsum("oikl,ihwkl->ohw", weights[f"{layer}.weight"], windows)

    maps = norm(window(point(maps, "conv1"), "conv2", 1), "bn1")
    maps = norm(point(maps, "layer1.0.conv1"), "layer1.0.bn1")
    maps = norm(window(maps, "layer1.0.conv2", 2), "layer1.0.bn2")
    return float(weights["fc.weight"][0] @ maps.mean((1, 2)) + weights["fc.bias"][0])


@torch.no_grad()
def test_the_logit_is_that_of_the_restated_network(tmp_path: Path) -> None:
    ours = detector(tmp_path)
    batch = torch.stack([ours.prepare(Image.fromarray(picture)) for picture in (PIXELS, PIXELS[::-1])])
    expected = [restated(PIXELS), restated(PIXELS[::-1])]
    assert ours.logit(batch).tolist() == pytest.approx(expected, abs=1e-4)
    assert ours.score(batch).tolist() == pytest.approx([1 / (1 + np.exp(-x)) for x in expected], abs=1e-5)
    assert expected[0] != pytest.approx(expected[1], abs=1e-3)


@torch.no_grad()
def test_a_picture_of_flat_blocks_looks_like_an_empty_one(tmp_path: Path) -> None:
    """Nothing but the differences within blocks of 2x2 counts."""
    ours = detector(tmp_path)
    flat = PIXELS[::2, ::2].repeat(2, axis=0).repeat(2, axis=1)
    both = torch.stack([ours.prepare(Image.fromarray(picture)) for picture in (flat, np.zeros_like(flat))])
    assert ours.logit(both).std().item() == pytest.approx(0, abs=1e-6)


def test_any_picture_is_squashed_to_the_size_of_training() -> None:
    assert TinyLaDeDa.prepare(Image.fromarray(PIXELS[:100])).shape == (3, 256, 256)


def test_the_network_has_the_released_keys_in_their_order(tmp_path: Path) -> None:
    assert shapes_of(detector(tmp_path).network) == [(key, shape(key)) for key in KEYS]
    assert len(KEYS) == 21


def test_a_missing_and_a_surplus_key_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongWeights, match=r"key 'layer1.0.bn2.running_var' is missing"):
        detector(tmp_path, {key: STATE[key] for key in KEYS if key != "layer1.0.bn2.running_var"})
    with pytest.raises(WrongWeights, match="key 'layer2' is unexpected"):
        detector(tmp_path, STATE | {"layer2": torch.ones(1)})


def test_only_the_released_file_passes_for_the_released_one(tmp_path: Path) -> None:
    with pytest.raises(WrongWeights, match=r"has [0-9]+ bytes, expected 12405.* ForenSynth_Tiny_LaDeDa.pth"):
        detector(tmp_path, unverified=False)
