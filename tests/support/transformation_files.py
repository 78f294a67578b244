"""Files of LGrad's transformation models as they are published, filled by formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from math import prod, sqrt
from zlib import crc32

import torch
from published_keys import published_keys
from torch import Tensor, nn

from forenbench.detectors._nets.networks import Network
from forenbench.detectors._nets.transformations import TRANSFORMATIONS


def pretrained(name: str) -> Network:
    """Return the model of a transformation that has a file."""
    model = TRANSFORMATIONS[name].model
    assert isinstance(model, Network)
    return model


def filled_as_published(name: str) -> dict[str, Tensor]:
    """Fill the entries of a published file as `filled` does a network's; of CLIP's text side, one number."""
    shapes = published_keys()[name].items()
    of_clip = any(key.startswith("visual.") for key, _ in shapes)
    kept = {key: shape for key, shape in shapes if not of_clip or key.startswith("visual.") or not shape}
    return {key: _fill(key, _begun(key, shape)) for key, shape in kept.items()}


def _begun(key: str, shape: tuple[int, ...]) -> Tensor:
    """Make what a network has of itself: filters that keep the mean, variances of one, no batches."""
    if key.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    return torch.tensor(1 / prod(shape[2:]) if key.endswith("kernel") else 1.0).expand(shape)


def filled(build: Callable[[], nn.Module]) -> Mapping[str, Tensor]:
    """Fill a network in He's manner, fast: normal weights that keep deep activations in range, no biases."""
    return {key: _fill(key, value) for key, value in build().state_dict().items()}


def _fill(key: str, begun: Tensor) -> Tensor:
    if key.endswith(("num_batches_tracked", "kernel", "running_var")):
        return begun  # as the network has them of itself
    if begun.ndim < 2:
        return torch.full(begun.shape, (0.25 if "bn3" in key else 1.0) if key.endswith("weight") else 0.0)
    # Drawing three hundred million numbers takes seconds, repeating them does not. Another key begins
    # elsewhere, or two layers of one shape would be the same.
    scaled = _normal().roll(crc32(key.encode())) * sqrt(2 / prod(begun.shape[1:]))
    return scaled.repeat(-(-begun.numel() // len(scaled)))[: begun.numel()].view(begun.shape)


@cache
def _normal() -> Tensor:
    """Draw standard normal numbers: a prime number of them, so that no two rows of a matrix are alike."""
    return torch.randn(1_000_003, generator=torch.Generator().manual_seed(0))
