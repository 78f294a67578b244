"""How a run goes, and how it went."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from forenbench.records.record import StatusCounts
from forenbench.types import Cell, TestSet


@dataclass(slots=True)
class Summary:
    """How a run went.

    Attributes:
        present: Cells that were there already.
        computed: Cells that are there now and were not.
        unfinished: Cells that are not there yet, for the run was stopped.
        problems: Counts of images by status, of cells with images that are not `ok`.
        notes: What the run had to do otherwise than usual.
    """

    present: int = 0
    computed: int = 0
    unfinished: int = 0
    problems: dict[Cell, StatusCounts] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Reporter(Protocol):
    """Hears of a run's progress."""

    def begin(self, cells: int, present: int, images: int) -> None:
        """Told once, before any scoring: all cells, those done before, image passes to come."""
        ...

    def testset(self, testset: TestSet, cells: int) -> None:
        """Told when a test set's missing cells are started."""
        ...

    def stored(self, cells: int) -> None:
        """Told when cells that were missing are there, whoever made them."""
        ...

    def advance(self, images: int) -> None:
        """Told after each batch."""
        ...

    def skip(self, images: int) -> None:
        """Told of images that were scored before, or by another process."""
        ...

    def note(self, text: str) -> None:
        """Told, once, what a user should know."""
        ...
