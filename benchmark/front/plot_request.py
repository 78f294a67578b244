"""What may be asked of a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from forenbench.records.coverage import APART, MISSING


class PlotOptions(TypedDict, total=False):
    """What is on a figure, and how wide it is; options of `Results.plot`.

    Attributes:
        testset: Only this one; by default curves are means over all.
        perturbation: What curves and heat are of; by default none where it was run, else the first.
        detectors: Only these, in this order.
        metrics: What robustness is of, a panel each; by default "ap".
        rename: What detectors and test sets are called.
        wide: As wide as both columns of a page, not one.
        protocol: Cells run under this one; by default "all", or the only one there is.
        failed_as: What images without a score count as: "missing" (in no number), or "wrong" (errors).
        tampered_as: What tampered images count as: "apart" (in no curve), "fake", "real" or "drop".
    """

    testset: str
    perturbation: str
    detectors: str | Sequence[str]
    metrics: str | Sequence[str]
    rename: Mapping[str, str]
    wide: bool
    protocol: str
    failed_as: str
    tampered_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotRequest:
    """`PlotOptions` with their defaults."""

    testset: str = ""
    perturbation: str = ""
    detectors: str | Sequence[str] = ()
    metrics: str | Sequence[str] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    wide: bool = False
    protocol: str = ""
    failed_as: str = MISSING
    tampered_as: str = APART
