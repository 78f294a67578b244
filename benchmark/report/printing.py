"""Figures as PDF, SVG or PNG that print well: a column wide, fonts embedded, told apart without colour."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from forenbench.errors import BenchError
from forenbench.files.atomic import replacing
from forenbench.printable import printable

from .charts import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from .paper_figures import Figure, Panel

SUFFIXES = (".pdf", ".svg", ".png")
COLUMN, PAGE = 3.25, 6.875
"""Widths in inches, of a column and of both, in papers of two columns."""
MOST = 12
"""Lines in one figure: so many differ in colour or dashes."""
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
_MARKERS = "os^Dv<>Ph*Xp"
_FONT = "DejaVu Sans"
_SETTINGS = {
    # Type 42 embeds outlines as a font, which publishers ask for; some refuse the default, type 3.
    "pdf.fonttype": 42,
    "svg.fonttype": "path",  # as text, it would be set in whatever font the reader's machine has
    "svg.hashsalt": "forenbench",
    "text.parse_math": False,  # a dollar sign in a detector's name is no formula
    "font.family": _FONT,
    "font.size": 7,
    "axes.labelsize": 7,
    "axes.titlesize": 7,
    "legend.fontsize": 6.5,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.4,
    "lines.linewidth": 1.1,
    "lines.markersize": 3,
    "savefig.dpi": 600,
}


def check_file(path: Path) -> None:
    """Refuse a file of which the name does not say what it is to be.

    Raises:
        BenchError: It ends in none of `SUFFIXES`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise BenchError(f"'{path}' is no figure: give it a name that ends in {', '.join(SUFFIXES)}")


def print_lines(figure: Figure, path: Path, *, wide: bool = False) -> None:
    """Draw a figure of lines into a file; panels stand below each other, or side by side where it is wide."""
    panels = figure.panels
    columns = min(len(panels), 3) if wide else 1
    rows = math.ceil(len(panels) / columns)
    names = list(dict.fromkeys(line.name for panel in panels for line in panel.lines))
    width, beside = (PAGE, 3) if wide else (COLUMN, 1)
    height = rows * (0.72 * width / columns + 0.1)
    # Where areas stand in it, each panel has a legend of its own.
    shared = len(panels) == 1 or all(math.isnan(line.value) for panel in panels for line in panel.lines)
    if shared:
        height += 0.14 * math.ceil(len(names) / beside)
    with _drawing(figure, path, (width, height)) as drawing:
        places = drawing.subplots(rows, columns, squeeze=False).ravel()
        for place, panel in zip(places, panels, strict=False):
            _draw(place, panel, names)
            if not shared:
                place.legend(loc="lower right" if panel.chance else "lower left", handlelength=3.2)
        for place in places[len(panels) :]:
            place.set_axis_off()
        if shared:
            lines = places[0].get_legend_handles_labels()
            below = {"loc": "outside lower center", "ncols": beside, "frameon": False, "handlelength": 3.2}
            drawing.legend(*lines, **below)


def print_heat(
    figure: Figure, values: pd.DataFrame, signs: pd.DataFrame, path: Path, *, wide: bool = False
) -> None:
    """Draw numbers as a grid in colours, white at 50, with the numbers in it."""
    rows, columns = values.shape
    width = PAGE if wide else COLUMN
    with _drawing(figure, path, (width, 0.6 + 0.2 * rows)) as drawing:
        axes = drawing.subplots()
        numbers = values.to_numpy(float)
        # The middle 60 % of the colour map: its ends are too dark for black numbers to be read on.
        axes.imshow(numbers, cmap="RdBu", vmin=-100 / 3, vmax=400 / 3, aspect="auto")
        size = min(6.5, 72 * (width - 1) / columns / 4)
        for row in range(rows):
            for column in range(columns):
                if not math.isnan(number := numbers[row, column]):
                    text = f"{number:.1f}{signs.iat[row, column]!s}"
                    axes.text(column, row, text, ha="center", va="center", fontsize=size)
        axes.set_xticks(
            range(columns), map(drawable, values.columns), rotation=40, ha="left", rotation_mode="anchor"
        )
        axes.set_yticks(range(rows), map(drawable, values.index))
        axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)


def drawable(name: object) -> str:
    """Write a name in letters that the font has; others as their escapes, for they would be empty boxes."""
    from matplotlib.font_manager import findfont, get_font

    known = get_font(findfont(_FONT)).get_charmap()
    return "".join(
        one if ord(one) in known else one.encode("unicode_escape").decode("ascii")
        for one in printable(str(name))
    )


def _draw(axes: Axes, panel: Panel, names: Sequence[str]) -> None:
    """Draw one panel."""
    looks = dict(zip(names, zip(cycle(COLOURS), cycle(_DASHES), cycle(_MARKERS)), strict=False))
    if panel.chance:
        axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.6)
    for line in panel.lines:
        colour, dashes, marker = looks[line.name]
        label = drawable(line.name) + ("" if math.isnan(line.value) else f", {line.value:.1f}") + line.signs
        style: dict[str, Any] = {"marker": marker} if panel.ticks else {}
        if line.is_stepped:
            style["drawstyle"] = "steps-pre"
        axes.plot(line.x, line.y, color=colour, linestyle=dashes, label=label, **style)
    axes.set(xlabel=drawable(panel.x), ylabel=drawable(panel.y), title=drawable(panel.title))
    if panel.ticks:
        axes.set_xticks(range(len(panel.ticks)), map(drawable, panel.ticks))
    else:
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))  # so that a line along a border is seen whole


@contextmanager
def _drawing(figure: Figure, path: Path, size: tuple[float, float]) -> Iterator[Drawing]:
    """Give a drawing; what is on it then is written to the file, the same bytes for the same numbers."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure as Drawing

    kind = path.suffix.lower().lstrip(".")
    # Where a figure goes, its notes go: into fields that files of each kind have for it.
    about = {"Title": figure.title, {"pdf": "Subject"}.get(kind, "Description"): " ".join(figure.notes)}
    # Without a date, and with a fixed salt of ids.
    dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(kind, {})
    # No pyplot: it would look for a display and keep every figure.
    with rc_context(_SETTINGS):
        drawing, written = Drawing(figsize=size, layout="constrained"), BytesIO()
        yield drawing
        metadata = {name: printable(text) for name, text in about.items()} | dates
        drawing.savefig(written, format=kind, metadata=metadata)
    with replacing(path) as partial:
        partial.write_bytes(written.getvalue())
