"""Signs beside numbers, which the notes below a table explain: what a number rests on, if only in part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from forenbench.records.coverage import MISSING

from . import contamination
from .cell_frame import TESTSET, as_dicts

if TYPE_CHECKING:
    import pandas as pd

SEEN, PARTIAL, ONE_LABEL = "*", "†", "‡"
"""Seen in training; not all images were scored; the test set has reals only, or fakes only."""
AFTER, BOTH, UNDATED = "+", "±", "?"
"""Released after what the detector was trained on; some of several were; nobody knows (see `timeline`)."""
WORDS = {
    SEEN: "seen in training",
    PARTIAL: "not all images scored",
    ONE_LABEL: "one label only",
    AFTER: "released after training",
    BOTH: "partly released after training",
    UNDATED: "release not known",
}
"""What each sign means, for programs; all signs, in the order in which they stand beside a number."""
SIGNS = "".join(WORDS)


def of_cell(line: Mapping[str, Any]) -> str:
    """Return the signs of one cell, from what `forenbench.tables.measure` knows of it."""
    holds = {
        SEEN: line["seen"],
        # Where images without a score count as errors, nothing is left out.
        PARTIAL: line["ok"] < line["images"] and line["failed_as"] == MISSING,
        ONE_LABEL: not line["reals"] or not line["fakes"],
    }
    return "".join(sign for sign, so in holds.items() if so)


def together(several: Iterable[object]) -> str:
    """Return the signs of a number that rests on several cells: all of theirs; what is no text has none."""
    # In one order, so that equal sets of signs are equal texts. A blank of pandas, NaN, is no text.
    found = "".join(one for one in several if isinstance(one, str))
    return "".join(sign for sign in SIGNS if sign in found)


def remarks(cells: pd.DataFrame) -> Iterator[str]:
    """Explain the signs, if there are any."""
    yield from contamination.remark(cells, SEEN)
    columns = ["detector", *TESTSET, "reals", "fakes", "marks"]
    marked = [cell for cell in as_dicts(cells, columns) if cell["marks"]]
    partial = dict.fromkeys(cell["detector"] for cell in marked if PARTIAL in cell["marks"])
    if partial:
        yield (
            f"{PARTIAL} not all images were scored, and those left out may be the hardest ones: "
            f"{', '.join(partial)}. --failed-as wrong counts them as errors."
        )
    single = {
        f"{cell['dataset']}/{cell['testset']}": "fakes"
        if cell["fakes"]
        else "reals"
        if cell["reals"]
        else "tampered images"
        for cell in marked
        if ONE_LABEL in cell["marks"]
    }
    if single:
        told = ", ".join(f"{testset} ({label} only)" for testset, label in single.items())
        yield (
            f"{ONE_LABEL} test sets of one label: {told}. Their accuracy is the rate of that label alone; "
            "they are in no mean."
        )
