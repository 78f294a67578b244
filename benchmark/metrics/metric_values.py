"""The metrics of images by column, and what else is asked of the catalogue's rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from forenbench.errors import BenchError, unknown
from forenbench.registry.guests import contained, reason

from .added_metrics import Problems, answer, answers
from .calibration import Floats, Probabilities
from .classification import Labels, Ranked, Scores, decided
from .counts import Counts
from .metric import AUTHOR, DecisionMetric, Metric, ProbabilityMetric, RankingMetric
from .metric_catalogue import METRICS
from .terms import TERMS, Term

M = TypeVar("M", bound=Metric)


def rows(kind: type[M], by: str = AUTHOR) -> list[M]:
    """List the rows of one kind, and of one threshold or map."""
    return [row for row in METRICS.values() if isinstance(row, kind) and row.by == by]


def rank(labels: Labels, scores: Scores, problems: Problems | None = None) -> dict[str, float]:
    """Return every metric that needs no threshold, by its column; errors are those of `Ranked.of`.

    Args:
        labels: 0 or 1 (n,).
        scores: Finite (n,).
        problems: Gets the reasons why added metrics have no value.
    """
    ranked = Ranked.of(labels, scores)
    # A label is missing: no metric has to know what that looks like.
    if not ranked.true_positives.size:
        return dict.fromkeys((row.name for row in rows(RankingMetric)), float("nan"))
    return {row.name: answer(row, row.point, ranked, problems) for row in rows(RankingMetric)}


def rank_each(drawn: Counts, problems: Problems | None = None) -> dict[str, Floats]:
    """Return what `rank` does of every replicate (replicates,); undefined where one lacks a label."""
    values = {
        row.name: answers(row, row.replicate, drawn, len(drawn.real), problems) for row in rows(RankingMetric)
    }
    # Where origins are drawn, all images of a label may stay undrawn; the formulas then give any number.
    return {name: np.where(drawn.defined, each, np.nan) for name, each in values.items()}


def decide(
    labels: Labels,
    scores: Scores,
    threshold: float,
    by: str = AUTHOR,
    problems: Problems | None = None,
) -> dict[str, float]:
    """Return every metric of a threshold's decisions, by its column; errors are those of `decided`.

    Args:
        labels: 0 or 1 (n,).
        scores: Finite (n,).
        threshold: Above it lies what is called fake.
        by: Whose it is.
        problems: Gets the reasons why added metrics have no value.
    """
    made = decided(labels, scores, threshold)
    return {row.name: answer(row, row.judge, made, problems) for row in rows(DecisionMetric, by)}


def decide_each(
    drawn: Counts, first: int, by: str = AUTHOR, problems: Problems | None = None
) -> dict[str, Floats]:
    """Return what `decide` does of every replicate (replicates,), where steps from one on are called fake."""
    made, number = drawn.decided(first), len(drawn.real)
    return {row.name: answers(row, row.judge, made, number, problems) for row in rows(DecisionMetric, by)}


def judge(
    labels: Labels,
    probabilities: Scores,
    logits: Scores | None = None,
    by: str = AUTHOR,
    problems: Problems | None = None,
) -> dict[str, float]:
    """Return every metric of probabilities, by its column; see `calibration.nll` for logits.

    Args:
        labels: 0 or 1 (n,).
        probabilities: In [0, 1] (n,).
        logits: Of these (n,).
        by: The map that made them.
        problems: Gets the reasons why added metrics have no value.
    """
    images = Probabilities(labels, probabilities, logits)
    return {row.name: answer(row, row.point, images, problems) for row in rows(ProbabilityMetric, by)}


def why_none(name: str, measured: Mapping[Any, Any]) -> str:
    """Say where a metric has no interval whatever its resamples show; empty if it may have one.

    Args:
        name: Its column.
        measured: All metrics, the numbers of scored images ``real`` and ``fake``, and ``origins``.
    """
    row = METRICS[name]
    if row.withheld is None:
        return ""
    try:
        with contained():
            return str(row.withheld(measured, f"{row.by}_" if row.by else ""))
    except Exception as error:
        if not row.origin:
            raise
        return f"whose `withheld` cannot say whether it may have one: {reason(error)}"


def kept() -> list[str]:
    """List the metrics whose replicates are kept, by the alphabet."""
    return sorted(row.name for row in METRICS.values() if row.kept or row.ranks)


def rankings() -> dict[str, str]:
    """Say by which metrics detectors can be ranked, by the alphabet, and what each is called."""
    return {row.name: row.ranks for _, row in sorted(METRICS.items()) if row.ranks}


def labelled(*names: str) -> dict[str, str]:
    """Say what tables print for some metrics: their columns by their labels."""
    return {METRICS[name].label: name for name in names}


def check_names(names: Iterable[str]) -> None:
    """Refuse what is no metric.

    Raises:
        BenchError: A name is unknown, with the nearest ones.
    """
    for name in names:
        if name not in METRICS:
            raise BenchError(unknown("metric", name, METRICS))


def percent(name: str) -> int:
    """Return what tables multiply a metric by: 100 where it is a share, else 1."""
    return 100 if METRICS[name].percent else 1


def in_title(names: Iterable[str]) -> str:
    """Name metrics as titles do; that they are in percent only where all of them are."""
    rows = [METRICS[name] for name in names]
    return ", ".join(row.label for row in rows) + (" (%)" if all(row.percent for row in rows) else "")


def decimals(names: Iterable[str]) -> int:
    """Return how many decimals tables print of metrics: losses and errors are mostly below 1."""
    return 1 if all(METRICS[name].percent for name in names) else 3


def shown_in(table: str) -> dict[str, Metric]:
    """List what a table of cells shows, by its headings."""
    return {row.headings[table]: row for row in METRICS.values() if table in row.headings}


def is_lower_better(heading: str) -> bool:
    """Say whether a heading is that of a metric whose lowest value is the best one."""
    return any(
        heading in (row.label, *row.headings.values()) for row in METRICS.values() if row.lower_is_better
    )


def terms() -> list[Term]:
    """List what the metrics are explained by."""
    # Ours first, in the order in which they build on each other; a term that several rows share comes once.
    return list(dict.fromkeys((*TERMS, *(row.term for row in METRICS.values()))))
