"""Metrics that packages and files add to the catalogue, held at arm's length.

What they compute is asked for by `answer` and `answers` alone: whatever one raises or returns becomes a value
that is missing, with the reason, and never touches another metric's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from numbers import Real
from reprlib import repr as short
from typing import Any

import numpy as np

from forenbench.registry import Opened, Registry
from forenbench.registry.guests import contained, reason
from forenbench.registry.plugin_files import PluginFile

from .metric import AUTHOR, FITTED, MAPS, ORACLE, DecisionMetric, Metric, ProbabilityMetric, RankingMetric
from .rounding import ROUNDING
from .spread import Floats
from .terms import Term

Problems = dict[str, str]
"""Why added metrics have no value, or no interval, by column."""

_DIGITS = 12
"""Of a file's sha256 that are its metric's version."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
# Columns of cells and of the leaderboard, which a metric of that name would replace without a word.
_TAKEN = re.compile(
    "dataset|detector|perturbation|testset|weights|protocol|checkpoints|digest|version|precision|remarks|time|"
    "images|ok|unreadable|failed|nonfinite|reals|fakes|real|fake|unscored|oracle_threshold|fitted_threshold|"
    "undefined|no_probabilities|metric_problems|class|mark|failed_as|replicates|seen|known|unstated|marks|"
    "tampered|tampered_as|tampered_ok|tampered_acc|trained_on|lender|same_reals|std_dev|worst|worst_on|"
    "origins|sources|rank|ranks|rank_by|testsets|scored|unranked|date|.*_low|.*_high"
)
UNDEFINED = "it returned NaN"
"""The problem of a value that is undefined; where a label is missing, that is none."""


def of_packages(register: Callable[[Metric], None]) -> list[Opened[Metric]]:
    """Put the rows of packages into the catalogue; without a version of its own a row has its package's.

    Args:
        register: Takes a row, or raises `ValueError`.

    Returns:
        Every metric that packages add, with the problem of those that have one.
    """
    found = []
    for one in REGISTRY.added():
        row, entry, problem = one.thing, one.entry, one.problem
        if row is not None and row.name != entry.name:
            problem = f"it calls itself {short(row.name)}"
        elif row is not None:
            version = row.version or entry.version or "0"
            row = replace(row, version=version, origin=f"package {entry.package}")
            try:
                register(row)
            except ValueError as error:
                problem = str(error)
        found.append(Opened(entry, problem=problem) if problem else Opened(entry, row))
    return found


def in_file(file: PluginFile) -> Metric:
    """Take the one row that a file defines; its version is the file's content.

    Raises:
        BenchError: The file does not run, or defines none, or several, or one that cannot be shown.
    """
    # Values are remembered beside a run under the version: an edited file must not get those of before.
    return replace(REGISTRY.in_file(file, Metric), version=file.sha256[:_DIGITS], origin=f"file {file.path}")


def answer(row: Metric, function: Callable[[Any], float], given: object, problems: Problems | None) -> float:
    """Ask a metric for its value; NaN where one that is added has none, with the reason in `problems`."""
    failed = {} if problems is None else problems
    if not row.origin:
        return function(given)
    low, high = row.bounds
    try:
        with contained():
            # A copy: other metrics get the same arrays, and would be computed from what this one left.
            value = function(deepcopy(given))
            if not isinstance(value, Real):
                raise TypeError(f"it returned {short(value)}, not a number")
            number = float(value)
            if np.isnan(number):
                failed[row.name] = UNDEFINED
                return number
            # Infinite within no bounds, not even those of a loss: a mean over test sets would be infinite.
            if not low - ROUNDING <= number <= high + ROUNDING or np.isinf(number):
                raise ValueError(f"it returned {number:g}, not from {low:g} to {high:g}")
        return min(max(number, low), high)
    except Exception as error:
        failed[row.name] = reason(error)
        return float("nan")


def answers(
    row: Metric, function: Callable[[Any], Floats], given: object, number: int, problems: Problems | None
) -> Floats:
    """Ask a metric for its replicates, or an image's losses: (number,), NaN where it has none."""
    if not row.origin:
        return function(given)
    try:
        with contained():
            # What returns is copied as well, for others might write to it again with the next resamples.
            values = np.array(function(deepcopy(given)), np.float64)
            if values.shape != (number,):
                raise ValueError(f"it returned an array of shape {values.shape}, not ({number},)")
        return values
    except Exception as error:
        if problems is not None:
            problems.setdefault(row.name, reason(error))  # what is wrong with the value says more
        return np.full(number, np.nan)


def flaw(thing: object) -> str:
    """Say what is no row of the catalogue, or what of one tables could not show."""
    if not isinstance(thing, RankingMetric | DecisionMetric | ProbabilityMetric):
        return "is no RankingMetric, DecisionMetric or ProbabilityMetric of metrics.metric"
    if not isinstance(thing.name, str) or not _NAME.fullmatch(thing.name):
        return f"has name {short(thing.name)}: use small letters, digits and '_', letter first"
    if _TAKEN.fullmatch(thing.name):
        return f"has name '{thing.name}', which is that of another column"
    # Columns, glossary and LaTeX are made of these; a number among them would break a table far from here.
    texts: list[object] = [thing.label, thing.version, *thing.headings, *thing.headings.values()]
    texts += [thing.term.name, *thing.term.words, thing.term.meaning]
    if not isinstance(thing.term, Term) or not all(isinstance(text, str) for text in texts):
        return "has a label, term, version or headings that are not texts (see metrics.metric.Metric)"
    if thing.by not in (AUTHOR, FITTED, ORACLE, *MAPS):
        return f"is by {short(thing.by)}, and not by {', '.join((FITTED, ORACLE, *MAPS))} or nothing"
    low, high = thing.bounds
    if not low < high:
        return f"has bounds {short(thing.bounds)}: the lower one first"
    names = {RankingMetric: ("point", "replicate"), DecisionMetric: ("judge",), ProbabilityMetric: ("point",)}
    wanted = [name for kind, several in names.items() if isinstance(thing, kind) for name in several]
    uncallable = [name for name in wanted if not callable(getattr(thing, name))]
    return f"has a {uncallable[0]} that cannot be called" if uncallable else ""


REGISTRY: Registry[Metric] = Registry("metric", "forenbench.metrics", flaw)
