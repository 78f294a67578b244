"""Every metric, in one row each: `METRICS` is all that measures, tables, glossary and leaderboard know.

A new one is a row here and its functions. A row shows up in a table of cells by its ``headings``: ``cells``,
``error-rates``, ``thresholds`` or ``calibration``, in the order of the rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from . import added_metrics, bfree_metrics, calibration, classification, counts, decisions, terms
from . import withheld as why
from .classification import Ranked
from .metric import FITTED, MAPS, ORACLE, DecisionMetric, Judge, Metric, ProbabilityMetric, RankingMetric, Why
from .terms import Term

M = TypeVar("M", bound=Metric)
_FPR_AT_TPR = 0.95
_BOUND = " (upper bound)"
_RAISED_BY_CHANCE = why.never("which chance raises, and in resamples once more")
_CHOSEN_HERE = why.never("whose threshold was chosen on these very images")
_MAPPED_BY_OTHERS = why.never("whose map rests on other images, which are not resampled")


def _tpr_at_fpr(percent: int) -> RankingMetric:
    limit = percent / 100
    return RankingMetric(
        name=f"tpr_at_fpr{percent}",
        label=f"TPR at {percent}% FPR",
        term=terms.TPR,
        point=lambda ranked: classification.tpr_at(ranked.curve, limit),
        replicate=lambda drawn: counts.tpr_at(drawn, limit),
        headings={"error-rates": f"TPR at {percent}% FPR"},
        withheld=why.of_few_in_tail("real", limit),
    )


def _at_the_authors(name: str, label: str, term: Term, judge: Judge) -> DecisionMetric:
    """Make the row of a metric that tables show at the author's threshold alone."""
    return DecisionMetric(
        name=name, label=label, term=term, judge=judge, headings={"thresholds": f"{label}, author's"}
    )


_DECISIONS = (
    DecisionMetric(
        name="acc",
        label="Acc.",
        term=terms.ACC,
        judge=decisions.accuracy,
        headings={"cells": "Acc.", "thresholds": "Acc., author's"},
        kept=True,
        one_label_counts=True,
    ),
    DecisionMetric(
        name="bacc",
        label="Bal. acc.",
        term=terms.BALANCED,
        judge=decisions.balanced_accuracy,
        headings={"thresholds": "Bal. acc., author's"},
        kept=True,
        ranks="balanced accuracy",
        withheld=why.of_few_alike,
    ),
    DecisionMetric(
        name="real_acc",
        label="Real acc.",
        term=terms.REAL,
        judge=decisions.real_accuracy,
        headings={"cells": "Real acc.", "thresholds": "Real acc., author's"},
    ),
    DecisionMetric(
        name="fake_acc",
        label="Fake acc.",
        term=terms.FAKE,
        judge=decisions.fake_accuracy,
        headings={"cells": "Fake acc.", "thresholds": "Fake acc., author's"},
    ),
)
"""Those that tables show at every threshold."""

_AT_THE_AUTHORS = (
    replace(_at_the_authors("f1", "F1", terms.F1, decisions.f1), one_label_counts=True),
    replace(_at_the_authors("mcc", "MCC", terms.MCC, decisions.correlation), bounds=(-1.0, 1.0)),
    _at_the_authors("hard_ap", "A.P. (hard labels)", terms.HARD_AP, decisions.average_precision),
)

_RANKING = (
    RankingMetric(
        name="ap",
        label="A.P.",
        term=terms.AP,
        point=Ranked.average_precision,
        replicate=counts.average_precision,
        headings={"cells": "A.P."},
        kept=True,
        ranks="A.P.",
    ),
    RankingMetric(
        name="auroc",
        label="AUROC",
        term=terms.AUROC,
        point=Ranked.auroc,
        replicate=counts.auroc,
        headings={"cells": "AUROC"},
        kept=True,
        ranks="AUROC",
        withheld=why.of_hardly_an_error,
    ),
    RankingMetric(
        name="eer",
        label="EER",
        term=terms.EER,
        point=lambda ranked: classification.equal_error_rate(ranked.curve),
        replicate=counts.equal_error_rate,
        headings={"error-rates": "EER"},
        lower_is_better=True,
    ),
    _tpr_at_fpr(1),
    _tpr_at_fpr(5),
    RankingMetric(
        name="fpr_at_tpr95",
        label="FPR at 95% TPR",
        term=terms.FPR,
        point=lambda ranked: classification.fpr_at(ranked.curve, _FPR_AT_TPR),
        replicate=lambda drawn: counts.fpr_at(drawn, _FPR_AT_TPR),
        headings={"error-rates": "FPR at 95% TPR"},
        lower_is_better=True,
        withheld=why.of_few_in_tail("fake", 1 - _FPR_AT_TPR),
    ),
)

