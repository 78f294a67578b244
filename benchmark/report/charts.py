"""Curves → pictures as data URIs, drawn by matplotlib without a window or any global state."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from .curves import RATES, RECALLS, Curves

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
    "text.parse_math": False,
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "lines.linewidth": 1.5,
}
_SIZE = (4.3, 3.7)
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


def draw(lines: Lines, looks: Mapping[str, Style]) -> Iterator[Chart]:
    """Draw ROC, precision-recall and DET curves, and reliability where scores are probabilities."""
    words = "True positive rate at every false positive rate. The grey line is chance."
    yield _picture("ROC", words, lambda axes: _roc(axes, lines, looks))
    words = "Precision at every recall. Chance is the fraction of fakes."
    yield _picture("Precision and recall", words, lambda axes: _precision(axes, lines, looks))
    words = (
        "ROC by its two kinds of error, stretched so that small ones can be seen. Lower left is better. "
        "Rates below one false positive in all reals are drawn, not measured."
    )
    yield _picture("Detection error trade-off", words, lambda axes: _det(axes, lines, looks))
    probable = {name: one.bins for name, one in lines.items() if one.bins is not None}
    if probable:
        words = "Whether a score of 0.8 means that 80 % of such images are fake, as on the grey line."
        yield _picture("Reliability", words, lambda axes: _reliability(axes, probable, looks))


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

    def paint(axes: Axes) -> None:
        places = range(len(levels.names))
        for name, values in levels.means.items():
            axes.plot(places, values, marker="o", markersize=3.5, **_look(looks[name]))
        axes.set(ylabel=f"{levels.metric} (%)", xlabel=levels.kind, ylim=(0, 102))
        axes.set_xticks(places, levels.names)

    return _picture(f"{levels.kind}, {levels.metric.lower()}", words, paint)


def _picture(title: str, words: str, paint: Callable[[Axes], None]) -> Chart:
    """Draw one picture as a data URI."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context(_SETTINGS):
        figure, buffer = Figure(figsize=_SIZE, layout="constrained"), BytesIO()
        paint(figure.subplots())
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(buffer, metadata=metadata)
    source = "data:image/svg+xml;base64," + b64encode(buffer.getvalue()).decode()
    return Chart(title, source, words)


def _roc(axes: Axes, lines: Lines, looks: Mapping[str, Style]) -> None:
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1)
    for name, one in lines.items():
        axes.plot([0, *RATES], [0, *one.tpr], **_look(looks[name]))
    axes.set(
        xlabel="False positive rate", ylabel="True positive rate", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01)
    )


def _precision(axes: Axes, lines: Lines, looks: Mapping[str, Style]) -> None:
    for name, one in lines.items():
        axes.plot(RECALLS, one.precision, **_look(looks[name]))
    axes.set(xlabel="Recall", ylabel="Precision")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))


def _det(axes: Axes, lines: Lines, looks: Mapping[str, Style]) -> None:
    from scipy.stats import norm

    low, high = norm.ppf(_ODDS[0]), norm.ppf(_ODDS[-1])
    axes.plot([low, high], [-low, -high], color="#bbbbbb", linewidth=1)
    for name, one in lines.items():
        errors = np.clip([RATES, 1 - one.tpr], _ODDS[0], 1 - 1e-6)
        axes.plot(*norm.ppf(errors), **_look(looks[name]))
    axes.set(
        xlabel="False positive rate (%)", ylabel="False negative rate (%)", xlim=(low, high), ylim=(low, high)
    )
    ticks = [f"{'≤' * (odds == _ODDS[0])}{100 * odds:g}" for odds in _ODDS]
    axes.set_xticks(norm.ppf(_ODDS), ticks)
    axes.set_yticks(norm.ppf(_ODDS), ticks)


def _reliability(axes: Axes, bins: Mapping[str, np.ndarray], looks: Mapping[str, Style]) -> None:
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1)
    for name, (images, scores, fakes) in bins.items():
        used = images > 0
        at, share = scores[used] / images[used], fakes[used] / images[used]
        axes.plot(at, share, marker="o", markersize=3.5, **_look(looks[name]))
    axes.set(
        xlabel="Mean predicted probability",
        ylabel="Fraction of fakes",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
    )


def _look(style: Style) -> dict[str, Any]:
    return {"color": style.colour, "linestyle": style.dash}
