"""Which cells rest on generators or reals that a detector has seen in training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

MARK = "*"


def seen_in_training(trained_on: list[str], testset: str, sources: Mapping[str, Any]) -> bool:
    """Say whether a test set, or a source of its reals, is among what a detector states it was trained on.

    Names are compared without case, spaces and punctuation.
    """
    known = {_plain(name) for name in trained_on}
    return not known.isdisjoint({_plain(testset), *map(_plain, sources)})


def remark(cells: pd.DataFrame) -> Iterator[str]:
    """Explain the marks, if there are any."""
    seen = cells[cells["seen"]]
    if len(seen):
        users = seen.groupby("testset", sort=False)["detector"].unique()
        listed = "; ".join(f"{testset} by {', '.join(detectors)}" for testset, detectors in users.items())
        yield f"{MARK} generator or reals seen in training, as the detectors state: {listed}."


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))