_PROBABILITIES = (
    ProbabilityMetric(
        name="nll",
        label="NLL",
        term=terms.NLL,
        point=lambda images: calibration.nll(*images),
        losses=lambda images: calibration.losses(*images),
        headings={"calibration": "NLL"},
        bounds=(0.0, np.inf),
        percent=False,
        lower_is_better=True,
        withheld=why.of_few_wrong(2),
    ),
    ProbabilityMetric(
        name="brier",
        label="Brier",
        term=terms.BRIER,
        point=lambda images: calibration.brier(images.labels, images.values),
        losses=lambda images: calibration.squares(images.labels, images.values),
        headings={"calibration": "Brier"},
        percent=False,
        lower_is_better=True,
        withheld=why.of_few_wrong(1),
    ),
    ProbabilityMetric(
        name="ece",
        label="ECE",
        term=terms.ECE,
        point=lambda images: calibration.error_by_width(images.labels, images.values),
        headings={"calibration": "ECE"},
        percent=False,
        lower_is_better=True,
        withheld=_RAISED_BY_CHANCE,
    ),
    ProbabilityMetric(
        name="ece_mass",
        label="ECE, equal mass",
        term=terms.ECE,
        point=lambda images: calibration.error_by_mass(images.labels, images.values),
        headings={"calibration": "ECE, equal mass"},
        percent=False,
        lower_is_better=True,
        withheld=_RAISED_BY_CHANCE,
    ),
)


def _derived(row: M, by: str, heading: str, table: str, withheld: Why | None) -> M:
    """Make the row of a metric at another threshold than the author's, or of mapped probabilities."""
    return replace(
        row,
        name=f"{by}_{row.name}",
        label=heading,
        by=by,
        headings={table: heading} if table else {},
        kept=False,
        ranks="",
        withheld=withheld,
    )


_FITTED = tuple(
    _derived(row, FITTED, f"{row.label}, fitted", "thresholds", row.withheld) for row in _DECISIONS
)
# UnivFD's search chooses the threshold with the best accuracy, so that this one alone is an upper bound.
_ORACLE = tuple(
    _derived(row, ORACLE, f"{row.label}, oracle{_BOUND * (row.name == 'acc')}", "thresholds", _CHOSEN_HERE)
    for row in _DECISIONS
)
# Of the mapped probabilities only two metrics are in a table, which would be eight columns wider with all;
# the others are among the report's numbers for programs.
_MAPPED = tuple(
    _derived(
        row,
        by,
        f"{row.label}, {by}",
        "calibration" if row.name in ("nll", "ece") else "",
        _MAPPED_BY_OTHERS,
    )
    for by in MAPS
    for row in _PROBABILITIES
)

_BFREE = (
    replace(bfree_metrics.RECALL, withheld=why.of_few_in_tail("real", 0.1)),
    replace(bfree_metrics.NLL, withheld=why.of_few_wrong_of_either(2)),
    replace(bfree_metrics.ECE, withheld=_RAISED_BY_CHANCE),
)
_ROWS: tuple[Metric, ...] = (
    *(*_DECISIONS, *_AT_THE_AUTHORS, *_FITTED, *_ORACLE, *_RANKING),
    *(*_PROBABILITIES, *_MAPPED, *_BFREE),
)
METRICS: dict[str, Metric] = {}
"""By column."""


def register(row: Metric) -> None:
    """Add a metric.

    Raises:
        ValueError: Its column, or its heading in a table, is another metric's.
    """
    # Cells are looked up by heading (bold marks, the glossary), so two metrics under one heading of a table
    # could not be told apart.
    taken = {heading for other in METRICS.values() for heading in other.headings.items()}
    if row.name in METRICS or taken & set(row.headings.items()):
        raise ValueError(f"there is a metric '{row.name}', or one under its heading, already")
    METRICS[row.name] = row


for _row in _ROWS:
    register(_row)

ADDED = added_metrics.of_packages(register)
"""What packages add, also what cannot be used."""
