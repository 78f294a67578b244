"""Options that say how a table is shown, each declared once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from forenbench.tables.latex import Setting
from forenbench.tables.table import Table

from .console import split_pairs

Digits = Annotated[int | None, typer.Option(help="Decimals, 0 to 10.", show_default="the table's own")]
Rename = Annotated[
    str,
    typer.Option(
        metavar="OLD=NEW,…",
        help="What names are shown as: univfd:lc=UnivFD, A.P.=AP.",
    ),
]
Transpose = Annotated[bool, typer.Option("--transpose", help="Rows become columns.")]
Intervals = Annotated[
    bool | None,
    typer.Option(
        "--intervals/--no-intervals",
        help="Show 95 % intervals, or leave them out.",
        show_default="where the table has room",
    ),
]
Caption = Annotated[
    str, typer.Option(metavar="LATEX", help="latex: the caption.", show_default="the table's title")
]
Label = Annotated[str, typer.Option(help="latex: for \\\\ref.", show_default="tab:NAME")]
Wide = Annotated[bool, typer.Option("--wide", help="latex: over both columns of a page (table*).")]
Fit = Annotated[bool, typer.Option("--fit", help="latex: resized to the width of a line.")]


@dataclass(frozen=True)
class Looks:
    """Options that say how a table is shown (see `grouped`)."""

    digits: Digits = None
    rename: Rename = ""
    transpose: Transpose = False
    intervals: Intervals = None
    caption: Caption = ""
    label: Label = ""
    wide: Wide = False
    fit: Fit = False

    def of(self, made: Table) -> Table:
        """Return a table as it is to be shown.

        Raises:
            BenchError: It cannot be shown so.
        """
        rename = split_pairs("--rename", self.rename)
        return made.styled(
            digits=self.digits, rename=rename, transpose=self.transpose, intervals=self.intervals
        )

    @property
    def setting(self) -> Setting | None:
        """How it stands in a paper; None where nothing is asked of that."""
        asked = (self.caption, self.label, self.wide, self.fit)
        return Setting(*asked) if any(asked) else None


LOOKS = Looks()
