"""How a run goes, and how it went: who hears of it, and what is summed up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from forenbench.records.record import StatusCounts
from forenbench.types import Cell, TestSet

if TYPE_CHECKING:
    from forenbench.records.store import Store

    from .plan import PlannedCell, Task


@dataclass(slots=True)
class Summary:
    """How a run went.

    Attributes:
        present: Cells that were there already.
        computed: Cells that are there now and were not.
        unfinished: Cells that are not there yet, for the run was stopped.
        problems: Counts of images by status, of cells with images that are not `ok`.
        notes: What the run had to do otherwise than usual.
        asked: All cells that the run was for.
    """

    present: int = 0
    computed: int = 0
    unfinished: int = 0
    problems: dict[Cell, StatusCounts] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    asked: list[Cell] = field(default_factory=list, compare=False)  # how it went is told by the others

    def add(self, other: Summary) -> None:
        """Count in what another round did."""
        self.present += other.present
        self.computed += other.computed
        self.unfinished += other.unfinished
        self.problems |= other.problems
        self.notes += other.notes
        self.asked += other.asked

    @classmethod
    def of(
        cls, tasks: Sequence[Task], missing: Sequence[Sequence[PlannedCell]], store: Store, notes: list[str]
    ) -> Summary:
        """Sum up a run by what its store holds now, whoever stored it.

        Args:
            tasks: All that the run was for.
            missing: The cells of each task that were not there when it began.
            store: Where they are kept.
            notes: See above.
        """
        to_do = sum(map(len, missing))
        summary = cls(present=sum(len(task.cells) for task in tasks) - to_do, notes=notes)
        for task in tasks:
            summary.asked += [planned.cell for planned in task.cells]
            for planned in task.cells:
                record = store.record(planned.cell)
                if record is None or record.identity != planned.identity:
                    summary.unfinished += 1
                elif record.counts.lost:
                    summary.problems[planned.cell] = record.counts
        summary.computed = to_do - summary.unfinished
        return summary


class Listener(Protocol):
    """Hears of the scoring while it is done."""

    def advance(self, images: int) -> None:
        """Told after each batch, or several."""
        ...

    def tell(self, text: str) -> None:
        """Told, once, what is going on."""
        ...

    def note(self, text: str) -> None:
        """Told, once, what a reader of the results must know."""
        ...

    def stopped(self) -> bool:
        """Asked after each shard, and by an engine that waits: whether the run is to end here."""
        ...


class Reporter(Listener, Protocol):
    """Hears of a whole run's progress."""

    def begin(self, cells: int, present: int, images: int) -> None:
        """Told once, before any scoring: all cells, those done before, image passes to come."""
        ...

    def testset(self, testset: TestSet, cells: int) -> None:
        """Told when a test set's missing cells are started."""
        ...

    def stored(self, cells: int) -> None:
        """Told when cells that were missing are there, whoever made them."""
        ...

    def skip(self, images: int) -> None:
        """Told of images that were scored before, or by another process."""
        ...


@dataclass(slots=True)
class Silent:
    """A reporter that keeps everything to itself.

    Attributes:
        stop: Says whether the run is to end.
    """

    stop: Callable[[], bool] = lambda: False

    def stopped(self) -> bool:
        """Say whether the run is to end."""
        return self.stop()

    def begin(self, cells: int, present: int, images: int) -> None:
        """Hear of the cells, and say nothing."""

    def testset(self, testset: TestSet, cells: int) -> None:
        """Hear of a test set, and say nothing."""

    def stored(self, cells: int) -> None:
        """Hear of cells that are there, and say nothing."""

    def skip(self, images: int) -> None:
        """Hear of images left out, and say nothing."""

    def advance(self, images: int) -> None:
        """Hear of images scored, and say nothing."""

    def tell(self, text: str) -> None:
        """Hear what is going on, and say nothing."""

    def note(self, text: str) -> None:
        """Hear what is for the records, and say nothing."""
