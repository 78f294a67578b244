"""What the files of each label are like, in words: one line for each test set and label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from forenbench.types import FAKE, REAL

if TYPE_CHECKING:
    import pandas as pd

TESTSET = ["dataset", "testset"]
NAMES = {REAL: "real", FAKE: "fake"}
_SHOWN = 3


def describe(files: pd.DataFrame) -> pd.DataFrame:
    """Describe the files of each test set and label.

    Args:
        files: As in `forenbench.audit.Audit.files`.

    Returns:
        One row for each test set and label; columns ``dataset``, ``testset``, ``label`` (real or fake), then
        the properties, as text. Of whole images, but for the counts ``files`` and ``broken``.
    """
    import pandas as pd

    rows = []
    for (dataset, testset), group in files.groupby(TESTSET, sort=False):
        for label, name in NAMES.items():
            mine = group[group["label"] == label]
            if mine.empty:
                continue
            whole = mine[mine["problem"] == ""]
            row = {"dataset": dataset, "testset": testset, "label": name, "files": str(len(mine))}
            row["broken"] = str(len(mine) - len(whole))
            rows.append(row | {name: describe(whole) for name, describe in PROPERTIES.items()})
    return pd.DataFrame(rows)


def shares(values: pd.Series) -> str:
    """Count values, most frequent first, all but three together: ``PNG 35, JPEG 4``; empty ones aside."""
    counts = values[values != ""].value_counts()
    shown = [f"{value} {number}" for value, number in counts.head(_SHOWN).items()]
    others = counts.iloc[_SHOWN:]
    return ", ".join([*shown, f"{len(others)} others {others.sum()}"] if len(others) else shown)


def size(files: pd.DataFrame) -> pd.Series:
    """Write width and height of each file: ``640×480``."""
    return files["width"].astype(str) + "×" + files["height"].astype(str)


def _spread(values: pd.Series, form: str) -> str:
    """Write minimum, median and maximum, or the one value that all have."""
    values = values.dropna()
    if values.empty:
        return ""
    texts = [format(value, form) for value in (values.min(), values.median(), values.max())]
    return texts[0] if len(set(texts)) == 1 else " / ".join(texts)


def _sizes(files: pd.DataFrame) -> str:
    """Write the smallest, median and largest size, by pixels."""
    if files.empty:
        return ""
    # By pixels: by width, 1000×10 would be larger than 640×480. A stable sort, for equal ones in a fixed
    # order.
    ordered = size(files.iloc[(files["width"] * files["height"]).to_numpy().argsort(kind="stable")])
    texts = [ordered.iloc[at] for at in (0, len(ordered) // 2, -1)]
    return texts[0] if len(set(texts)) == 1 else " / ".join(texts)


def _how_many(has: pd.Series) -> str:
    return f"{has.sum()} of {len(has)}"


PROPERTIES: Mapping[str, Callable[[pd.DataFrame], str]] = {
    "container": lambda files: shares(files["container"]),
    "colour mode": lambda files: shares(files["mode"]),
    "JPEG quality": lambda files: _spread(files["quality"], ".0f"),
    "JPEG tables": lambda files: shares(files["table"]),
    "JPEG chroma": lambda files: shares(files["subsampling"]),
    "size": _sizes,
    "most common size": lambda files: shares(size(files)),
    "aspect": lambda files: _spread(files["aspect"], ".2f"),
    "bytes per pixel": lambda files: _spread(files["bytes_per_pixel"], ".3f"),
    "EXIF": lambda files: _how_many(files["exif"]),
    "ICC profile": lambda files: _how_many(files["icc"]),
}
"""The properties by name, each a text about some whole files; of three numbers, the middle is the median."""
