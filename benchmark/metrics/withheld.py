"""Which intervals are not shown, and why: those that did not hold the truth as often as they say.

docs/metrics.md has the simulations behind each of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .rounding import same
from .spread import witnesses

if TYPE_CHECKING:
    from .metric import Why

_IN_TAIL = 5
"""So many images have to be the share of a label's images that sets a rate's threshold."""
_MISORDERED = 0.05
"""Pairs in the wrong order, an image of the label with fewer, that an AUROC has to rest on."""
_UNBALANCED, _FEW = 3, 100
"""Times as many images of one label: then nearly all spread of an AUROC is that of the other's, and of fewer
than so many with hardly an error it is often far too small.
"""


def never(reason: str) -> Why:
    """Show none of this metric."""
    return lambda measured, prefix: reason


def of_few_in_tail(label: str, share: float) -> Why:
    """Show none of a rate at a threshold that a share of one label's images sets, where these are few."""
    least = round(_IN_TAIL / share)
    return lambda measured, prefix: f"of fewer than {least} {label} images" if measured[label] < least else ""


def of_few_wrong(least: int) -> Why:
    """Show none of a mean loss where so few images are called wrong: such images are most of it."""

    def why(measured: Mapping[str, Any], prefix: str) -> str:
        # The number of wrong images is no metric, but accuracy times images is whole but for rounding.
        wrong = round((1 - measured["acc"]) * (measured["real"] + measured["fake"]))
        if wrong >= least:
            return ""
        return "where hardly an image is called wrong, so that none shows how large a loss can be"

    return why


def of_few_wrong_of_either(least: int) -> Why:
    """Show none of the mean of both labels' mean losses where so few of one of them are called wrong."""

    def why(measured: Mapping[str, Any], prefix: str) -> str:
        wrong = [round((1 - measured[f"{label}_acc"]) * measured[label]) for label in ("real", "fake")]
        if min(wrong) >= least:
            return ""
        return "where hardly an image of one label is called wrong, so that its half shows no large loss"

    return why


def of_few_alike(measured: Mapping[str, Any], prefix: str) -> str:
    """Show none of a mean over labels where all images of the label with fewer are called alike."""
    few, many = sorted(("real", "fake"), key=lambda label: measured[label])
    # The half of the few images has nearly all of the spread; where all of them are called alike, no resample
    # shows any of it.
    share = measured[f"{prefix}{few}_acc"]
    if measured[few] >= measured[many] or not (same(share, 0) or same(share, 1)):
        return ""
    return "where all images of the label with fewer are called alike, so that its half does not vary"


def of_hardly_an_error(measured: Mapping[str, Any], prefix: str) -> str:
    """Show none of an AUROC of next to no pair in the wrong order, or of few images beside many."""
    # In simulations of 30 fakes beside 300 reals the coverage was 90 to 95 % (docs/metrics.md).
    fewer, more = sorted([measured["real"], measured["fake"]])
    if fewer < _FEW and more >= _UNBALANCED * fewer:
        return f"of fewer than {_FEW} images of one label beside {_UNBALANCED} times as many of the other"
    if (1 - measured["auroc"]) * witnesses([measured]) < _MISORDERED:
        return "where next to no fake scores below a real image"
    return ""
