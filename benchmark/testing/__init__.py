"""For authors of detectors: the executable contract, tiny images, and a detector simple enough to predict.

The contracts of what else can be added are in `forenbench.testing.contracts`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor

from forenbench.images import decode
from forenbench.metrics.classification import auroc
from forenbench.perturbations import parse
from forenbench.plugins.attributes import problem, refuse_network
from forenbench.registry.guests import contained, reason
from forenbench.scoring.calls import TwoSteps, encoded, encoder_of, output_of, prepare_of, prepared
from forenbench.scoring.numerics import Numerics
from forenbench.scoring.pipeline import score_testset
from forenbench.scoring.prepare_windows import window
from forenbench.types import REAL, Detector, FileDetector, LogitDetector, Sample, TestSet

from .direction import PAIRS, pairs
from .shown import all_sizes, other_formats, other_modes, tiny_png
from .tiny import SIZES as SIZES
from .tiny import Brightness as Brightness
from .tiny import CheckResult as CheckResult
from .tiny import MemorySource as MemorySource
from .tiny import tiny_image as tiny_image
from .tiny import write_tiny_dataset as write_tiny_dataset

# Sums of a batch are added in another order than those of one image: scores differ by 1e-7 to 1e-5.
_RELATIVE, _ABSOLUTE = 1e-3, 1e-4
_ODD = (1003, 603)
"""Larger than crops, with margins whose half is rounded up by some and down by others."""
_INVERTED = 0.35
"""AUROC on `PAIRS` of images below which chance is no excuse (p < 0.02)."""
_Stage: TypeAlias = tuple[str, Callable[[Any], Any], list[Any]]
"""A method's name, what calls it, and two inputs that differ."""


def check_detector(
    detector: Detector | FileDetector, device: str = "cpu", *, allow_network: bool = False
) -> list[CheckResult]:
    """Run the contract of a detector; one result per check, in a fixed order.

    Raises:
        BenchError: It states that it sends images over the network, and may not.
    """
    refuse_network(detector, detector.name, allow_network)
    return [CheckResult(name, run_check(name, detector, device)) for name in CHECKS]


def run_check(name: str, detector: Detector | FileDetector, device: str = "cpu") -> str:
    """Run one of the `CHECKS`; return the problem, or an empty text. What it raises is a problem as well."""
    try:
        with contained():
            return CHECKS[name](cast("Detector", detector), device)
    except Exception as error:
        return reason(error)


def _scores(detector: Detector, files: Sequence[bytes], device: str) -> list[float]:
    """Send files through the same pipeline as a run; raise with the first one's reason for no score."""
    samples, source = tuple(Sample(str(i), REAL) for i in range(len(files))), MemorySource(files)
    none, testset = parse("none"), TestSet("check", "check", samples, source, "")
    results = score_testset(testset, [(none, [detector])], seed=0, device=device)[none.name, detector.name]
    for sample, result in zip(samples, results, strict=True):
        if result.status != "ok":
            image = decode(source.read(sample.path))
            raise ValueError(f"{image.width}×{image.height} image: {result.status}: {result.error}")
    return [result.score for result in results]


def _check_finite(files: Callable[[], Sequence[bytes]], detector: Detector, device: str) -> str:
    """Each of some files gets one finite score."""
    _scores(detector, files(), device)
    return ""


def _check_order(detector: Detector, device: str) -> str:
    """The same images in another order get the same scores in that order."""
    # Rotated rather than reversed, which would hide a detector that reverses.
    files = [tiny_png(i) for i in range(5)]
    first, rotated = _scores(detector, files, device), _scores(detector, files[2:] + files[:2], device)
    return _difference(first, rotated[3:] + rotated[:3], "in another order")


def _check_batch(detector: Detector, device: str) -> str:
    """An image's score does not depend on what else is in the batch."""
    prepare = prepare_of(detector)
    if isinstance(prepare, TwoSteps):
        images = [tiny_image(i, 256, 256) for i in range(5)]
        levels = torch.stack([prepared(prepare.levels, image.copy()) for image in images])
        at_once = torch.stack([prepared(prepare, image.copy()) for image in images])
        if not torch.equal(prepare.normalised(levels), at_once):
            return "normalised(levels) of five images gives other values than prepare of each"
    files = [tiny_png(i) for i in range(5)]
    alone = [_scores(detector, [file], device)[0] for file in files]
    return _difference(alone, _scores(detector, files, device), "in a batch of 5")


def _check_deterministic(detector: Detector, device: str) -> str:
    """The same images twice get exactly the same scores."""
    files = [tiny_png(i) for i in range(3)]
    # Exactly: what differs from call to call cannot be resumed, nor scored again by anybody else.
    first, second = _scores(detector, files, device), _scores(detector, files, device)
    return "" if first == second else f"scored {first}, the second time {second}"


