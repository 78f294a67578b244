"""How numbers and names of columns are printed, in every format alike."""

from __future__ import annotations

import pandas as pd


def number(value: float, decimals: int, signed: bool) -> str:
    """Print a number, nothing where it is undefined; a difference that vanishes has no sign."""
    if pd.isna(value):
        return ""
    text = f"{value:+.{decimals}f}" if signed else f"{value:.{decimals}f}"
    return text if float(text) else f"{0:.{decimals}f}"


def levels(column: object) -> tuple[str, ...]:
    """Return a column's name as its levels."""
    return tuple(map(str, column)) if isinstance(column, tuple) else (str(column),)
