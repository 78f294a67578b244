"""Detectors and encoders, called: what comes back is checked, and is memory of the harness's own.

A detector may hand out the same memory each time, or write into it later; so everything is copied at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor

from forenbench.images.png import as_png
from forenbench.registry.guests import contained
from forenbench.types import Detector, Encoder, LogitDetector

Prepare = Callable[[Any], Any]
"""Of an RGB image; `OfBytes` also of a file's bytes."""


@dataclass(frozen=True, slots=True)
class OfBytes:
    """A plugin's `prepare_bytes` in the place of a `prepare`; of a picture that is no file it gets a PNG.

    Attributes:
        method: The plugin's. Two are equal where it is.
    """

    method: Callable[[bytes], Any]

    def __call__(self, given: Image | bytes) -> Any:  # noqa: ANN401 - whatever a plugin returns
        """Hand on a file's own bytes, or a picture's pixels, losslessly and without metadata."""
        return self.method(given if isinstance(given, bytes) else as_png(given))


@runtime_checkable
class TwoSteps(Protocol):
    """A `prepare` that readers do the first step of: 8 bits a value cross to the network, and not 32.

    ``prepare(image)`` is ``normalised(levels(image)[None])[0]``, bit for bit and on every device.
    """

    @property
    def levels(self) -> Prepare:
        """The first step, of an RGB image; equal where two do the same in it."""
        ...

    def normalised(self, levels: Tensor) -> Tensor:
        """Do the second step with n stacked tensors (n, ...), which stay as they are."""
        ...


def distinct_prepares(detectors: Sequence[Detector]) -> tuple[list[Prepare], list[int]]:
    """Collect what readers do for detectors, and say which of it each detector needs.

    That is `prepare`, or its first step (see `TwoSteps`). Equal ones, such as a shared encoder's, run once; a
    property may give another one at every look.
    """
    prepares: list[Prepare] = []
    indices = []
    for whole in map(prepare_of, detectors):
        prepare = whole.levels if isinstance(whole, TwoSteps) else whole
        # Compared by ==, not by identity: Python makes a new bound method at every look at `encoder.prepare`.
        if prepare not in prepares:
            prepares.append(prepare)
        indices.append(prepares.index(prepare))
    return prepares, indices


def prepare_of(detector: Detector) -> Prepare:
    """Return what prepares images for a detector: its encoder's `prepare` where it has one."""
    encoder = encoder_of(detector)
    holder: Any = detector if encoder is None else encoder
    of_bytes = getattr(holder, "prepare_bytes", None)
    return holder.prepare if of_bytes is None else OfBytes(of_bytes)


def finished(detector: Detector, batch: Tensor) -> Tensor:
    """Make of n stacked tensors from a reader (n, ...) what a detector's `prepare` makes of their images."""
    prepare = prepare_of(detector)
    if not isinstance(prepare, TwoSteps):
        return batch
    with contained():
        return prepare.normalised(batch)


def encoder_of(detector: Detector) -> Encoder | None:
    """Return the backbone a detector shares with others, if it names one."""
    encoder: Encoder | None = getattr(detector, "encoder", None)
    return encoder


def output_of(detector: Detector) -> str:
    """Return the name of its encoder's output that a detector reads; empty: what `encode` gives."""
    output: str = getattr(detector, "output", "")
    return output


def prepared(prepare: Prepare, image: Image | bytes) -> Tensor:
    """Prepare an image, on which a detector may draw, or a file.

    Raises:
        TypeError: Something else than a dense tensor, an array of numbers or bytes came back.
    """
    with contained():
        tensor = _dense(prepare(image), "prepare_bytes" if isinstance(prepare, OfBytes) else "prepare")
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
            method = f"outputs['{output}']" if output else "encode"
            features = _dense(made[output], method)
            if features.ndim == 0 or len(features) != len(batch):
                what = _described(made[output])
                raise ValueError(f"{method} returned {what} for {len(batch)} images: return one row for each")
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
    values = returned
    try:
        if isinstance(values, list | tuple):
            # Numbers that lie on a GPU, or wait for a gradient, are none that NumPy takes.
            values = np.asarray([v.numpy(force=True) if isinstance(v, Tensor) else v for v in values])
        values = _dense(values, method)
    except (TypeError, ValueError):
        values = None
    if values is None or values.dtype == torch.bool or values.dtype.is_complex or values.shape != (number,):
        hint = "; add .squeeze(1)" if getattr(values, "shape", ()) == (number, 1) else ""
        if getattr(values, "dtype", None) == torch.bool:
            hint = "; truth values are no scores: return what is compared with the threshold"
        raise ValueError(
            f"{method} returned {_described(returned)}; return {number} numbers for {number} images: a "
            f"tensor, an array or a list{hint}"
        )
    copied: Tensor = values.detach().to(torch.float32, copy=True)
    return copied


def _dense(returned: object, method: str) -> Tensor:
    """Take a tensor that has all its values, or make one of an array of numbers, or of bytes."""
    array = np.frombuffer(returned, np.uint8) if isinstance(returned, bytes | bytearray) else returned
    if isinstance(array, np.ndarray | np.generic) and array.dtype.kind in "biufc":
        # A copy, for torch takes no array in the other byte order, none with negative strides, and of memory
        # that is not to be written into it warns.
        returned = torch.from_numpy(np.array(array, array.dtype.newbyteorder("="), order="C"))
    if (
        not isinstance(returned, Tensor)
        or returned.layout is not torch.strided
        or returned.is_nested
        or returned.is_quantized
        or returned.is_meta
    ):
        raise TypeError(
            f"{method} returned {_described(returned)}; return a dense tensor or an array of numbers"
        )
    return returned


def _described(returned: object) -> str:
    """Say what came: of what kind, shape and type."""
    if isinstance(returned, Tensor):
        layout = str(returned.layout).removeprefix("torch.")
        kinds = {"nested": returned.is_nested, "quantized": returned.is_quantized, "meta": returned.is_meta}
        kind = next((kind for kind, it_is in kinds.items() if it_is), "" if layout == "strided" else layout)
        # A nested tensor has no shape that could be told.
        shape = "" if returned.is_nested else f" of shape {tuple(returned.shape)}"
        return f"a {kind + ' ' if kind else ''}tensor{shape}, {str(returned.dtype).removeprefix('torch.')}"
    if isinstance(returned, np.ndarray):
        return f"an array of shape {returned.shape}, {returned.dtype}"
    if isinstance(returned, list | tuple):
        kinds_within = sorted({type(one).__name__ for one in returned})
        return f"a {type(returned).__name__} of {len(returned)} ({', '.join(kinds_within) or 'empty'})"
    return "None" if returned is None else f"a {type(returned).__name__}"
