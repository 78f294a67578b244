"""What a published table is: its rows and columns, and the cells that these stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """One row or column.

    Attributes:
        label: As printed, outer levels first.
        cell: What all its cells share: some of `CELL_AND_CLASS`, and ``metric``.
        mean: It holds the means over the other rows, or over the other columns of its metric.
    """

    label: tuple[str, ...]
    cell: Mapping[str, str]
    mean: bool = False


@dataclass(frozen=True, slots=True)
class PaperTable:
    """A published table.

    Attributes:
        name: As in ``bench table NAME``.
        title: What it shows.
        source: Paper and number of the table.
        decimals: As printed.
        notes: What a reader must know of its rows.
        index: Headings of the row labels.
        header: Headings of the levels of column labels.
        rows: In printed order.
        columns: In printed order.
    """

    name: str
    title: str
    source: str
    decimals: int
    notes: tuple[str, ...]
    index: tuple[str, ...]
    header: tuple[str, ...]
    rows: tuple[Heading, ...]
    columns: tuple[Heading, ...]

    @property
    def by_class(self) -> bool:
        """Whether its numbers are about single classes of a test set."""
        return any(cell["class"] for cell in self.cells())

    @property
    def heading(self) -> str:
        """One line for a reader."""
        return f"{self.source}: {self.title} (%)"

    def cell(self, row: Heading, column: Heading) -> Mapping[str, str] | None:
        """Return `CELL_AND_CLASS` and metric of one number; None for means."""
        if row.mean or column.mean:
            return None
        return {"class": "", "perturbation": "none", **row.cell, **column.cell}

    def cells(self) -> Iterator[Mapping[str, str]]:
        """Yield `CELL_AND_CLASS` and metric of every number that can be measured, row by row."""
        for row in self.rows:
            for column in self.columns:
                if cell := self.cell(row, column):
                    yield cell

    def detectors(self) -> list[str]:
        """List the detectors it needs, in printed order."""
        return list(dict.fromkeys(cell["detector"] for cell in self.cells()))

    def testsets(self) -> Mapping[str, list[str]]:
        """List the test sets it needs, by dataset, in printed order."""
        found: dict[str, dict[str, None]] = {}
        for cell in self.cells():
            found.setdefault(cell["dataset"], {})[cell["testset"]] = None
        return {dataset: list(testsets) for dataset, testsets in found.items()}

    def perturbations(self) -> list[str]:
        """List the perturbations it needs, in printed order."""
        return list(dict.fromkeys(cell["perturbation"] for cell in self.cells()))
