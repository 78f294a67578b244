"""Detectors and encoders, called: what comes back is checked, and is memory of the harness's own.

A detector may hand out the same memory each time, or write into it later; so everything is copied at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor

from forenbench.registry.guests import contained
from forenbench.types import Detector, Encoder, LogitDetector

Prepare = Callable[[Image], Tensor]


def distinct_prepares(detectors: Sequence[Detector]) -> tuple[list[Prepare], list[int]]:
    """Collect the `prepare` functions, and say which one each detector has.

    Equal ones, such as a shared encoder's, run once; a property may give another one at every look.
    """
    prepares: list[Prepare] = []
    indices = []
    for prepare in map(prepare_of, detectors):
        # Compared by ==, not by identity: Python makes a new bound method at every look at `encoder.prepare`.
        if prepare not in prepares:
            prepares.append(prepare)
        indices.append(prepares.index(prepare))
    return prepares, indices


def prepare_of(detector: Detector) -> Prepare:
    """Return what prepares images for a detector: its encoder's `prepare` where it has one."""
    encoder = encoder_of(detector)
    return detector.prepare if encoder is None else encoder.prepare


def encoder_of(detector: Detector) -> Encoder | None:
    """Return the backbone a detector shares with others, if it names one."""
    encoder: Encoder | None = getattr(detector, "encoder", None)
    return encoder


def output_of(detector: Detector) -> str:
    """Return the name of its encoder's output that a detector reads; empty: what `encode` gives."""
    output: str = getattr(detector, "output", "")
    return output


def prepared(prepare: Prepare, image: Image) -> Tensor:
    """Prepare an image, on which a detector may draw.

    Raises:
        TypeError: Something else than a dense tensor came back.
    """
    with contained():
        tensor = _dense(prepare(image), "prepare")
    return torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach())


def encoded(encoder: Encoder, outputs: Sequence[str], batch: Tensor) -> dict[str, Tensor]:
    """Return a batch's features by output: (n, ...), of any type but bfloat16, which becomes float32.

    Args:
        encoder: Runs once, whatever is wanted of it.
        outputs: Those wanted; an empty name is what `encode` gives.
        batch: n stacked tensors.

    Raises:
        TypeError: The encoder returned no mapping, or no tensor in it.
        ValueError: It returned something else than one entry per image, or not what was wanted.
    """
    with contained():
        if not any(outputs):  # an encoder with one output has no other method
            made: Any = {"": encoder.encode(batch)}
        else:
            made = encoder.outputs(batch, tuple(outputs))  # type: ignore[attr-defined]
        if not isinstance(made, Mapping):
            raise TypeError(f"outputs returned {type(made).__name__}, not a mapping from names to tensors")
        absent = [output for output in outputs if output not in made]
        if absent:
            raise ValueError(f"outputs returned no '{absent[0]}', which it was asked for")
        found = {}
        for output in outputs:
            features = _counted(made[output], len(batch), f"outputs['{output}']" if output else "encode")
            # Under autocast features are bfloat16, and a detector may hand them to numpy, which has no such
            # type.
            dtype = torch.float32 if features.dtype == torch.bfloat16 else features.dtype
            found[output] = features.detach().to(dtype, copy=True)
        return found


def scored(detector: Detector, batch: Tensor) -> tuple[Tensor, Tensor]:
    """Return a batch's scores and logits (NaN where the detector has none), float32 (n,).

    Raises:
        ValueError: The detector returned something else than one real number per image.
    """
    if isinstance(detector, LogitDetector):
        with contained():
            returned = detector.logit(batch)
        logits = _numbers(returned, len(batch), "logit")
        return logits.sigmoid(), logits
    with contained():
        returned = detector.score(batch)
    scores = _numbers(returned, len(batch), "score")
    return scores, torch.full_like(scores, math.nan)


def _numbers(returned: Any, number: int, method: str) -> Tensor:  # noqa: ANN401 - whatever a detector returns
    """Copy n real numbers, a tensor, an array or a list, to float32 (n,)."""
    if isinstance(returned, list | tuple | np.ndarray):
        try:
            array = np.asarray(returned)
            # As float64, which is exact for all but huge integers: torch takes no array in the other byte
            # order, nor one with negative strides.
            returned = torch.tensor(array.astype(np.float64) if array.dtype.kind in "iuf" else array)
        except (RuntimeError, TypeError, ValueError) as error:
            raise ValueError(
                f"{method} returned a {type(returned).__name__} that holds more than numbers"
            ) from error
    values = _counted(returned, number, method)
    if values.dtype == torch.bool or values.dtype.is_complex:
        found = "truth values" if values.dtype == torch.bool else "complex numbers"
        raise ValueError(f"{method} returned {found}, not scores: return the number that is compared")
    if values.ndim != 1:
        hint = "; add .squeeze(1)" if values.shape == (number, 1) else ""
        raise ValueError(
            f"{method} returned shape {tuple(values.shape)} for {number} images, not ({number},){hint}"
        )
    return values.detach().to(torch.float32, copy=True)


def _counted(returned: object, number: int, method: str) -> Tensor:
    """Refuse anything but one value or vector per image."""
    values = _dense(returned, method)
    if values.ndim == 0 or len(values) != number:
        raise ValueError(f"{method} returned {tuple(values.shape)} for {number} images")
    return values


def _dense(returned: object, method: str) -> Tensor:
    """Refuse anything but a tensor that has all its values."""
    if not isinstance(returned, Tensor):
        raise TypeError(f"{method} returned {type(returned).__name__}, not a tensor")
    if (
        returned.layout is not torch.strided
        or returned.is_nested
        or returned.is_quantized
        or returned.is_meta
    ):
        raise TypeError(f"{method} returned a sparse, nested, quantized or meta tensor, not a dense one")
    return returned
