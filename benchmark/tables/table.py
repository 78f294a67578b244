"""A finished table, as every maker returns it and every reader takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forenbench.errors import BenchError

from .values import Values


class NothingToShow(BenchError):
    """Runs hold no cell of the kind that a table is of; tables of a whole run leave it out."""


@dataclass(frozen=True, slots=True, repr=False)
class Table(Values):
    """A finished table: its numbers as a frame, and the ways to print it.

    Every way shows the marks of values. All but CSV, which has columns for marks and ends of intervals, show
    the title and the notes, which say what the marks mean; tidy CSV and JSON say it in words. A notebook
    shows the table by itself.
    """

    def __repr__(self) -> str:
        return self.to_text()

    def to_text(self, width: int | None = None) -> str:
        """Lay it out as plain text, in blocks of columns where it is wider than `width` characters."""
        return self.rendered("text", width)

    def to_markdown(self) -> str:
        """Lay it out as Markdown."""
        return self.rendered("markdown")

    def to_latex(self, *, caption: str = "", label: str = "", wide: bool = False, fit: bool = False) -> str:
        r"""Lay it out for LaTeX, as a whole ``table`` environment.

        It needs the package `booktabs`. Notes are comments; those that explain its signs are set below it.

        Args:
            caption: In LaTeX; by default the title.
            label: For ``\\ref``; by default ``tab:`` and the table's name.
            wide: Over both columns of a page (``table*``).
            fit: Shrunk, or enlarged, to the width of a line (``\\resizebox``, of the package `graphicx`).

        Raises:
            BenchError: The label is none.
        """
        from .latex import Setting, as_latex

        return as_latex(self, Setting(caption, label, wide, fit))

    def to_csv(self) -> str:
        """Lay it out as CSV, with columns of their own for marks and for the ends of intervals."""
        return self.rendered("csv")

    def to_tidy(self) -> str:
        """Lay it out as CSV with one header row and one number a line, in full precision."""
        return self.rendered("tidy")

    def to_json(self) -> str:
        """Lay it out as JSON: title, notes, and every value with what it is of."""
        return self.rendered("json")

    def styled(
        self,
        *,
        digits: int | None = None,
        rename: Mapping[str, str] | None = None,
        transpose: bool = False,
        intervals: bool | None = None,
    ) -> Table:
        """Return the same table, to be shown in another way; `frame` keeps its numbers and names.

        Args:
            digits: Decimals, from 0 to 10.
            rename: What labels are shown as, by their names in the table: ``{"univfd:lc": "UnivFD"}``.
            transpose: Rows become columns.
            intervals: Show 95 % intervals, or leave them out; by default where the table has room for them.

        Raises:
            BenchError: A name is in no label, two labels would become one, or there are no intervals.
        """
        from .styling import styled

        return styled(self, digits, rename or {}, transpose, intervals)

    def _repr_html_(self) -> str:
        """Lay it out for a notebook."""
        return self.rendered("html")

    def rendered(self, style: str, width: int | None = None) -> str:
        """Lay it out in any format of ``bench table``; text in blocks no wider than `width`.

        Raises:
            BenchError: Another format.
        """
        # What knows the formats knows the columns, and so the makers of tables.
        from .rendering import render

        return render(self, style, width)
