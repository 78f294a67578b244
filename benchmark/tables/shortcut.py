"""What is left of a detector once files no longer tell the labels apart: raw, re-encoded, and no pixel.

Re-encoding the fakes of a set whose reals are JPEG, or whatever is no JPEG there, leaves pictures as they are
to the eye; where scores fall to chance with it, they were the containers'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pandas as pd

from forenbench.data.reencoding import is_of_single_files
from forenbench.metrics.metric_values import decimals, in_title, labelled

from . import marks
from .cell_frame import CELL, DETECTOR, MEAN, ROW, TESTSET, as_dicts, framed, in_order, key, several
from .means import NO_MEAN, Entry, entry, macro
from .notes import notes_on
from .table import NothingToShow, Table

_METRICS = ("ap", "bacc")
_RAW = "none"
_BASELINE = "metadata-only"  # not imported: `forenbench.audit` would come with every table
_ABSENT = f"{_BASELINE} is blank: 'bench audit' makes its rows in a run folder."
_NOTE = (
    f"raw: files as they are. {_BASELINE}: what properties of these files alone tell, cross-validated on "
    "this very test set. Between them single files are re-encoded: fake=jpeg:96 every fake, "
    "jpeg-like-reals what is not JPEG, at qualities of the test set's reals."
)


def table(cells: pd.DataFrame, chosen: Sequence[str] = ()) -> Table:
    """Lay out each detector's metrics on each test set: raw, with single files re-encoded, and metadata-only.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        chosen: Metrics in place of average precision and balanced accuracy.

    Returns:
        Values, shares in percent; rows by detector, weights and test set, then their mean (NaN where a test
        set with both labels lacks); NaN where a cell was not run or a metric is undefined.

    Raises:
        NothingToShow: No file of any cell was re-encoded by itself.
    """
    single = [name for name in dict.fromkeys(cells["perturbation"]) if is_of_single_files(name)]
    detectors = [one for one in in_order(cells, DETECTOR) if one[0] != _BASELINE]
    if not single or not detectors:
        raise NothingToShow(
            "no single files were re-encoded; 'bench run --equalise jpeg-like-reals,fake=jpeg:96' does so"
        )
    shown = cells[cells["perturbation"].isin([_RAW, *single])]
    baseline = next((one for one in in_order(shown, DETECTOR) if one[0] == _BASELINE), (_BASELINE, ""))
    testset, testsets = several(shown, TESTSET), in_order(shown, TESTSET)
    found = {key(cell, CELL): cell for cell in as_dicts(shown)}
    heads: dict[tuple[str, str], list[Entry]] = {}
    for (label, metric), (title, name) in product(
        labelled(*(chosen or _METRICS)).items(),
        {"raw": _RAW, **dict(zip(single, single, strict=True)), _BASELINE: _RAW}.items(),
    ):
        means = macro(shown, ROW, metric)
        column = heads.setdefault((label, title), [])
        for detector in detectors:
            who = baseline if title == _BASELINE else detector
            for where in testsets:
                cell = found.get((name, *who, *where))
                column.append(entry(cell, metric) if cell else NO_MEAN)
            if len(testsets) > 1:
                column.append(means.get((name, *who), NO_MEAN))
    last = len(TESTSET) - len(testset)
    wheres = [*testsets, *([MEAN] if len(testsets) > 1 else [])]
    rows = [(*detector, *where[last:]) for detector in detectors for where in wheres]
    frame, low, high, signs = framed(heads, rows, [*DETECTOR, *testset], "metric", "files")
    absent = [] if baseline in in_order(shown, DETECTOR) else [_ABSENT]
    notes = (_NOTE, *absent, *notes_on(shown), *marks.remarks(shown))
    title = "Raw files, files re-encoded one by one, and no pixel"
    title += f": {in_title(chosen)}" if chosen else " (%)"
    made = Table("shortcut", title, frame, notes, decimals(chosen or _METRICS))
    return replace(made, low=low, high=high, marks=signs, crowded=True)
