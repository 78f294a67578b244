"""Two detectors, or one detector in two runs, compared image by image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forenbench.errors import BenchError
from forenbench.metrics import bootstrap
from forenbench.metrics.bootstrap import REPLICATES
from forenbench.metrics.classification import why_undefined
from forenbench.metrics.comparison import bootstrap_p, delong, holm, mcnemar
from forenbench.metrics.intervals import ScoredImages, replicates
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.metrics.metric_values import check_names, kept, percent
from forenbench.metrics.spread import DIFFERENCE, interval, witnesses
from forenbench.records.coverage import APART, MISSING
from forenbench.records.remembered import CellMetrics
from forenbench.records.store import Store
from forenbench.types import FAKE, REAL

from .marks import ONE_LABEL, PARTIAL, together
from .matchups import Measured, by_detector, pairs
from .notes import of_tampered
from .table import Table

_COMPARED = ("ap", "auroc", "acc")
_LEVELS = ["detector", "against", "testset", "perturbation", "metric"]
_P_VALUES = ["p", "p, Holm", "p, cross-check"]
_COLUMNS = ["images", "first", "second", "difference", *_P_VALUES]


def compare(
    stores: Sequence[Store],
    detectors: Sequence[str] = (),
    failed_as: str = MISSING,
    tampered_as: str = APART,
    metrics: Sequence[str] = (),
) -> Table:
    """Compare detectors on every test set and perturbation that both were run on, and on the mean of these.

    The mean is over test sets with both labels.

    Args:
        stores: One run, whose detectors are compared with each other, or two, whose detectors of one name
            are (or, where each run has one detector only, these two).
        detectors: Only these; with one run, the first with each other one.
        failed_as: What images without a score count as, one of `forenbench.records.coverage.FAILED_AS`.
        tampered_as: What tampered images count as, one of `forenbench.records.coverage.TAMPERED_AS`.
        metrics: Of those whose replicates are kept; by default A.P., AUROC and accuracy.

    Returns:
        A row a pair, test set, perturbation and metric: how many images both scored; on these, both values
        and their difference in percent, its 95 % interval and p-value from paired resamples, p corrected for
        all rows (Holm), and a p-value of another kind: DeLong's for AUROC, McNemar's exact one for accuracy
        at the authors' thresholds. P-values are texts of two digits.

    Raises:
        BenchError: Nothing to compare, the images differ, or a metric has no replicates.
    """
    check_names(metrics)
    for metric in metrics:
        if metric not in kept():
            raise BenchError(f"metric '{metric}' keeps no resamples to compare by; {', '.join(kept())} do")
    compared = tuple(dict.fromkeys(metrics)) or _COMPARED
    runs = [by_detector(store, failed_as, tampered_as) for store in stores]
    rows = [row for pair in pairs(runs, detectors) for row in _rows(*pair, compared)]
    if not rows:
        raise BenchError("no test set and perturbation that both detectors were run on")
    frame = pd.DataFrame(rows).set_index(_LEVELS)
    frame["p, Holm"] = holm(frame["p"].tolist())
    notes = (
        f"Differences: the detector's value (first) less that of the one it is put against (second), on the "
        f"same {REPLICATES} resamples of the images that both scored, with 95 % intervals.",
        f"p: Student's t, of the resamples' spread. p, Holm: corrected for all {len(rows)} rows.",
        "p, cross-check: DeLong (AUROC), McNemar (Acc.).",
        *dict.fromkeys(_remarks(rows)),
        *of_tampered(
            pd.DataFrame([cell.described for run in runs for some in run.values() for cell in some])
        ),
    )
    # Holm's correction, above, needs numbers.
    for name in _P_VALUES:  # as texts: the table's decimals would make most of them 0.00
        frame[name] = ["" if np.isnan(value) else f"{value:.2g}" for value in frame[name]]
    if frame.index.get_level_values("perturbation").nunique() == 1:
        frame = frame.droplevel("perturbation")
    none = pd.DataFrame(np.nan, frame.index, _COLUMNS)
    low, high = (none.assign(difference=frame[end]) for end in ("low", "high"))
    signs = pd.DataFrame({name: [row["marks"] for row in rows] for name in _COLUMNS}, frame.index)
    title = "Differences between detectors (points)"
    return Table("compare", title, frame[_COLUMNS], notes, 2, "difference", low, high, signs)


def _remarks(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say why something is missing."""
    if single := dict.fromkeys(row["testset"] for row in rows if ONE_LABEL in row["marks"]):
        yield f"{ONE_LABEL} test sets of one label, which are in no mean: {', '.join(single)}."
    blank: dict[str, dict[str, None]] = {}
    for row in rows:
        if row["undefined"]:
            blank.setdefault(row["undefined"], {})[row["testset"]] = None
    for why, testsets in blank.items():
        yield f"Blank on {', '.join(testsets)}: {why}."
    for row in rows:
        if PARTIAL in row["marks"]:
            yield (
                f"{PARTIAL} not all images were scored by both, and those left out may be the hardest ones: "
                "--failed-as wrong counts them as errors."
            )
        if row["origins"]:
            yield (
                "Resamples draw whole origins (photographs, videos); the cross-checks, which take images for "
                "independent, are left out there."
            )
        if not row["undefined"] and np.isnan(row["low"]):
            yield (
                "No interval: all resamples, or nearly all, give the same difference, or there is one image "
                "only of a label."
            )


