"""What the golden tests of the detectors share: the numbers, the pictures, and how to compare."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from formula import he_weights, rgb, sha256_of_weights
from formula_images import IMAGES, MORE
from PIL import Image

from forenbench.plugins.card_facts import CardFacts, card_facts

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "tests" / "golden"
SHARED = REPOSITORY.parent / "shared" / "golden"
"""The full set, on developers' machines only: two pictures and a head that this licence cannot carry."""

NUMBERS: dict[str, Any] = json.loads((FOLDER / "detectors.json").read_text())
EXAMPLES = ("real", "fake")
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs {SHARED}")
PICTURES = [*IMAGES, *(pytest.param(name, marks=needs_shared) for name in EXAMPLES)]
AVAILABLE = [*IMAGES, *(EXAMPLES if SHARED.is_dir() else ())]


@cache
def picture(name: str) -> Image.Image:
    """Return one of the pictures as detectors see it."""
    if name in IMAGES or name in MORE:
        return rgb(name)
    with Image.open(SHARED / "images" / f"{name}.png") as image:
        return image.convert("RGB")


def same_pixels(image: Image.Image, golden: dict[str, Any]) -> bool:
    """Say whether a picture equals the official one exactly."""
    pixels = np.asarray(image)
    ours = {
        "shape": list(pixels.shape),
        "sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "channel_sums": pixels.sum(axis=(0, 1)).tolist(),
    }
    return golden.items() <= ours.items()


def assert_input(tensor: torch.Tensor, golden: dict[str, Any]) -> None:
    """Compare a normalised picture (3, H, W) with its official fingerprint."""
    _, height, width = tensor.shape
    assert list(tensor.shape) == golden["shape"]
    assert tensor.dtype == torch.float32
    assert tensor.double().mean((1, 2)).tolist() == pytest.approx(golden["channel_means"], abs=1e-6)
    assert tensor.double().sum().item() == pytest.approx(golden["sum"], abs=1e-6 * tensor.numel())
    assert tensor[:, 0, 0].tolist() == pytest.approx(golden["first"], abs=1e-6)
    assert tensor[:, height // 2, width // 2].tolist() == pytest.approx(golden["centre"], abs=1e-6)


def modern(name: str) -> dict[str, Any]:
    """Return the numbers of the official code of a detector of 2020 to 2026 (see ``cut_modern.py``)."""
    numbers: dict[str, Any] = json.loads((FOLDER / "modern" / f"{name}.json").read_text())
    return numbers


def card(name: str) -> CardFacts:
    """Return what a built-in detector's card states: its bound on the last number is the tests' bound."""
    said = tomllib.loads((REPOSITORY / "detectors" / f"{name.replace('-', '_')}.toml").read_text())
    return card_facts(said["card"])


def assert_sample(tensor: torch.Tensor, golden: dict[str, Any], within: float) -> None:
    """Compare a tensor with a sample of the official one: its shape, some of its entries, and its sums.

    Args:
        tensor: Without a batch axis.
        golden: Its shape, its sum, that of its absolute values, and [flat index, value] of entries.
        within: How far an entry may be off.
    """
    values = tensor.detach().flatten().double()
    assert list(tensor.shape) == golden["shape"]
    assert values[[place for place, _ in golden["at"]]].tolist() == pytest.approx(
        [value for _, value in golden["at"]], abs=within, rel=0
    )
    # Entries that were not sampled: were all of them off to one side, the sum would be by their number.
    assert values.sum().item() == pytest.approx(golden["sum"], abs=within * len(values), rel=0)
    assert values.abs().sum().item() == pytest.approx(golden["abs_sum"], abs=within * len(values), rel=0)


def assert_told_apart(
    wrong: torch.Tensor, right: dict[str, Any], logits: tuple[float, float], within: float
) -> None:
    """Hold that a mistake in an early stage fails the tests that hold it and the logit to the right ones.

    So no network need be run with it: of the official code it is known to move the logit far.

    Args:
        wrong: What the mistake makes of a picture: its input, or the tokens of a first block; no batch axis.
        right: The sample of the official one.
        logits: Of the official code: with the mistake, and without.
        within: How far off the right one our logit may be.
    """
    if list(wrong.shape) == right["shape"]:
        values = wrong.flatten()
        # tests of the right ones hold them ten times as close, mostly a thousand times
        assert max(abs(values[place].item() - value) for place, value in right["at"]) > 1e-3
    assert abs(logits[0] - logits[1]) > 4 * within


@contextmanager
def outputs_of(module: torch.nn.Module) -> Iterator[list[torch.Tensor]]:
    """Collect what a part of a network gives in the passes inside: it need not run again by itself."""
    made: list[torch.Tensor] = []
    hook = module.register_forward_hook(lambda module, given, gives: made.append(gives))
    yield made
    hook.remove()


def drawn(shapes: list[tuple[str, tuple[int, ...]]], keys: str, weights: str) -> dict[str, torch.Tensor]:
    """Draw formula weights that are the official ones.

    Args:
        shapes: A network's entries in their order.
        keys: Digest of the published list of them.
        weights: Digest of the official numbers.
    """
    assert keys_sha256(shapes) == keys
    made = he_weights(shapes)
    assert sha256_of_weights(made) == weights
    return made


def keys_sha256(shapes: list[tuple[str, tuple[int, ...]]]) -> str:
    """Digest keys and shapes in order, as ``cut_detectors.py`` does."""
    text = json.dumps([[key, list(shape)] for key, shape in shapes], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
