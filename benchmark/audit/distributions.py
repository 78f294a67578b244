"""A picture of an audit: how the properties of files are distributed, by label."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from forenbench.printable import printable
from forenbench.types import FAKE, REAL

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_LABELS = {REAL: ("real", "#0072b2"), FAKE: ("fake", "#d55e00")}
"""Blue and vermilion tell apart in every common kind of colour blindness (Okabe and Ito, 2008)."""

_KINDS = {
    "container": "container",
    "mode": "colour mode",
    "subsampling": "JPEG chroma",
    "table": "JPEG tables",
    "metadata": "metadata",
}
_AMOUNTS = {
    "quality": "JPEG quality",
    "width": "width",
    "height": "height",
    "aspect": "width / height",
    "bytes_per_pixel": "bytes per pixel",
}
_COLUMNS, _BARS, _BINS = 5, 6, 30


def draw(files: pd.DataFrame, title: str) -> bytes:
    """Draw ten properties of the whole images, real beside fake; a label's shares add up to 1.

    Args:
        files: As in `forenbench.audit.Audit.files`.
        title: Stands above.

    Returns:
        A PNG file.
    """
    from matplotlib.figure import Figure

    # A Figure without pyplot: no global state, no window system, and safe in a thread of a notebook.
    whole = files[files["problem"] == ""].drop_duplicates(["dataset", "path"])
    exif, icc = (
        whole[name].map({True: text, False: ""}) for name, text in (("exif", "EXIF"), ("icc", "ICC"))
    )
    whole = whole.assign(metadata=(exif + "+" + icc).str.strip("+"))
    figure = Figure(figsize=(15, 6), layout="constrained")
    axes = figure.subplots(2, _COLUMNS)
    for panel, (column, name) in zip(axes[0], _KINDS.items(), strict=True):
        _bars(panel, whole, column)
        panel.set_title(name)
    for panel, (column, name) in zip(axes[1], _AMOUNTS.items(), strict=True):
        _histogram(panel, whole, column)
        panel.set_title(name)
    for row in axes:
        row[0].set_ylabel("share of the label's files")
    counts = [f"{(whole['label'] == label).sum():,} {name}" for label, (name, _) in _LABELS.items()]
    # parse_math: a dataset called "a$b$c" would be taken for a formula, and fail to draw.
    figure.suptitle(printable(f"{title}: {', '.join(counts)} files"), parse_math=False)
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()


def _bars(panel: Axes, files: pd.DataFrame, column: str) -> None:
    """Draw shares of the most frequent values, all others as one; files that have no value are "none"."""
    values = files[column].where(files[column] != "", "none")
    common = list(values.value_counts().index[:_BARS])
    values = values.where(values.isin(common), "others")
    names = common + ["others"] * bool((values == "others").any())
    for label, (name, colour) in _LABELS.items():
        shares = values[files["label"] == label].value_counts(normalize=True).reindex(names, fill_value=0)
        centres = np.arange(len(names)) + 0.2 * (1 if label == FAKE else -1)
        panel.bar(centres, shares, 0.4, label=name, color=colour)
    slant = (30, "right") if len(names) > 2 else (0, "center")
    panel.set_xticks(range(len(names)), names, rotation=slant[0], ha=slant[1])
    middle, reach = (len(names) - 1) / 2, max(len(names), 3) / 2
    panel.set_xlim(middle - reach, middle + reach)
    panel.set_ylim(0, 1.05)


def _histogram(panel: Axes, files: pd.DataFrame, column: str) -> None:
    """Draw shares by value, both labels over the same bins; nothing where all files are the same.

    Where all values are whole, each bin is of as many whole numbers.
    """
    values = files[column].dropna()
    if values.nunique() < 2:
        text = f"{values.iloc[0]:g}\nin every file that has it" if len(values) else "no file has it"
        panel.text(0.5, 0.5, text, ha="center", va="center", transform=panel.transAxes)
        panel.set_axis_off()
        return
    edges = np.histogram_bin_edges(values, _BINS).tolist()
    if (values % 1 == 0).all():
        # Bins that hold 3 and 4 whole numbers in turn would show a comb that is not in the data.
        step = -(-(values.max() - values.min() + 1) // _BINS)
        edges = (np.arange(values.min(), values.max() + step + 1, step) - 0.5).tolist()
    for label, (_, colour) in _LABELS.items():
        of_label = files.loc[files["label"] == label, column]
        mine = of_label.dropna()
        # Over all files of the label: that few have the property at all is to be seen as well.
        weights = np.full(len(mine), 1 / max(1, len(of_label)))
        panel.hist(mine, edges, weights=weights, color=colour, alpha=0.3)
        panel.hist(mine, edges, weights=weights, color=colour, histtype="step", linewidth=1.5)
