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
        take: What each of its numbers is of several others: mean, sd (of a sample, n - 1) or min; empty
            where each is that of one cell.
        over: Of a column, what these several are where they need not be printed: the dataset and test set
            of each. Empty: the table's other rows, or other columns.
        among: Of these other columns, those alone whose outermost label this is; empty for all.
    """

    label: tuple[str, ...]
    cell: Mapping[str, str]
    take: str = ""
    over: tuple[Mapping[str, str], ...] = ()
    among: str = ""

    @property
    def sums_up(self) -> bool:
        """Whether it is made of the table's other rows, or other columns."""
        return bool(self.take) and not self.over


@dataclass(frozen=True, slots=True)
class PaperTable:
    """A published table.

    Attributes:
        name: As in ``bench table NAME``.
        title: What it shows.
        source: Paper and number of the table.
        decimals: As printed.
        protocol: By which its images count; empty: all of them.
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
    protocol: str
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

    def behind(self, row: Heading, column: Heading) -> list[Mapping[str, str]]:
        """List `CELL_AND_CLASS` and metric of the cells that one number is made of.

        Returns:
            One cell, or the several of a column that has them; none for what is made of other numbers of the
            table, and for what cannot be measured here: a method, or a test set, that forenbench lacks.
        """
        if row.sums_up or column.sums_up:
            return []
        common = {"class": "", "perturbation": "none", **row.cell, **column.cell}
        cells = [{**common, **more} for more in column.over or ({},)]
        return [cell for cell in cells if {"detector", "dataset", "testset"} <= cell.keys()]

    def summed_up(self, total: Heading) -> list[int]:
        """List the places of the columns that a column which sums up is made of.

        Of its own metric, where it has one: some papers average different metrics, and deviations of none.
        """
        return [
            place
            for place, one in enumerate(self.columns)
            if not one.sums_up
            and one.take != "sd"
            and total.cell.get("metric") in (None, one.cell.get("metric"))
            and total.among in ("", one.label[0])
        ]

    def cells(self) -> Iterator[Mapping[str, str]]:
        """Yield `CELL_AND_CLASS` and metric of every number that can be measured, row by row."""
        for row in self.rows:
            for column in self.columns:
                yield from self.behind(row, column)

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