def _check_untouched(
    stages: Callable[[Detector, str], list[_Stage]], what: str, detector: Detector, device: str
) -> str:
    """Methods leave what they are given as it was."""
    with Numerics(device).applied():
        for method, call, (given, _) in stages(detector, device):
            before = _values(given)
            call(given)
            if not np.array_equal(before, _values(given), equal_nan=True):
                return f"{method} changes the {what}"
    return ""


def _check_window(detector: Detector, device: str) -> str:
    """`prepare` makes of its window, where it states one, what it makes of the whole image."""
    prepare = prepare_of(detector)
    for i, size in enumerate((*SIZES, _ODD)):
        if box := window(prepare, size):
            image = tiny_image(i, *size)
            whole, part = (_values(prepared(prepare, one)) for one in (image, image.crop(box)))
            if not np.array_equal(whole, part, equal_nan=True):
                return (
                    f"{size[0]}×{size[1]} image: prepare gives something else for the part {box} that "
                    "prepare.window states; state all that it looks at, or leave prepare.window out"
                )
    return ""


def _check_memory(detector: Detector, device: str) -> str:
    """What `prepare`, `encode` and `score` return stays as it is when they are called again."""
    with Numerics(device).applied():
        for method, call, (first, second) in [*_preparing(detector, device), *_scoring(detector, device)]:
            returned = call(first)
            before = _values(returned)
            call(second)
            if not np.array_equal(before, _values(returned), equal_nan=True):
                return f"{method} returns the same memory again, with other values; return a new tensor"
    return ""


def _preparing(detector: Detector, device: str) -> list[_Stage]:
    """List the method that gets images."""
    # Called by itself: the pipeline hands out copies, which would hide that it changes its image.
    return [("prepare", prepare_of(detector), [tiny_image(i, 256, 256) for i in range(2)])]


def _scoring(detector: Detector, device: str) -> list[_Stage]:
    """List the methods that get batches; on memory that is nobody else's."""
    encoder = encoder_of(detector)
    batches = [prepared(prepare_of(detector), tiny_image(i, 256, 256))[None].to(device) for i in range(2)]
    name = "logit" if isinstance(detector, LogitDetector) else "score"
    if encoder is None:
        return [(name, getattr(detector, name), batches)]
    output = output_of(detector)
    # Cloned, for an encoder that changes its batch would change what the check compares with.
    features = [encoded(encoder, [output], batch.clone())[output] for batch in batches]

    def encode(batch: Tensor) -> Any:  # noqa: ANN401 - whatever an encoder returns
        # Not `encoded`, which copies: what the encoder itself hands out is looked at.
        return encoder.outputs(batch, (output,))[output] if output else encoder.encode(batch)  # type: ignore[attr-defined]

    return [("outputs" if output else "encode", encode, batches), (name, getattr(detector, name), features)]


def _values(returned: Any) -> np.ndarray[Any, Any]:  # noqa: ANN401 - whatever a detector returns
    """Copy the values of a tensor, an array, a list or bytes."""
    if isinstance(returned, bytes | bytearray):
        return np.array(bytearray(returned))
    if isinstance(returned, Tensor):
        # NumPy has no bfloat16; float32 holds every value of it.
        returned = (returned.float() if returned.dtype == torch.bfloat16 else returned).numpy(force=True)
    return np.array(returned)


def _check_direction(detector: Detector, device: str) -> str:
    """Generated images do not score clearly lower than the photographs that they are made from."""
    reals, fakes = pairs()
    # No high bar: a good detector of other generators may be at chance on these. Only what is clearly upside
    # down is a fault that no table would show as one.
    area = auroc(np.repeat([0, 1], PAIRS), np.array(_scores(detector, [*reals, *fakes], device)))
    problem = (
        f"AUROC {area:.2f} on {PAIRS} photographs and what a small generator made of them: a higher score "
        "must mean more likely generated"
    )
    return problem if area < _INVERTED else ""


def _difference(expected: Sequence[float], got: Sequence[float], when: str) -> str:
    """Word the first difference beyond float rounding."""
    for i, (one, other) in enumerate(zip(expected, got, strict=True)):
        if not math.isclose(one, other, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE):
            return f"image {i} scores {one:.6g}, but {other:.6g} {when}"
    return ""


CHECKS: dict[str, Callable[[Detector, str], str]] = {
    "name, version and threshold": lambda detector, device: problem(detector),
    "one finite score for an image of any size": partial(_check_finite, all_sizes),
    "one finite score for grey, palette, alpha and 1-bit images": partial(_check_finite, other_modes),
    "one finite score for JPEG, WebP and GIF files": partial(_check_finite, other_formats),
    "order is kept": _check_order,
    "a batch gives what single images give": _check_batch,
    "the same input gives the same score": _check_deterministic,
    "the input image is left untouched": partial(_check_untouched, _preparing, "image it is given"),
    "prepare sees no more than it states": _check_window,
    "batches are left untouched": partial(
        _check_untouched, _scoring, "batch it is given; other detectors may share it"
    ),
    "what is returned is new memory each time": _check_memory,
    "higher means more likely generated": _check_direction,
}
"""The checks by name; each takes (detector, device) and returns the problem, or an empty string."""
