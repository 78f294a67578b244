"""Weights made by formula, and the formula images as detectors see them: the inputs of the golden numbers.

The official code of the three detectors was run on these (CPU, float32); ``tests/golden`` compares our
detectors with its outputs. Everything is drawn from numpy's RandomState (see `normals`), whose stream never
changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from math import prod, sqrt
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from formula_images import write_image
from normals import Stream
from numpy.typing import NDArray
from PIL import Image

Rules = Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]]
"""By the last part of a key: from its standard normal numbers to its values."""


def rgb(name: str) -> Image.Image:
    """Make a formula image, encoded, decoded and converted to RGB."""
    with TemporaryDirectory() as folder, Image.open(write_image(name, Path(folder))) as image:
        return image.convert("RGB")


def he_weights(
    shapes: Iterable[tuple[str, tuple[int, ...]]], rules: Rules | None = None
) -> dict[str, torch.Tensor]:
    """Draw weights that keep activations of a deep network in range, key after key from one generator.

    Args:
        shapes: Keys and shapes in the order in which they are drawn.
        rules: What the formula of a detector's golden numbers adds, before the common ones.
    """
    random = Stream()
    return {key: _he(key, shape, random, rules or {}) for key, shape in shapes}


def gan_weights(shapes: Iterable[tuple[str, tuple[int, ...]]]) -> dict[str, torch.Tensor]:
    """Draw standard normal weights and small biases; blur kernels and `lod` are the published constants."""
    random = Stream()
    return {key: _gan(key, shape, random) for key, shape in shapes}


def freqnet_weights(shapes: Iterable[tuple[str, tuple[int, ...]]]) -> dict[str, torch.Tensor]:
    """Draw FreqNet's, which has biases outside of layers."""
    weights = he_weights(shapes, {f"bias{number}": lambda z: 0.1 * z for number in range(1, 5)})
    # The picture would drown in the norms' biases.
    weights["weight1"] *= 20
    return weights


def clip_weights(shapes: Iterable[tuple[str, tuple[int, ...]]]) -> dict[str, torch.Tensor]:
    """Draw those of CLIP's image tower, in OpenAI's order."""
    return he_weights(in_openai_order(shapes))


def in_openai_order(shapes: Iterable[tuple[str, tuple[int, ...]]]) -> list[tuple[str, tuple[int, ...]]]:
    """Sort the entries of CLIP's image tower: open_clip has the norm in front of the attention first."""
    return sorted(shapes, key=_place)


def _place(entry: tuple[str, tuple[int, ...]]) -> tuple[int, int, int]:
    key, _ = entry
    if not key.startswith("transformer.resblocks."):
        return (2 if key.startswith("ln_post.") else 0, 0, 0)
    number, part = key.split(".")[2:4]
    return (1, int(number), ("attn", "ln_1", "mlp", "ln_2").index(part))


def shapes_of(module: torch.nn.Module) -> list[tuple[str, tuple[int, ...]]]:
    """List a network's entries in state-dict order."""
    return [(key, tuple(value.shape)) for key, value in module.state_dict().items()]


def sha256_of_weights(weights: Mapping[str, torch.Tensor]) -> str:
    """Digest the raw bytes of all tensors in order."""
    digest = hashlib.sha256()
    for tensor in weights.values():
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def _he(key: str, shape: tuple[int, ...], random: Stream, rules: Rules) -> torch.Tensor:
    last = key.rpartition(".")[2]
    if last == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.int64)
    z = np.asarray(random.randn(*shape))
    if last in rules:
        z = rules[last](z)
    elif last == "running_var":
        z = 1 + 0.1 * abs(z)
    elif last in ("running_mean", "bias", "in_proj_bias"):
        z = 0.1 * z
    elif last in ("class_embedding", "positional_embedding"):
        z = 0.02 * z
    elif last == "proj":
        z = z * sqrt(1 / shape[0])
    elif len(shape) == 1:
        z = (0.25 if key.endswith("bn3.weight") else 1) * (1 + 0.1 * z)
    else:
        z = z * sqrt(2 / prod(shape[1:]))
    return _float32(z)


def _gan(key: str, shape: tuple[int, ...], random: Stream) -> torch.Tensor:
    last = key.rpartition(".")[2]
    if last == "lod":
        return torch.zeros(shape)
    if last == "kernel":
        return _float32(np.outer([1, 2, 1], [1, 2, 1]) / 16).repeat(shape[0], 1, 1, 1)
    return _float32(random.randn(*shape) * (0.1 if last == "bias" else 1))


def _float32(values: NDArray[np.float64]) -> torch.Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))
