"""Who is ranked, and which ranks the images leave open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from forenbench.metrics.bootstrap import Floats
from forenbench.metrics.comparison import bootstrap_p, holm
from forenbench.records.coverage import WRONG, unpack

from .cell_frame import DETECTOR, Key, grouped, key

SIGNIFICANT = 0.05


def open_ranks(values: Mapping[Key, float], replicates: Mapping[Key, Floats], number: int) -> dict[Key, str]:
    """Say which ranks each detector may have: better are those that beat it, worse those that it beats.

    All pairs are compared on the same resamples, with Holm's correction.

    Args:
        values: Of each ranked detector, in percent.
        replicates: Of its value, as fractions (replicates,), or (0,) where it has none.
        number: What their spread is known from (see `forenbench.metrics.spread.witnesses`).
    """
    order = sorted(values, key=lambda detector: -values[detector])
    pairs = list(combinations(order, 2))  # the first of a pair has the higher value
    p_values = []
    # For all detectors the same images were drawn: replicates can be subtracted one by one.
    for first, second in pairs:
        higher, lower = replicates[first], replicates[second]
        difference = higher - lower if higher.size and lower.size else np.zeros(0)
        p_values.append(bootstrap_p((values[first] - values[second]) / 100, difference, number))
    # A rank that another draw of images might well have exchanged is given as a range.
    beaten, beats = Counter[Key](), Counter[Key]()
    for (first, second), p_value in zip(pairs, holm(p_values), strict=True):
        if p_value < SIGNIFICANT:  # not so for NaN: of one image, nothing is known
            beats[first] += 1
            beaten[second] += 1
    found = {}
    for detector in order:
        best, worst = 1 + beaten[detector], len(order) - beats[detector]
        found[detector] = str(best) if best == worst else f"{best}-{worst}"
    return found


def why_unranked(cells: Sequence[dict[str, Any]], metric: str) -> dict[Key, str]:
    """Say which detectors cannot be ranked, and why; the reason of the others is empty.

    Ranks rest on the same images. Who has no score for an image that another detector has one for has no
    rank, for it may have left out what it would have got wrong; that no detector scored it matters to none.

    Args:
        cells: Of one contest, all of test sets with both labels.
        metric: The column by which detectors are ranked.

    Returns:
        A reason by (detector, weights).
    """
    groups = grouped(cells, DETECTOR)
    testsets = grouped(cells, ["testset"])
    lacking: dict[tuple[Key, str], int] = {}
    for (testset,), group in testsets.items():
        # Which images a test set has is what most cells say, of equally many the newest.
        many = Counter(cell["digest"] for cell in group)
        newest = {cell["digest"]: cell["time"] for cell in sorted(group, key=lambda cell: cell["time"])}
        most = max(many, key=lambda digest: (many[digest], newest[digest], digest))
        unscored = {
            # Where images without a score count as errors, none is left out.
            key(cell, DETECTOR): unpack(
                "" if cell["failed_as"] == WRONG else cell["unscored"], cell["images"]
            )
            for cell in group
            if cell["digest"] == most
        }
        nobody = np.logical_and.reduce(list(unscored.values()))
        lacking |= {(detector, testset): int((lost & ~nobody).sum()) for detector, lost in unscored.items()}
    found = {}
    for detector, group in groups.items():
        mine = {cell["testset"]: cell for cell in group}
        gone = [testset for (testset,) in testsets if testset not in mine]
        others = [testset for testset in mine if (detector, testset) not in lacking]
        lost = sum(lacking.get((detector, testset), 0) for testset in mine)
        blank = [testset for testset, cell in mine.items() if np.isnan(cell[metric])]
        if gone:
            found[detector] = f"not run on {', '.join(gone)}"
        elif others:
            found[detector] = f"other images than the others' of {', '.join(others)}"
        elif lost:
            found[detector] = f"{lost} images without a score that others scored"
        else:
            found[detector] = f"no value on {', '.join(blank)}" if blank else ""
    return found
