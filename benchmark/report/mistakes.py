"""The images that each detector got most wrong: reals with the highest scores, fakes with the lowest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from forenbench.records.finished import Finished
from forenbench.types import FAKE, REAL

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("label", "score", "status", "path")
"""Of a cell's rows, those that are needed here and for curves."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One image.

    Attributes:
        dataset: Where it is from.
        testset: As for `dataset`; a real image that several share stands for the first of them.
        path: Relative to the dataset's source.
        label: 0 = real, 1 = fake.
        score: The detector's.
        wrong: Whether the score is on the wrong side of the detector's own threshold.
    """

    dataset: str
    testset: str
    path: str
    label: int
    score: float
    wrong: bool


def worst_of_cell(one: Finished, rows: pd.DataFrame, number: int) -> list[Mistake]:
    """Pick up to `number` images a label from one cell's rows, which have `COLUMNS`."""
    ok = rows[rows["status"] == "ok"]
    reals = ok[ok["label"] == REAL].nlargest(number, "score")
    fakes = ok[ok["label"] == FAKE].nsmallest(number, "score")
    return [
        Mistake(one.dataset, one.testset, path, label, score, (score > one.threshold) != (label == FAKE))
        for found in (reals, fakes)
        for path, label, score in zip(
            found["path"], found["label"], found["score"].astype(float), strict=True
        )
    ]


def worst(candidates: Iterable[Mistake], number: int) -> tuple[Sequence[Mistake], Sequence[Mistake]]:
    """Pick the worst reals and the worst fakes from those of several cells, each image once."""
    # Test sets of one dataset may share real images, which would fill the page with the same pictures.
    once: dict[tuple[str, str], Mistake] = {}
    for one in candidates:
        once.setdefault((one.dataset, one.path), one)
    reals = sorted((one for one in once.values() if one.label == REAL), key=lambda one: -one.score)
    fakes = sorted((one for one in once.values() if one.label == FAKE), key=lambda one: one.score)
    return reals[:number], fakes[:number]
