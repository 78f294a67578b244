"""The metrics of stored cells, remembered beside them: a finished run's tables read no row again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forenbench.files.checksums import sha256_of
from forenbench.metrics import bootstrap, fitting, intervals
from forenbench.metrics import classification as metrics
from forenbench.metrics.decisions import real_accuracy
from forenbench.metrics.intervals import ScoredImages
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.metrics.metric_values import judge
from forenbench.metrics.spread import Floats
from forenbench.types import FAKE, REAL, TAMPERED

from . import coverage, fits, remembered
from .coverage import APART, MISSING, WRONG
from .record import DetectorKey, Record
from .remembered import CellMetrics, Remembered
from .store import Store

if TYPE_CHECKING:
    import pandas as pd

UNNAMED = "(unnamed)"
"""Reals whose source is not known."""
_NO_PROBABILITY = "images without a score count as errors, and an error has no probability"


@dataclass(slots=True)
class Measurements:
    """What the rows of one run say, each cell measured once.

    A cell is measured again if its record, its file of rows or the code that measures has changed. In a run
    folder that cannot be written nothing is remembered, and all is measured each time.

    Attributes:
        store: The run.
        by_class: Take each class of a cell's images (its reals and its fakes) for itself, without intervals.
        failed_as: What images without a score count as, one of `coverage.FAILED_AS`.
        tampered_as: What tampered images count as, one of `coverage.TAMPERED_AS`.
        anew: Neither believe nor keep what is remembered.
    """

    store: Store
    by_class: bool
    failed_as: str = MISSING
    tampered_as: str = APART
    anew: bool = False
    _known: dict[str, Remembered] = field(init=False)
    _fits: dict[DetectorKey, dict[str, Any]] = field(init=False)
    _code: str = field(init=False)
    _changed: bool = False

    def __post_init__(self) -> None:
        coverage.check(self.failed_as, self.tampered_as)
        self._known = {} if self.anew else remembered.read(self.store.root)
        self._fits = fits.read(self.store.root)
        # What numbers rest on beside the rows: the text of the modules, rather than a version that somebody
        # would have to remember to raise.
        files = [Path(__file__), Path(coverage.__file__), *sorted(Path(metrics.__file__).parent.glob("*.py"))]
        libraries = [version(name) for name in ("scikit-learn", "numpy")]
        catalogue = [(row.name, row.version) for row in METRICS.values()]  # those of packages included
        self._code = json.dumps([libraries, [*map(sha256_of, files)], catalogue])

    def of(self, record: Record) -> list[CellMetrics]:
        """Return a finished cell's lines.

        Each has the counts of its images (see `coverage.count`), ``class`` (empty unless `by_class`), every
        metric, the ends of its interval as ``<metric>_low`` and ``<metric>_high`` where it has one,
        ``undefined`` and ``no_probabilities`` with the reasons for what is missing, ``replicates`` of the
        metrics that are `kept`, ``failed_as`` (`WRONG` where images without a score count as errors),
        ``tampered_as``, and ``mark``, which differs where anything that the line rests on does. Without
        `by_class` there are also ``origins``, how many were drawn from (0: images were), ``sources``: of the
        reals of each source their number ``real``, their ``real_acc``, and the ``auroc`` of all fakes against
        them; and of tampered images, see `_of_tampered`.
        """
        # where every image has a score both ways of counting are one, and so is what is remembered
        failed_as = self.failed_as if record.counts.lost else MISSING
        key = json.dumps([*astuple(record.cell), self.by_class, failed_as, self.tampered_as])
        fit = fits.find(self._fits, record)
        # Whatever a number rests on is in the mark: one that is remembered must be the one that would be
        # computed now.
        made_from = json.dumps([self._code, record.to_json(), self.store.stamp(record), fit], sort_keys=True)
        mark = hashlib.sha256(made_from.encode()).hexdigest()
        if key not in self._known or self._known[key].mark != mark:
            self._known[key] = self._measure(mark, record, fit, failed_as)
            self._changed = True
        known = self._known[key]
        shared = {"mark": mark, "failed_as": failed_as, "replicates": known.replicates}
        shared |= {"tampered_as": self.tampered_as}
        shared |= {"no_probabilities": _NO_PROBABILITY} if failed_as == WRONG else {}
        return [line | shared for line in known.lines]

    def save(self) -> None:
        """Keep what was measured for the next time."""
        if self._changed and not self.anew:
            with suppress(OSError):  # somebody else's run, read-only: all is measured each time
                remembered.write(self.store.root, self._known)

    def _measure(
        self, mark: str, record: Record, fit: Mapping[str, Any] | None, failed_as: str
    ) -> Remembered:
        """Read a cell's rows and compute their metrics."""
        import pandas as pd

        whole = [] if self.by_class else ["path", "real_source", "origin"]
        columns = ["class", "label", "score", "logit", "status", *whole]
        rows = self.store.rows(record, columns)
        tampered = rows[rows["label"] == TAMPERED]
        rows = coverage.judged(rows, self.tampered_as)
        threshold, fitted = record.threshold, fit["threshold"] if fit else None
        coverage.mark_counted(rows, failed_as, [threshold, *([] if fitted is None else [fitted])])
        if self.by_class:
            lines = [
                {"class": name} | coverage.count(group) | _point(_scored(group, threshold))
                for name, group in rows.groupby("class", sort=False)
            ]
            return Remembered(mark, [line | _one_sided(line) for line in lines], {})
        scored = _scored(rows, threshold, fitted)
        # Equal origins become one object: a million rows hold a million copies of some texts. `pop` lets go
        # of the columns before replicates take their memory.
        codes, distinct = pd.factorize(rows.pop("origin"))
        origins = np.asarray(distinct, object)[codes]
        # Resamples are drawn of all images, the scored ones picked from them: so two detectors are compared
        # on the same resamples, though one of them lost an image.
        names = rows.pop("path")
        same_reals = str(bootstrap.seed_of("reals", names[rows["label"] == REAL].to_numpy(object)))
        drawn = bootstrap.images(rows["label"].to_numpy(), names, origins)
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
        return Remembered(mark, [line | blank], own | drawn_tampered)


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
    drawn = bootstrap.images(rows["label"].to_numpy(), rows["path"], rows["origin"].to_numpy(object))
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
