"""What the numbers mean, in a line each, for readers who see such tables for the first time."""

from __future__ import annotations

import re
from collections.abc import Iterable

from forenbench.metrics.metric_values import terms
from forenbench.metrics.terms import Term

_TERMS = (
    Term("fitted", ("fitted",), "with a threshold chosen on other images, of a validation set"),
    Term(
        "oracle", ("oracle",), "with the best threshold for these very images: an upper bound, not a result"
    ),
    Term(
        "temperature, platt, isotonic",
        ("temperature", "platt", "isotonic"),
        "after scores were mapped to probabilities in this way, fitted on other images",
    ),
    Term("Mean, macro", ("mean", "macro"), "every test set counts once, however many images it has"),
    Term("micro", ("micro",), "every image counts once, so large test sets count more"),
    Term("worst", ("worst", "worst_on"), "on the test set where it is lowest"),
    Term("std. dev.", ("dev.", "std_dev"), "standard deviation over test sets, of a sample (n - 1)"),
    Term("Spread", ("spread",), "largest less smallest value, by which real images are used"),
    Term(
        "ranks", ("ranks",), "those that the images leave open: 1-2 where first and second are not told apart"
    ),
    Term(
        "seen", ("seen",), "how many of the test sets the detector has met in training, as it states itself"
    ),
)
"""What layouts add to the metrics."""


def explain(columns: Iterable[str]) -> list[tuple[str, str]]:
    """Explain the terms that are among the words of the names of columns."""
    words = {word for name in columns for word in re.findall(r"[\w.]+", name.lower())}
    return [(term, meaning) for term, keys, meaning in (*terms(), *_TERMS) if not words.isdisjoint(keys)]
