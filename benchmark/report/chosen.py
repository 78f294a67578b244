"""Which of several perturbations a report draws, and what it calls detectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from forenbench.types import OWN, UNVERIFIED

_PLAIN = "none"


def plainest(perturbations: Sequence[str]) -> str:
    """Choose the perturbation that curves and pictures are of: none where it was run, else the first."""
    return _PLAIN if _PLAIN in perturbations else perturbations[0]


def name_detectors(detectors: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Name each (detector, kind of weights): a usual kind is told only where a detector has several."""
    every = list(dict.fromkeys(detectors))
    # A name alone is taken for the published weights: others that stand in for them are always told.
    names = [name for name, _ in every]
    plain = {(name, kind) for name, kind in every if names.count(name) == 1 and kind not in (UNVERIFIED, OWN)}
    return {one: one[0] if one in plain else f"{one[0]} ({one[1]})" for one in every}
