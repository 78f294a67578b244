"""A finished table, as every maker returns it and every reader takes it."""

from __future__ import annotations

from dataclasses import dataclass

from forenbench.errors import BenchError

from .values import Values


class NothingToShow(BenchError):
    """Runs hold no cell of the kind that a table is of; tables of a whole run leave it out."""


@dataclass(frozen=True, slots=True, repr=False)
class Table(Values):
    """A finished table: its numbers as a frame, and the ways to print it.

    Every way shows the marks of values. All but CSV, which has columns for marks and ends of intervals, show
    the title and the notes, which say what the marks mean. A notebook shows the table by itself.
    """

    def __repr__(self) -> str:
        return self.to_text()

    def to_text(self, width: int | None = None) -> str:
        """Lay it out as plain text, in blocks of columns where it is wider than `width` characters."""
        return self._rendered("text", width)

    def to_markdown(self) -> str:
        """Lay it out as Markdown."""
        return self._rendered("markdown")

    def to_latex(self) -> str:
        """Lay it out as LaTeX for the package `booktabs`; title and notes are comments."""
        return self._rendered("latex")

    def to_csv(self) -> str:
        """Lay it out as CSV, with columns of their own for marks and for the ends of intervals."""
        return self._rendered("csv")

    def _repr_html_(self) -> str:
        """Lay it out for a notebook."""
        return self._rendered("html")

    def _rendered(self, style: str, width: int | None = None) -> str:
        """Lay it out in any style; what knows the styles knows the columns, and so the makers of tables."""
        from .rendering import render

        return render(self, style, width)
