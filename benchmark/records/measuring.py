"""A cell's rows → its metrics, with the intervals of the whole cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from forenbench.metrics import bootstrap, fitting, intervals
from forenbench.metrics import classification as metrics
from forenbench.metrics.decisions import real_accuracy
from forenbench.metrics.intervals import ScoredImages
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.metrics.metric_values import judge
from forenbench.metrics.spread import Floats
from forenbench.types import FAKE, REAL, TAMPERED

from . import coverage, fits, remembered
from .coverage import MISSING
from .record import Record
from .remembered import CellMetrics, Remembered
from .store import Store

if TYPE_CHECKING:
    import pandas as pd

UNNAMED = "(unnamed)"
"""Reals whose source is not known."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a finished cell; see `forenbench.records.measurements.Measurements`.

    Attributes:
        record: Of the cell.
        mark: Differs where anything that the answer rests on does.
        fit: What was fitted for its detector on other images, if anything was.
        by_class: Take each class of its images for itself, without intervals.
        failed_as: What images without a score count as.
        tampered_as: What tampered images count as.
    """

    record: Record
    mark: str
    fit: Mapping[str, Any] | None
    by_class: bool
    failed_as: str
    tampered_as: str

    def answer(self, store: Store) -> Remembered:
        """Read the cell's rows and compute their metrics."""
        whole = [] if self.by_class else ["path", "real_source", "origin"]
        columns = ["class", "label", "score", "logit", "status", *whole]
        rows = store.rows(self.record, columns)
        tampered = rows[rows["label"] == TAMPERED]
        rows = coverage.judged(rows, self.tampered_as)
        fit, failed_as = self.fit, self.failed_as
        threshold, fitted = self.record.threshold, fit["threshold"] if fit else None
        coverage.mark_counted(rows, failed_as, [threshold, *([] if fitted is None else [fitted])])
        if self.by_class:
            lines = [
                {"class": name} | coverage.count(group) | _point(_scored(group, threshold))
                for name, group in rows.groupby("class", sort=False)
            ]
            return Remembered(self.mark, [line | _one_sided(line) for line in lines], {})
        scored = _scored(rows, threshold, fitted)
        # Resamples are drawn of all images, the scored ones picked from them: so two detectors are compared
        # on the same resamples, though one of them lost an image. `pop` lets go of the columns before
        # replicates take their memory.
        names = bootstrap.as_bytes(rows.pop("path"))
        same_reals = str(bootstrap.seed_of("reals", names.filter((rows["label"] == REAL).to_numpy())))
        drawn = bootstrap.images(rows["label"].to_numpy(), names, rows.pop("origin"))
        del names
        replicates = intervals.replicates(scored, drawn, np.flatnonzero(rows["counted"]))
        line = coverage.count(rows) | _point(scored) | {"class": "", "origins": drawn.origins}
        line |= dict(intervals.ends(replicates, line))
        line["sources"] = dict(_by_source(rows, threshold))
        line["same_reals"] = same_reals
        of_tampered, drawn_tampered = _of_tampered(tampered, threshold, failed_as, self.tampered_as)
        line |= of_tampered
        if fit:
            line["fitted_threshold"] = fitted
            # Maps that were fitted to probabilities make nothing of other scores. And an error in place of a
            # score is outside of what any map was fitted to.
            probabilities = fit["probabilities"]
            if failed_as == MISSING and not (probabilities and scored.no_probabilities):
                raw = fitting.raw_scores(scored.scores, scored.logits, probabilities=probabilities)
                for name, fitted_map in fits.maps_of(fit).items():
                    line |= judge(
                        scored.labels, fitted_map(raw), fitted_map.logits(raw), name, scored.problems
                    )
        blank = _one_sided(line)
        lasting = [name for name in remembered.columns() if name in replicates and name not in blank]
        own = {name: replicates[name] for name in lasting}
        return Remembered(self.mark, [line | blank], own | drawn_tampered)


