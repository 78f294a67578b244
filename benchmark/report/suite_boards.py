"""A leaderboard of each suite that the cells hold whole, as if its test sets were of one dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from forenbench.data.descriptions import Suite, suites
from forenbench.tables.cell_frame import TESTSET

from .grid import Grid, lay_out

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class SuiteBoard:
    """One suite: what it is, its leaderboard, and the test sets that this is over."""

    name: str
    description: str
    board: Grid
    testsets: Sequence[str]


def suite_boards(cells: pd.DataFrame, perturbation: str) -> Iterator[SuiteBoard]:
    """Rank detectors within each suite.

    Args:
        cells: Of one protocol.
        perturbation: Which of them count.
    """
    from forenbench.tables import leaderboard  # here, for it imports half of the harness

    cells = cells[cells["perturbation"] == perturbation]
    where = list(zip(*(cells[name] for name in TESTSET), strict=True))
    for suite in suites().values():
        wanted = _testsets(suite)
        if len(wanted) > 1 and set(wanted) <= set(where):
            chosen = cells[[one in wanted for one in where]]
            # Test sets of two datasets may have one name, and what is ranked is ranked within one dataset.
            names = [f"{dataset}/{testset}" for dataset, testset in where if (dataset, testset) in wanted]
            table = leaderboard.lay_out(chosen.assign(dataset=suite.name, testset=names))
            title = f"Detectors by mean average precision over {len(wanted)} test sets"
            # What all rows share stands above them: here it is the suite, and no dataset.
            renamed = {
                name: frame.rename(columns={"dataset": "suite"})
                for name in ("frame", "low", "high", "marks")
                if (frame := getattr(table, name)) is not None
            }
            board = lay_out(replace(table, name=f"suite-{suite.name}", title=title, **renamed))
            yield SuiteBoard(
                suite.name, suite.description, board, [f"{one}/{other}" for one, other in wanted]
            )


def partial_suites(cells: pd.DataFrame, perturbation: str) -> list[str]:
    """Name the suites of which some test sets are there, and not all, with how many."""
    cells = cells[cells["perturbation"] == perturbation]
    there = set(zip(*(cells[name] for name in TESTSET), strict=True))
    found = []
    for suite in suites().values():
        wanted = set(_testsets(suite))
        if number := len(wanted & there) % len(wanted):
            found.append(f"{suite.name} ({number} of {len(wanted)} test sets)")
    return found


def _testsets(suite: Suite) -> list[tuple[str, str]]:
    """List a suite's test sets in its order."""
    return [(part.dataset, testset) for part in suite.parts for testset in part.testsets]
