"""Scores that a detector's authors published for pictures, computed again with the user's weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from forenbench.data.sources.folder import Folder
from forenbench.perturbations import parse
from forenbench.plugins.card_facts import ReferenceScore
from forenbench.scoring.pipeline import score_testset
from forenbench.types import REAL, Detector, Sample, TestSet

from .tiny import CheckResult


def check_references(
    detector: Detector, references: Iterable[ReferenceScore], folder: Path, device: str = "cpu"
) -> list[CheckResult]:
    """Compare a detector with its authors' own scores; one result a picture.

    Args:
        detector: With the published weights.
        references: Of its card, those of this variant.
        folder: Where the pictures lie, under their published names.
        device: Where it computes.
    """
    return [
        CheckResult(f"{one.number} of {one.picture}", _problem(detector, one, folder, device))
        for one in references
    ]


def _problem(detector: Detector, reference: ReferenceScore, folder: Path, device: str) -> str:
    source = Folder(folder)
    try:
        found = hashlib.sha256(source.read(reference.picture)).hexdigest()
    except OSError as error:
        return f"{error}; it is published in {reference.source}"
    # Another encoding of the same motif has other pixels, and its score would be no evidence.
    if not found.startswith(reference.sha256):
        return f"{folder / reference.picture} is another file (sha256 {found}, not {reference.sha256})"
    none = parse("none")
    testset = TestSet("reference", "reference", (Sample(reference.picture, REAL),), source, "")
    scored = score_testset(testset, [(none, [detector])], seed=0, device=device)
    (result,) = scored[none.name, detector.name]
    if result.status != "ok":
        return f"{result.status}: {result.error}"
    value = result.logit if reference.number == "logit" else result.score
    if not abs(value - reference.value) <= reference.within:
        return f"{value:.7g}, published: {reference.value} (within {reference.within:g})"
    return ""
