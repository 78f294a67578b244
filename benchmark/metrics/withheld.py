"""Which intervals are not shown, and why: those that did not hold the truth as often as they say.

docs/metrics.md has the simulations behind each of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .classification import FPR_AT_TPR, TPR_AT_FPR
from .fitting import FITS
from .rounding import same
from .spread import witnesses

_NEVER = {
    **dict.fromkeys(("ece", "ece_mass"), "which chance raises, and in resamples once more"),
    **dict.fromkeys(
        [f"oracle_{name}" for name in ("acc", "bacc", "real_acc", "fake_acc")],
        "whose threshold was chosen on these very images",
    ),
    **dict.fromkeys(
        [f"{fit}_{name}" for fit in FITS for name in ("nll", "ece")],
        "whose map rests on other images, which are not resampled",
    ),
}
_TAILS = {
    **{name: ("real", share) for name, share in TPR_AT_FPR.items()},
    "fpr_at_tpr95": ("fake", 1 - FPR_AT_TPR),
}
"""Rates at a threshold that a share of one label's images sets."""
_IN_TAIL = 5
"""So many images have to be that share."""
_WRONG = {"brier": 1, "nll": 2}
"""Images called wrong that a mean loss has to rest on: such images are most of it."""
_MISORDERED = 0.05
"""Pairs in the wrong order, an image of the label with fewer, that an AUROC has to rest on."""
_UNBALANCED, _FEW = 3, 100
"""Times as many images of one label: then nearly all spread of an AUROC is that of the other's, and of fewer
than so many with hardly an error it is often far too small.
"""


def why_none(metric: str, measured: Mapping[Any, Any]) -> str:
    """Say where a metric has no interval whatever its resamples show; empty if it may have one.

    Args:
        metric: Its column.
        measured: All metrics, the numbers of scored images ``real`` and ``fake``, and ``origins``.
    """
    if metric in _NEVER:
        return _NEVER[metric]
    wrong = round((1 - measured["acc"]) * (measured["real"] + measured["fake"])) if metric in _WRONG else 0
    if wrong < _WRONG.get(metric, 0):
        return "where hardly an image is called wrong, so that none shows how large a loss can be"
    if metric.endswith("bacc") and _few_agree(metric.removesuffix("bacc"), measured):
        return "where all images of the label with fewer are called alike, so that its half does not vary"
    if metric in _TAILS:
        label, share = _TAILS[metric]
        least = round(_IN_TAIL / share)
        return f"of fewer than {least} {label} images" if measured[label] < least else ""
    if metric == "auroc":
        fewer, more = sorted([measured["real"], measured["fake"]])
        if fewer < _FEW and more >= _UNBALANCED * fewer:
            return f"of fewer than {_FEW} images of one label beside {_UNBALANCED} times as many of the other"
        if (1 - measured["auroc"]) * witnesses([measured]) < _MISORDERED:
            return "where next to no fake scores below a real image"
    return ""


def _few_agree(prefix: str, measured: Mapping[Any, Any]) -> bool:
    """Say whether one label has fewer images, and all of these are called right, or all wrong."""
    few, many = sorted(("real", "fake"), key=lambda label: measured[label])
    share = measured[f"{prefix}{few}_acc"]
    return measured[few] < measured[many] and (same(share, 0) or same(share, 1))
