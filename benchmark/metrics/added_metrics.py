"""Metrics that packages add to the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from reprlib import repr as short

from forenbench.registry import Opened, Registry

from .metric import DecisionMetric, Metric, ProbabilityMetric, RankingMetric


def add_to(register: Callable[[Metric], None]) -> list[Opened[Metric]]:
    """Put the rows of packages into the catalogue.

    Args:
        register: Takes a row, or raises `ValueError`.

    Returns:
        Every metric that packages add, with the problem of those that have one.
    """
    return [_add(one, register) for one in REGISTRY.added()]


def _add(found: Opened[Metric], register: Callable[[Metric], None]) -> Opened[Metric]:
    """Put one row into the catalogue; without a version of its own it has its package's."""
    row, entry = found.thing, found.entry
    if row is None:
        return found
    if row.name != entry.name:
        return Opened(entry, problem=f"it calls itself {short(row.name)}")
    row = replace(row, version=row.version or entry.version or "0")
    try:
        register(row)
    except ValueError as error:
        return Opened(entry, problem=str(error))
    return Opened(entry, row)


def _flaw(thing: object) -> str:
    """Say what is no row of the catalogue."""
    is_row = isinstance(thing, RankingMetric | DecisionMetric | ProbabilityMetric)
    return "" if is_row else "is no RankingMetric, DecisionMetric or ProbabilityMetric of metrics.metric"


REGISTRY: Registry[Metric] = Registry("metric", "forenbench.metrics", _flaw)