def _scored(rows: pd.DataFrame, threshold: float, fitted: float | None = None) -> ScoredImages:
    """Take the images that count."""
    ok = rows[rows["counted"]]
    logits = ok["logit"].to_numpy(np.float64)
    return ScoredImages(
        ok["label"].to_numpy(np.int64),
        ok["score"].to_numpy(np.float64),
        logits if np.isfinite(logits).all() else None,
        threshold,
        fitted,
    )


def _of_tampered(
    rows: pd.DataFrame, threshold: float, failed_as: str, tampered_as: str
) -> tuple[CellMetrics, dict[str, Floats]]:
    """Judge tampered images by themselves, also where they count as one of both labels.

    Returns:
        ``tampered``: how many there are; ``tampered_ok``: with a score; ``tampered_acc``: the share that is
        called fake, and the ends of its interval, NaN without images, or where these are left out; and its
        replicates.
    """
    names = ("tampered_acc", "tampered_acc_low", "tampered_acc_high")
    found: CellMetrics = {"tampered": len(rows), "tampered_ok": int((rows["status"] == "ok").sum())}
    found |= dict.fromkeys(names, float("nan"))
    if rows.empty or tampered_as == coverage.LEFT_OUT:
        return found, {}
    # what is asked of fakes: so that value and interval come from what makes theirs
    rows = rows.assign(label=np.int8(FAKE)).reset_index(drop=True)
    coverage.mark_counted(rows, failed_as, [threshold])
    drawn = bootstrap.images(rows["label"].to_numpy(), rows["path"], rows["origin"])
    scored = _scored(rows, threshold)
    replicates = intervals.replicates(scored, drawn, np.flatnonzero(rows["counted"]))
    line = coverage.count(rows) | _point(scored) | {"origins": drawn.origins}
    line |= dict(intervals.ends(replicates, line))
    of_fakes = ("fake_acc", "fake_acc_low", "fake_acc_high")
    found |= {name: line.get(of_fake, float("nan")) for name, of_fake in zip(names, of_fakes, strict=True)}
    return found, {"tampered_acc": replicates[of_fakes[0]]} if of_fakes[0] in replicates else {}


def _by_source(rows: pd.DataFrame, threshold: float) -> Iterator[tuple[str, CellMetrics]]:
    """Judge all fakes against the reals of each source."""
    import pandas as pd

    real, counted = rows["label"].to_numpy() == REAL, rows["counted"].to_numpy()
    scores = rows["score"].to_numpy(np.float64)
    reals, fakes = scores[counted & real], scores[counted & ~real]
    source, names = pd.factorize(rows["real_source"][counted & real])
    for number, name in enumerate(names):
        of_source = reals[source == number]
        labels = np.repeat([REAL, FAKE], [len(of_source), len(fakes)])
        both = np.concatenate([of_source, fakes])
        yield (
            str(name) or UNNAMED,
            {
                "real": len(of_source),
                "real_acc": real_accuracy(metrics.decided(labels, both, threshold)),
                "auroc": metrics.auroc(labels, both),
            },
        )


def _point(scored: ScoredImages) -> CellMetrics:
    """Compute every metric, and say why some are missing."""
    return {
        **scored.metrics,
        "oracle_threshold": scored.oracle,
        "undefined": metrics.why_undefined(scored.labels),
        "no_probabilities": scored.no_probabilities,
        "metric_problems": scored.problems,
    }


def _one_sided(line: CellMetrics) -> CellMetrics:
    """Blank what would be the rate of one label alone, for of the other one no image was scored."""
    # A test set that has one label only is not meant here: there the rate is what was asked for.
    if (line["real"] and line["fake"]) or not (line["reals"] and line["fakes"]):
        return {}
    return {
        f"{row.name}{end}": float("nan")
        for row in METRICS.values()
        if row.one_label_counts and row.name in line
        for end in ("", "_low", "_high")
    }
