"""Files of LGrad's transformation models as they are published, filled by formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from math import prod, sqrt
from zlib import crc32

import torch
from formula import shapes_of
from published_keys import Shapes, published_keys
from torch import Tensor, nn

from forenbench.detectors._nets.networks import Network
from forenbench.detectors._nets.transformations import TRANSFORMATIONS


def pretrained(name: str) -> Network:
    """Return the model of a transformation that has a file."""
    model = TRANSFORMATIONS[name].model
    assert isinstance(model, Network)
    return model


def filled_as_published(name: str, of: Shapes | None = None) -> dict[str, Tensor]:
    """Fill the entries of a published file as `filled` does a network's; of CLIP's text side, one number.

    Args:
        name: Of the checkpoint.
        of: Which entries, and how large; by default those that were published.
    """
    shapes = (published_keys()[name] if of is None else of).items()
    of_clip = any(key.startswith("visual.") for key, _ in shapes)
    kept = {key: shape for key, shape in shapes if not of_clip or key.startswith("visual.") or not shape}
    return {key: _fill(key, shape) for key, shape in kept.items()}


def filled(build: Callable[[], nn.Module]) -> Mapping[str, Tensor]:
    """Fill a network in He's manner, fast: normal weights that keep deep activations in range, no biases.

    Filters keep the mean, variances are one, and no batches were seen.
    """
    with torch.device("meta"):  # its own random weights would take longer than all of this
        shapes = shapes_of(build())
    return {key: _fill(key, shape) for key, shape in shapes}


def _fill(key: str, shape: tuple[int, ...]) -> Tensor:
    if key.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    if key.endswith("kernel"):
        return torch.full(shape, 1 / prod(shape[2:]))
    if len(shape) < 2:
        one = key.endswith(("weight", "running_var"))
        return torch.full(shape, 0.25 if "bn3" in key and key.endswith("weight") else float(one))
    # Drawing three hundred million numbers takes seconds, repeating them does not. Another key begins
    # elsewhere, or two layers of one shape would be the same.
    scaled = _normal().roll(crc32(key.encode())) * sqrt(2 / prod(shape[1:]))
    return scaled.repeat(-(-prod(shape) // len(scaled)))[: prod(shape)].view(shape)


@cache
def _normal() -> Tensor:
    """Draw standard normal numbers: a prime number of them, so that no two rows of a matrix are alike."""
    return torch.randn(1_000_003, generator=torch.Generator().manual_seed(0))
