"""Who is ranked, and which ranks the images leave open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations
from typing import Any, TypeVar

import numpy as np

from forenbench.metrics.bootstrap import Floats
from forenbench.metrics.comparison import bootstrap_p, holm
from forenbench.records.coverage import WRONG, unpack

SIGNIFICANT = 0.05
Key = TypeVar("Key", bound=Hashable)


def open_ranks(values: Mapping[Key, float], replicates: Mapping[Key, Floats], number: int) -> dict[Key, str]:
    """Say which ranks each detector may have: better are those that beat it, worse those that it beats.

    All pairs are compared on the same resamples, with Holm's correction.

    Args:
        values: Of each ranked detector, in percent.
        replicates: Of its value, as fractions (replicates,), or (0,) where it has none.
        number: What their spread is known from (see `forenbench.metrics.spread.witnesses`).
    """
    order = sorted(values, key=lambda key: -values[key])
    pairs = list(combinations(order, 2))  # the first of a pair has the higher value
    p_values = []
    for first, second in pairs:
        one, other = replicates[first], replicates[second]
        apart = one - other if one.size and other.size else np.zeros(0)
        p_values.append(bootstrap_p((values[first] - values[second]) / 100, apart, number))
    beaten, beats = Counter[Key](), Counter[Key]()
    for (first, second), p_value in zip(pairs, holm(p_values), strict=True):
        if p_value < SIGNIFICANT:  # not so for NaN: of one image, nothing is known
            beats[first] += 1
            beaten[second] += 1
    ends = {key: (1 + beaten[key], len(order) - beats[key]) for key in order}
    return {key: str(best) if best == worst else f"{best}-{worst}" for key, (best, worst) in ends.items()}


def why_unranked(cells: Sequence[Mapping[str, Any]], metric: str) -> dict[tuple[str, str], str]:
    """Say which detectors cannot be ranked, and why; the reason of the others is empty.

    Ranks rest on the same images. Who has no score for an image that another detector has one for has no
    rank, for it may have left out what it would have got wrong; that no detector scored it matters to none.

    Args:
        cells: Of one contest, all of test sets with both labels.
        metric: The column by which detectors are ranked.

    Returns:
        A reason by (detector, weights).
    """
    groups: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    testsets: dict[str, list[Mapping[str, Any]]] = {}
    for cell in cells:
        groups.setdefault((cell["detector"], cell["weights"]), {})[cell["testset"]] = cell
        testsets.setdefault(cell["testset"], []).append(cell)
    lacking = {testset: _lacking(group) for testset, group in testsets.items()}
    found = {}
    for detector, group in groups.items():
        numbers = {testset: lacking[testset][detector] for testset in group}
        gone = [one for one in testsets if one not in group]
        others = [testset for testset, number in numbers.items() if number is None]
        unscored = sum(number or 0 for number in numbers.values())
        blank = [testset for testset, cell in group.items() if np.isnan(cell[metric])]
        if gone:
            found[detector] = f"not run on {', '.join(gone)}"
        elif others:
            found[detector] = f"other images than the others' of {', '.join(others)}"
        elif unscored:
            found[detector] = f"{unscored} images without a score that others scored"
        else:
            found[detector] = f"no value on {', '.join(blank)}" if blank else ""
    return found


def _lacking(cells: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], int | None]:
    """Count the images of one test set that each detector lacks and another one scored.

    None where its images are others: which ones a test set has is what most cells say, of equally many the
    newest.
    """
    many = Counter(cell["digest"] for cell in cells)
    newest = {cell["digest"]: cell["time"] for cell in sorted(cells, key=lambda cell: cell["time"])}
    most = max(many, key=lambda digest: (many[digest], newest[digest], digest))
    unscored = {}
    for cell in cells:
        if cell["digest"] == most:
            # Where images without a score count as errors, none is left out.
            packed = "" if cell["failed_as"] == WRONG else cell["unscored"]
            unscored[cell["detector"], cell["weights"]] = unpack(packed, cell["images"])
    nobody = np.logical_and.reduce(list(unscored.values()))
    numbers = {detector: int((lost & ~nobody).sum()) for detector, lost in unscored.items()}
    return {
        (one["detector"], one["weights"]): numbers.get((one["detector"], one["weights"])) for one in cells
    }
