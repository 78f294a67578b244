"""What became of an evaluation: where it is, what is not whole, and its tables beside its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.records.store import Store
from forenbench.scoring.gathering import Gathered

from .talk import short
from .telling import Say, describe_absent, describe_problems

if TYPE_CHECKING:
    from forenbench.scoring.outcome import Summary
    from forenbench.tables.required import Requirement
    from forenbench.tables.table import Table


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What became of an evaluation.

    Attributes:
        gathered: What was run, and what could not be had.
        summary: How it went.
        store: The rows.
        required: What its metrics may be.
    """

    gathered: Gathered
    summary: Summary
    store: Store
    required: Sequence[Requirement] = ()

    @property
    def is_whole(self) -> bool:
        """Whether everything that was asked for was scored."""
        return not (self.summary.problems or self.summary.unfinished or self.gathered.absent)

    def describe(self, written: Sequence[str], say: Say) -> None:
        """Say where everything is, `written` among it, and what is not whole."""
        summary, store = self.summary, self.store
        say(f"In {short(store.root)}/: scores/ (a row for every image), {', '.join(written)}")
        if not summary.computed:
            say(f"Nothing to compute: all {summary.present} cells were done before.", "green")
        if summary.problems:
            describe_problems(summary, store, say)
        if summary.unfinished:
            say(f"{summary.unfinished} cells are not done: the same command goes on with them.", "red")
        describe_absent(self.gathered.absent, say)

    def check(self) -> None:
        """Compare the cells that were asked for with what is required of them.

        Raises:
            RequirementMissed: One is not as good, or not there.
        """
        from forenbench.tables import measure
        from forenbench.tables.required import check

        if self.required:
            check(measure([self.store]), self.required, self.summary.asked)

    def write_tables(self) -> tuple[Table, list[str]]:
        """Write every table and the leaderboard beside the rows (see `write_tables`)."""
        return write_tables(self.store)

    def paper_table(self, name: str) -> Table:
        """Lay out a published table from the rows."""
        from .results import Results

        return Results([self.store]).table(name)


def write_tables(store: Store) -> tuple[Table, list[str]]:
    """Write every table and the leaderboard, made from a store's rows.

    Returns:
        The main table, a protocol's own where it has one, and what there is, in words, relative to the run
        folder.
    """
    from forenbench.tables import accuracy_and_precision, by_protocol, measure
    from forenbench.tables.exports import export
    from forenbench.tables.table import NothingToShow

    cells = measure([store])
    files = [Path(name) for name in export(cells, store.root)]
    # Each table is three files of one name; of the files beside tables/, the leaderboard, all are named.
    names = dict.fromkeys(file.name.partition(".")[0] for file in files if file.parts[0] == "tables")
    boards = [file.name for file in files if file.parts[0] != "tables"]
    try:
        main = by_protocol.table(cells)
    except NothingToShow:
        main = accuracy_and_precision(cells)
    return main, [f"tables/ ({', '.join(names)}, each as .csv, .tidy.csv and .md)", *boards]
