"""Two detectors, or one detector in two runs, compared image by image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .bootstrap import REPLICATES, interval
from .comparison import bootstrap_p, delong, holm, mcnemar
from .measurements import KEPT, Measurements
from .store import Store
from .tables import Table
from .types import BenchError

METRICS = {"ap": "A.P.", "auroc": "AUROC", "acc": "Acc."}
_LEVELS = ["detector", "less", "testset", "perturbation", "metric"]
_COLUMNS = ["first", "second", "difference", "low", "high", "p", "p, Holm", "p, cross-check"]


@dataclass(frozen=True, slots=True)
class Measured:
    """One finished cell of one run."""

    store: Store
    record: Mapping[str, Any]
    line: Mapping[str, Any]

    @property
    def place(self) -> tuple[str, str, str]:
        """Dataset, test set and perturbation."""
        cell = self.record["cell"]
        return cell["dataset"], cell["testset"], cell["perturbation"]


def compare(stores: Sequence[Store], detectors: Sequence[str] = ()) -> Table:
    """Compare detectors on every test set and perturbation that both were run on, and on the mean of these.

    Args:
        stores: One run, whose detectors are compared with each other, or two, whose detectors of one name
            are (or, where each run has one detector only, these two).
        detectors: Only these; with one run, the first with each other one.

    Returns:
        A row a pair, test set, perturbation and metric: both values and their difference in percent, its
        95 % interval and p-value from paired resamples, p corrected for all rows (Holm), and a p-value of
        another kind: DeLong's for AUROC, McNemar's exact one for accuracy at the authors' thresholds.

    Raises:
        BenchError: Nothing to compare, or the images differ.
    """
    pairs = list(_pairs([_by_detector(store) for store in stores], detectors))
    rows = [row for pair in pairs for row in _rows(*pair)]
    if not rows:
        raise BenchError("no test set and perturbation that both detectors were run on")
    adjusted = holm([row["p"] for row in rows])
    lines = [{**row, "p, Holm": value} for row, value in zip(rows, adjusted, strict=True)]
    frame = pd.DataFrame(lines).set_index(_LEVELS)[_COLUMNS]
    notes = (
        f"Each difference is the detector's value less the other's, on the same {REPLICATES} resamples of "
        "the same images; low and high are the ends of its 95 % interval.",
        f"p, Holm: corrected for all {len(rows)} rows. p, cross-check: DeLong (AUROC), McNemar (Acc.).",
    )
    return Table("compare", "Differences between detectors (points)", frame, notes, 3, "difference")


def _by_detector(store: Store) -> dict[str, list[Measured]]:
    """Measure a run's cells; a detector with two kinds of weights is two."""
    measurements = Measurements(store, by_class=False)
    found: dict[str, list[Measured]] = {}
    for record in store.records():
        (line,) = measurements.of(record)
        name = f"{record['cell']['detector']} ({record['identity']['kind']})"
        found.setdefault(name, []).append(Measured(store, record, line))
    measurements.save()
    return found


def _pairs(
    runs: Sequence[Mapping[str, list[Measured]]], wanted: Sequence[str]
) -> Iterator[tuple[str, list[Measured], str, list[Measured]]]:
    """Yield who is compared with whom."""
    chosen = [_choose(run, wanted) for run in runs]
    if len(chosen) == 1:
        (run,) = chosen
        names = sorted(run, key=lambda name: wanted.index(name.partition(" (")[0])) if wanted else list(run)
        firsts = names[:1] if wanted else names
        for at, one in enumerate(firsts):
            for other in names[at + 1 :]:
                yield one, run[one], other, run[other]
        return
    first, second = chosen
    if len(first) == len(second) == 1:
        (one,), (other,) = first, second
        yield f"{one} [1]", first[one], f"{other} [2]", second[other]
        return
    for name in first:
        if name in second:
            yield f"{name} [1]", first[name], f"{name} [2]", second[name]


def _choose(run: Mapping[str, list[Measured]], wanted: Sequence[str]) -> dict[str, list[Measured]]:
    """Keep the detectors that are asked for."""
    missing = set(wanted) - {name.partition(" (")[0] for name in run}
    if missing:
        raise BenchError(f"not in the run: {', '.join(sorted(missing))}; there is {', '.join(run)}")
    return {name: cells for name, cells in run.items() if not wanted or name.partition(" (")[0] in wanted}


def _rows(
    first: str, ours: Sequence[Measured], second: str, theirs: Sequence[Measured]
) -> Iterator[dict[str, Any]]:
    """Compare two detectors cell by cell, and in the mean of each perturbation."""
    others = {one.place: one for one in theirs}
    both = [(one, others[one.place]) for one in ours if one.place in others]
    for one, other in both:
        _need_same_images(one, other)
        checks = _cross_checks(one, other)
        for metric in KEPT:
            row = _row(metric, [(one, other)]) | {"p, cross-check": checks.get(metric, np.nan)}
            yield {"detector": first, "less": second, **_where(one), **row}
    for perturbation in dict.fromkeys(one.place[2] for one, _ in both):
        cells = [pair for pair in both if pair[0].place[2] == perturbation]
        for metric in KEPT if len(cells) > 1 else ():
            where = {"testset": "Mean", "perturbation": perturbation}
            yield {"detector": first, "less": second, **where, **_row(metric, cells)}


def _row(metric: str, cells: Sequence[tuple[Measured, Measured]]) -> dict[str, Any]:
    """Compare the means of one metric over cells, replicate by replicate."""
    values = [100 * float(np.mean([cell.line[metric] for cell in side])) for side in zip(*cells, strict=True)]
    differences = [
        one.line["replicates"][metric].astype(float) - other.line["replicates"][metric]
        for one, other in cells
        if metric in one.line["replicates"] and metric in other.line["replicates"]
    ]
    row = {"metric": METRICS[metric], "first": values[0], "second": values[1]}
    row["difference"] = values[0] - values[1]
    if len(differences) < len(cells):
        return row | dict.fromkeys(("low", "high", "p", "p, cross-check"), np.nan)
    mean = np.mean(differences, axis=0)
    low, high = interval(mean)
    return row | {"low": 100 * low, "high": 100 * high, "p": bootstrap_p(mean), "p, cross-check": np.nan}


def _cross_checks(one: Measured, other: Measured) -> dict[str, float]:
    """Return p-values that rest on no resampling, from the images that both scored."""
    columns = ["path", "label", "score", "status"]
    pair = [cell.store.rows(cell.record, columns).query("status == 'ok'") for cell in (one, other)]
    rows = pair[0].merge(pair[1], on=["path", "label"])
    labels = rows["label"].to_numpy()
    scores = [rows[name].to_numpy(np.float64) for name in ("score_x", "score_y")]
    thresholds = [cell.record["identity"]["threshold"] for cell in (one, other)]
    right = [(score > at) == (labels == 1) for score, at in zip(scores, thresholds, strict=True)]
    checks = {"acc": mcnemar(*right)}
    if min(np.bincount(labels, minlength=2)) > 1:
        checks["auroc"] = delong(labels, *scores)[1]
    return checks


def _need_same_images(one: Measured, other: Measured) -> None:
    """Refuse to pair images with others."""
    if one.record["identity"]["testset"] != other.record["identity"]["testset"]:
        raise BenchError(
            f"{one.place[0]}/{one.place[1]} has other images in '{one.store.root}' than in "
            f"'{other.store.root}': detectors are compared on the same images only"
        )


def _where(one: Measured) -> dict[str, str]:
    return {"testset": f"{one.place[0]}/{one.place[1]}", "perturbation": one.place[2]}