def _rows(
    first: str, ours: Sequence[Measured], second: str, theirs: Sequence[Measured], compared: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Compare two detectors cell by cell, and in the mean of each perturbation."""
    names = {"detector": first, "against": second}
    others = {one.images_of: one for one in theirs}
    means: dict[str, list[tuple[tuple[CellMetrics, CellMetrics], str]]] = {}
    for one in ours:
        if one.images_of not in others:
            continue
        other = others[one.images_of]
        dataset, testset, perturbation = one.images_of
        # Under two protocols the same files may have been re-encoded for one and not for the other.
        images = [(cell.record.identity.testset, cell.record.identity.reencoded) for cell in (one, other)]
        if images[0] != images[1]:
            raise BenchError(
                f"{dataset}/{testset} has other images in '{one.store.root}' than in '{other.store.root}', "
                "or the same ones re-encoded: detectors are compared on the same images only"
            )
        both = one.images.ok & other.images.ok
        lines: tuple[CellMetrics, CellMetrics] = one.line, other.line
        # Each was measured on the images that it scored itself: that stands where these are the same ones.
        if not np.array_equal(one.images.ok, other.images.ok):
            known, rows = one.rows(["path", "origin"]), np.flatnonzero(both)
            drawn = bootstrap.images(one.images.labels, known["path"], known["origin"])
            lines = _measure(one, drawn, rows), _measure(other, drawn, rows)
        # The cross-checks take images for independent, which those of one origin are not.
        checks = {} if lines[0]["origins"] else _cross_checks(one, other, both)
        signs = PARTIAL * (not both.all()) + ONE_LABEL * (len(np.unique(one.images.labels)) == 1)
        if ONE_LABEL not in signs:
            means.setdefault(perturbation, []).append((lines, signs))
        where = {"testset": f"{dataset}/{testset}", "perturbation": perturbation}
        for metric in compared:
            row = _row(metric, [(lines, signs)]) | {"p, cross-check": checks.get(metric, np.nan)}
            yield names | where | row
    # A mean over one test set would be that test set's row again.
    for perturbation, cells in means.items():
        for metric in compared if len(cells) > 1 else ():
            yield names | {"testset": "Mean", "perturbation": perturbation} | _row(metric, cells)


def _row(metric: str, behind: Sequence[tuple[tuple[CellMetrics, CellMetrics], str]]) -> dict[str, Any]:
    """Compare the means of one metric over cells, replicate by replicate; each cell comes with its signs."""
    cells = [lines for lines, _ in behind]
    sides = list(zip(*cells, strict=True))
    scale = percent(metric)
    first, second = (scale * float(np.mean([line[metric] for line in side])) for side in sides)
    row = {
        "metric": METRICS[metric].label,
        "marks": together(signs for _, signs in behind),
        "images": sum(line["ok"] for line, _ in cells),
        "origins": min((line["origins"] for line, _ in cells if line["origins"]), default=0),
        "undefined": next((line["undefined"] for line, _ in cells if np.isnan(line[metric])), ""),
        "first": first,
        "second": second,
        "difference": first - second,
        **dict.fromkeys(("low", "high", *_P_VALUES), np.nan),
    }
    if not np.isfinite(first - second):
        return row
    one, other = (np.mean([line["replicates"][metric] for line in side], axis=0) for side in sides)
    # Both were drawn with the same seeds, replicate by replicate: what the images have in common cancels.
    number, difference = witnesses(line for line, _ in cells), (first - second) / scale
    low, high = interval(one - other, difference, number, DIFFERENCE)
    return row | {"low": scale * low, "high": scale * high, "p": bootstrap_p(difference, one - other, number)}


def _measure(cell: Measured, drawn: bootstrap.Strata, rows: NDArray[np.intp]) -> CellMetrics:
    """Measure a cell on some of its images."""
    labels = cell.images.labels[rows]
    scored = ScoredImages(labels, cell.images.scores[rows], None, cell.threshold)
    made = replicates(scored, drawn, rows)
    counts = {"ok": len(rows), "real": int((labels == REAL).sum()), "fake": int((labels == FAKE).sum())}
    why = {"origins": drawn.origins, "undefined": why_undefined(labels)}
    return {**scored.metrics, **counts, **why, "replicates": made}


def _cross_checks(one: Measured, other: Measured, both: NDArray[np.bool_]) -> dict[str, float]:
    """Return p-values that rest on no resampling, from the images (n,) that both scored."""
    labels, is_fake = one.images.labels[both], one.images.labels[both] == FAKE
    scores = [cell.images.scores[both] for cell in (one, other)]
    right = [(score > cell.threshold) == is_fake for score, cell in zip(scores, (one, other), strict=True)]
    checks = {"acc": mcnemar(*right)} if len(labels) else {}
    if min(is_fake.sum(), (~is_fake).sum()) > 1:  # DeLong's variance needs two images of each label
        checks["auroc"] = delong(labels, *scores)[1]
    return checks
