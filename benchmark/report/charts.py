"""Curves → pictures as data URIs, drawn by matplotlib without a window or any global state."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from .curves import RATES, RECALLS, Curves
from .reliability import ENOUGH, Point, points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#8c6d00")
"""Told apart by most colour-blind readers (after Okabe and Ito)."""
_DASHES = ("solid", "dashed")
MOST = len(COLOURS) * len(_DASHES)
"""How many lines one picture holds."""

_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "forenbench",
    "text.parse_math": False,  # a dollar sign in a detector's name is no formula
    "font.size": 10.5,  # 12 pixels on a phone
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "lines.linewidth": 1.5,
}
_SIZE = (4.3, 3.7)
_CHANCE: Mapping[str, Any] = {"color": "#bbbbbb", "linewidth": 1}
_POINTS: Mapping[str, Any] = {"marker": "o", "markersize": 3.5}
_BANDS = 3
"""Detectors of whom bands of reliability can be told apart."""
_ODDS = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95)


@dataclass(frozen=True, slots=True)
class Style:
    """How a detector's line looks, in every picture of a page."""

    colour: str
    dash: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with words.

    Attributes:
        title: One line.
        source: A data URI.
        words: What is to be seen, also for those who cannot see it.
    """

    title: str
    source: str
    words: str


Lines = Mapping[str, Curves]
"""Curves by the detector's name, in the order of the legend."""


def styles(names: Sequence[str]) -> dict[str, Style]:
    """Give up to `MOST` names a look each."""
    return {
        name: Style(COLOURS[at % len(COLOURS)], _DASHES[at // len(COLOURS) % len(_DASHES)])
        for at, name in enumerate(names)
    }


def draw(lines: Lines, looks: Mapping[str, Style]) -> list[Chart]:
    """Draw ROC, precision-recall and DET curves, and reliability where scores are probabilities."""
    from scipy.special import ndtri  # the normal's quantiles; `scipy.stats` takes ten times as long to import

    charts: list[Chart] = []
    share = (-0.01, 1.01)  # so that a line along a border is seen whole
    words = "True positive rate at every false positive rate. The grey line is chance."
    with _picture(charts, "ROC", words) as axes:
        axes.plot([0, 1], [0, 1], **_CHANCE)
        for name, one in lines.items():
            axes.plot([0, *RATES], [0, *one.tpr], **_look(looks[name]))
        axes.set(xlabel="False positive rate", ylabel="True positive rate", xlim=share, ylim=share)
    words = "Precision at every recall. Chance is the fraction of fakes."
    with _picture(charts, "Precision and recall", words) as axes:
        for name, one in lines.items():
            axes.plot(RECALLS, one.precision, **_look(looks[name]))
        axes.set(xlabel="Recall", ylabel="Precision", xlim=share, ylim=share)
    words = (
        "ROC by its two kinds of error, stretched so that small ones can be seen. Lower left is better. "
        "Rates below one false positive in all reals are drawn, not measured."
    )
    with _picture(charts, "Detection error trade-off", words) as axes:
        # Axes of normal deviates (Martin et al. 1997): 0 and 1 lie infinitely far away, so errors are cut.
        ends = ndtri([_ODDS[0], _ODDS[-1]])
        axes.plot(ends, -ends, **_CHANCE)
        for name, one in lines.items():
            errors = np.clip([RATES, 1 - one.tpr], _ODDS[0], 1 - 1e-6)
            axes.plot(*ndtri(errors), **_look(looks[name]))
        axes.set(xlabel="False positive rate (%)", ylabel="False negative rate (%)", xlim=ends, ylim=ends)
        ticks = [f"{'≤' if odds == _ODDS[0] else ''}{100 * odds:g}" for odds in _ODDS]
        axes.set_xticks(ndtri(_ODDS), ticks)
        axes.set_yticks(ndtri(_ODDS), ticks)
    bins = {name: one.bins for name, one in lines.items() if one.bins is not None}
    if bins:
        _draw_reliability(charts, {name: points(one) for name, one in bins.items()}, looks)
    return charts


@dataclass(frozen=True, slots=True)
class Levels:
    """A metric by level of a perturbation.

    Attributes:
        kind: Of perturbation, with the name of its value.
        names: Of the levels, along the axis in this order.
        metric: What is drawn.
        means: By detector: a percentage for each level, NaN for none.
    """

    kind: str
    names: Sequence[str]
    metric: str
    means: Mapping[str, Sequence[float]]


def draw_levels(levels: Levels, words: str, looks: Mapping[str, Style]) -> Chart:
    """Draw a metric by level of a perturbation."""
    charts: list[Chart] = []
    with _picture(charts, f"{levels.kind}, {levels.metric.lower()}", words) as axes:
        at = range(len(levels.names))  # by rank: values such as jpeg:95, 50 and 5 are not evenly spaced
        for name, values in levels.means.items():
            axes.plot(at, values, **_POINTS, **_look(looks[name]))
        axes.set(ylabel=f"{levels.metric} (%)", xlabel=levels.kind, ylim=(0, 102))
        axes.set_xticks(at, levels.names)
    return charts[0]


def _draw_reliability(
    charts: list[Chart], several: Mapping[str, Sequence[Point]], looks: Mapping[str, Style]
) -> None:
    """Draw each detector's points with their intervals, as a band or as a bar each."""
    sparse = any(point.images < ENOUGH for found in several.values() for point in found)
    words = (
        "Whether a score of 0.8 means that 80 % of such images are fake, as on the grey line. Neighbouring "
        f"bins are joined until each point stands for {ENOUGH} images or more"
        f"{'; a hollow point has fewer' if sparse else ''}. "
        "Bands, or bars, are Wilson's 95 % intervals, too narrow where several images come from one origin."
    )
    with _picture(charts, "Reliability", words) as axes:
        axes.plot([0, 1], [0, 1], **_CHANCE)
        for name, found in several.items():
            colour = looks[name].colour
            predicted, observed, low, high = ([point[field] for point in found] for field in range(4))
            if len(several) <= _BANDS and len(found) > 1:
                axes.fill_between(predicted, low, high, color=colour, alpha=0.15, linewidth=0)
            else:
                axes.vlines(predicted, low, high, color=colour, linewidth=0.9, alpha=0.5)
            fills = [colour if point.images >= ENOUGH else "white" for point in found]
            axes.plot(predicted, observed, **_look(looks[name]))
            axes.scatter(predicted, observed, s=13, facecolors=fills, edgecolors=colour, zorder=3)
        axes.set(xlabel="Mean predicted probability", ylabel="Fraction of fakes")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))


@contextmanager
def _picture(charts: list[Chart], title: str, words: str) -> Iterator[Axes]:
    """Give axes to draw one picture on; when that is done, it is a data URI among the charts."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # No pyplot: it would look for a display and keep every figure.
    with rc_context(_SETTINGS):
        figure, buffer = Figure(figsize=_SIZE, layout="constrained"), BytesIO()
        yield figure.subplots()
        # Without a date, and with a fixed salt of its ids, the same numbers give the same file.
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(buffer, metadata=metadata)
    source = "data:image/svg+xml;base64," + b64encode(buffer.getvalue()).decode()
    charts.append(Chart(title, source, words))


def _look(style: Style) -> dict[str, Any]:
    return {"color": style.colour, "linestyle": style.dash}
