"""Who is ranked, and which ranks the images leave open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forenbench.metrics import rounding
from forenbench.metrics.bootstrap import Floats
from forenbench.metrics.comparison import bootstrap_p, holm
from forenbench.records.coverage import WRONG, unpack

from .cell_frame import DETECTOR

SIGNIFICANT = 0.05


def ranks(values: pd.Series[float]) -> pd.Series[int]:
    """Rank values, the highest first, equal ones alike; none for NaN."""
    return pd.Series(rounding.ranks(values.tolist()), values.index, dtype="Int64")


def open_ranks(
    values: pd.Series[float], replicates: Mapping[Hashable, Floats], number: int
) -> pd.Series[str]:
    """Say which ranks each detector may have: better are those that beat it, worse those that it beats.

    All pairs are compared on the same resamples, with Holm's correction.

    Args:
        values: Of each ranked detector, in percent.
        replicates: Of its value, as fractions.
        number: What their spread is known from (see `forenbench.metrics.spread.witnesses`).
    """
    order = values.sort_values(ascending=False).index
    pairs = list(combinations(order, 2))  # the first of a pair has the higher value
    p_values = holm(
        [
            bootstrap_p(
                (values[first] - values[second]) / 100,
                _difference(replicates[first], replicates[second]),
                number,
            )
            for first, second in pairs
        ]
    )
    apart = [pair for pair, p_value in zip(pairs, p_values, strict=True) if p_value < SIGNIFICANT]
    worse, better = Counter(first for first, _ in apart), Counter(second for _, second in apart)
    return pd.Series({row: _range(1 + better[row], len(order) - worse[row]) for row in order}, dtype=object)


def why_unranked(cells: pd.DataFrame, metric: str) -> dict[tuple[str, str], str]:
    """Say which detectors cannot be ranked, and why; the reason of the others is empty.

    Ranks rest on the same images. Who has no score for an image that another detector has one for has no
    rank, for it may have left out what it would have got wrong; that no detector scored it matters to none.

    Args:
        cells: Of one contest, all of test sets with both labels.
        metric: The column by which detectors are ranked.

    Returns:
        A reason by (detector, weights).
    """
    sets = list(dict.fromkeys(cells["testset"]))
    lacking = _lacking(cells)
    found: dict[tuple[str, str], str] = {}
    for (detector, weights), group in cells.groupby(DETECTOR, sort=False):
        mine = lacking.loc[group.index]
        blank = group.loc[group[metric].isna(), "testset"].tolist()
        if len(group) < len(sets):
            gone = [one for one in sets if one not in set(group["testset"])]
            reason = f"not run on {', '.join(gone)}"
        elif mine.isna().any():
            reason = f"other images than the others' of {', '.join(group.loc[mine.isna(), 'testset'])}"
        elif mine.sum():
            reason = f"{int(mine.sum())} images without a score that others scored"
        else:
            reason = f"no value on {', '.join(blank)}" if blank else ""
        found[str(detector), str(weights)] = reason
    return found


def _lacking(cells: pd.DataFrame) -> pd.Series[float]:
    """Count for each cell the images that it lacks and another one scored; NaN where its images are others.

    Which images a test set has is what most cells say, of equally many the newest.
    """
    groups: dict[str, list[Any]] = {}
    for cell in cells[["testset", "digest", "time", "unscored", "images", "failed_as"]].itertuples():
        groups.setdefault(str(cell.testset), []).append(cell)
    found: dict[Hashable, float] = {}
    for group in groups.values():
        most = _commonest(group)
        same = [cell for cell in group if cell.digest == most]
        nobody = np.logical_and.reduce(list(_unscored(same)))
        numbers = (int((lost & ~nobody).sum()) for lost in _unscored(same))
        found |= zip((cell.Index for cell in same), numbers, strict=True)
    return pd.Series(found, cells.index, dtype=float)


def _commonest(cells: Sequence[Any]) -> str:
    """Return the digest of images that most cells have, of equally many the newest."""
    newest: dict[str, str] = {cell.digest: cell.time for cell in sorted(cells, key=attrgetter("time"))}
    many: Counter[str] = Counter(cell.digest for cell in cells)
    return max(many, key=lambda digest: (many[digest], newest[digest], digest))


def _unscored(cells: Iterable[Any]) -> Iterator[NDArray[np.bool_]]:
    """Yield which images each cell has no score for, unless these count as errors."""
    for cell in cells:
        yield unpack("" if cell.failed_as == WRONG else cell.unscored, cell.images)


def _difference(first: Floats, second: Floats) -> Floats:
    """Compare two means on each resample; none where one has no replicates."""
    return first - second if first.size and second.size else np.zeros(0)


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
