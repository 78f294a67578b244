"""One pass over a test set: decode once, perturb once, prepare once, encode once, then every detector.

Batches are consecutive samples, `BATCH` at a time, grouped by tensor shape: a function of the cell alone,
never of which other cells run beside it. Floating-point results depend on a batch's shape, so this keeps
rows equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from .batches import BATCH, Batch, BatchMaker, ImageResult, Todo, ahead, encoder_of, prepare_of, reason
from .types import Detector, Encoder, LogitDetector, TestSet

Results = dict[tuple[str, str], list[ImageResult]]


def score_testset(
    testset: TestSet,
    todo: Todo,
    *,
    seed: int,
    device: str,
    advance: Callable[[int], None] = lambda images: None,
) -> Results:
    """Score a test set's images.

    Args:
        testset: The images, in the order of the results.
        todo: Which detectors under which perturbations.
        seed: Of the run; random perturbations also draw on the image's content.
        device: Where batches go.
        advance: Told the number of images after each batch.

    Returns:
        One result per sample, by (perturbation, detector) name. Nothing that a detector or an image does
        wrong is raised: it becomes the status of the rows concerned.
    """
    torch.backends.cudnn.allow_tf32 = False  # on by default, and good for three digits of a logit only
    maker = BatchMaker(testset, todo, seed)
    results: Results = {
        (perturbation.name, detector.name): [] for perturbation, detectors in todo for detector in detectors
    }
    for size, batch in ahead(maker.prepare_batch, range(0, len(testset.samples), BATCH)):
        for perturbation, detectors in todo:
            for name, scored in _score_batch(batch, perturbation.name, detectors, maker, device).items():
                results[perturbation.name, name] += scored
        advance(size)
    return results


def _score_batch(
    batch: Batch, perturbation: str, detectors: Sequence[Detector], maker: BatchMaker, device: str
) -> dict[str, list[ImageResult]]:
    """Run every detector on one batch under one perturbation; encoders run once each."""
    scored = {}
    features: dict[int, tuple[dict[int, Tensor], dict[int, ImageResult]]] = {}
    for detector in detectors:
        prepared = batch[perturbation, maker.prepares.index(prepare_of(detector))]
        inputs, missing = prepared.tensors, prepared.missing
        encoder = encoder_of(detector)
        if encoder is not None:
            if id(encoder) not in features:
                features[id(encoder)] = _encode(encoder, inputs, device)
            inputs, lost = features[id(encoder)]
            missing = {**missing, **lost}
        results = {**missing, **_score(detector, inputs, device)}
        scored[detector.name] = [results[position] for position in sorted(results)]
    return scored


def _by_shape(tensors: Mapping[int, Tensor]) -> Iterator[tuple[list[int], Tensor]]:
    """Stack tensors of equal shape and type, keeping the positions."""
    groups: dict[Any, list[int]] = {}
    for position, tensor in tensors.items():
        groups.setdefault((tensor.shape, tensor.dtype), []).append(position)
    for positions in groups.values():
        yield positions, torch.stack([tensors[position] for position in positions])


def _encode(
    encoder: Encoder, tensors: Mapping[int, Tensor], device: str
) -> tuple[dict[int, Tensor], dict[int, ImageResult]]:
    """Encode prepared images; a group that fails loses only its own positions."""
    features: dict[int, Tensor] = {}
    lost: dict[int, ImageResult] = {}
    for positions, group in _by_shape(tensors):
        try:
            with torch.no_grad():
                encoded = encoder.encode(group.to(device))
            _check_count(encoded, len(positions), "encode")
            features.update(zip(positions, encoded, strict=True))
        except Exception as error:
            lost.update(dict.fromkeys(positions, ImageResult("failed", error=f"encode: {reason(error)}")))
    return features, lost


def _score(detector: Detector, inputs: Mapping[int, Tensor], device: str) -> dict[int, ImageResult]:
    """Score prepared images or features; a group that fails loses only its own positions."""
    results: dict[int, ImageResult] = {}
    for positions, group in _by_shape(inputs):
        try:
            scores, logits = score_batch(detector, group.to(device))
        except Exception as error:
            failed = ImageResult("failed", error=f"{detector.name}: {reason(error)}")
            results.update(dict.fromkeys(positions, failed))
            continue
        for position, score, logit in zip(positions, scores, logits, strict=True):
            results[position] = _result(detector.name, score, logit)
    return results


def score_batch(detector: Detector, batch: Tensor) -> tuple[list[float], list[float]]:
    """Return a batch's scores and logits (NaN where the detector has none) as float32 values.

    Raises:
        ValueError: The detector returned something else than one number per image.
    """
    with torch.no_grad():
        if isinstance(detector, LogitDetector):
            logits = detector.logit(batch)
            scores = logits.float().sigmoid()
        else:
            scores = detector.score(batch)
            logits = torch.full((len(batch),), math.nan)
    _check_count(scores, len(batch), "score")
    if scores.ndim != 1:
        raise ValueError(
            f"score returned shape {tuple(scores.shape)} for {len(batch)} images, not ({len(batch)},)"
        )
    return scores.float().tolist(), logits.float().tolist()


def _check_count(values: Tensor, number: int, method: str) -> None:
    """Refuse anything but one value or vector per image."""
    if not isinstance(values, Tensor) or values.ndim == 0 or len(values) != number:
        got = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise ValueError(f"{method} returned {got} for {number} images")


def _result(name: str, score: float, logit: float) -> ImageResult:
    """Judge one score."""
    if math.isfinite(score):
        return ImageResult("ok", score, logit)
    return ImageResult("nonfinite", logit=logit, error=f"{name} returned {score}")
