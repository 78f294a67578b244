"""One row a detector, best first: the leaderboard as a pandas table, CSV and Markdown."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forenbench.errors import BenchError
from forenbench.files.atomic import write_text
from forenbench.metrics.bootstrap import Floats, average
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.metrics.metric_values import kept, rankings
from forenbench.metrics.spread import interval, witnesses
from forenbench.printable import for_csv, for_markdown
from forenbench.records.coverage import WRONG

from . import marks, ranking
from .cell_frame import CONTEST, DETECTOR
from .means import averaged
from .notes import of_added
from .rendering import as_markdown
from .table import Table

DECIMALS = 2
_BALANCED = 1.5
"""Up to so many images of one label for one of the other, A.P. is read like AUROC: chance is 40 to 60 %."""
_COUNTS = ["rank", "testsets", "images", "scored", "seen", "real", "fake"]
_ELSEWHERE = ["rank_by", "failed_as", "marks", "unranked", "checkpoints", "version"]
"""Columns that a page tells in other ways."""


def standings(cells: pd.DataFrame, rank_by: str = "ap") -> pd.DataFrame:
    """Rank detectors by a mean over the test sets with both labels, per dataset, protocol and perturbation.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        rank_by: One of `rankings`.

    Returns:
        Columns rank, ranks (those that the images leave open: ``1-2`` where first and second are not told
        apart), rank_by, detector, weights, dataset, protocol, perturbation, testsets, images, scored, seen
        (how many of the test sets the detector has seen in training), real, fake (how many images of each
        label), acc, ap, auroc, bacc (means over test sets, in percent) each with the ends of its 95 %
        interval (``ap_low``, ``ap_high``), failed_as, marks (the signs of all these numbers), unranked,
        checkpoints (first 12 digits of each file's sha256), version, date. Who lacks a test set or an image
        that others have has no rank, and `unranked` says why.

    Raises:
        BenchError: Another metric.
    """
    if rank_by not in rankings():
        raise BenchError(f"--rank-by '{rank_by}' is none of {', '.join(rankings())}")
    boards = [_contest(key, group, rank_by) for key, group in cells.groupby(CONTEST, sort=False)]
    return pd.concat(boards, ignore_index=True)


def remarks(cells: pd.DataFrame, board: pd.DataFrame) -> Iterator[str]:
    """Say what the ranks rest on, who has none, and where another metric would rank otherwise.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        board: What `standings` makes of them.
    """
    by = rankings()[board["rank_by"].iloc[0]]
    yield f"Ranked by mean {by} within each dataset, protocol and perturbation."
    if (cells["failed_as"] == WRONG).any():
        yield "Images without a score count as errors (--failed-as wrong)."
    for row in board[board["unranked"] != ""].to_dict("records"):
        yield f"No rank: {row['detector']} ({row['weights']}) on {_place(row)}: {row['unranked']}."
    for _, contest in board.groupby(CONTEST, sort=False):
        yield from _other_orders(cells, contest)
    yield from of_added(cells, (METRICS[name] for name in kept()))
    yield from marks.remarks(cells)


def lay_out(cells: pd.DataFrame, rank_by: str = "ap") -> Table:
    """Make a table of the leaderboard, without what stands in its notes or below provenance.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        rank_by: One of `rankings`.
    """
    board = standings(cells, rank_by).set_index("detector")
    ends = [name for name in _numbers() if name not in kept()]
    values = board.drop(columns=[*ends, *_ELSEWHERE])
    low, high = (
        board.reindex(columns=[f"{name}{end}" for name in values]).set_axis(values.columns, axis=1)
        for end in ("_low", "_high")
    )
    signs = pd.DataFrame({name: board["marks"] if name in _marked() else "" for name in values}, board.index)
    notes = tuple(remarks(cells, board.reset_index()))
    by = "average precision" if rank_by == "ap" else rankings()[rank_by]
    title = f"Detectors by mean {by}, ranked within each dataset and perturbation"
    return Table("leaderboard", title, values, notes, DECIMALS, low=low, high=high, marks=signs)


def write(cells: pd.DataFrame, folder: Path, rank_by: str = "ap") -> list[Path]:
    """Write ``leaderboard.csv`` and ``leaderboard.md``, with fixed order and decimals; return their paths.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        folder: Where they go.
        rank_by: One of `rankings`.
    """
    board = standings(cells, rank_by)
    text = _as_text(board)
    csv, markdown = folder / "leaderboard.csv", folder / "leaderboard.md"
    notes = "".join(f"{for_markdown(note)}\n" for note in remarks(cells, board))
    names = text.drop(columns=[*_numbers(), *_COUNTS])
    write_text(csv, text.assign(**names.map(for_csv)).to_csv(index=False, lineterminator="\n"))
    write_text(markdown, f"{as_markdown(_short(text))}\n{notes}")
    return [csv, markdown]


def _contest(key: Sequence[Hashable], cells: pd.DataFrame, rank_by: str) -> pd.DataFrame:
    """Rank the detectors of one dataset, protocol and perturbation."""
    whole = averaged(cells)
    reasons = ranking.why_unranked(whole, rank_by)
    groups = {tuple(map(str, name)): group for name, group in cells.groupby(DETECTOR, sort=False)}
    wanted = whole["testset"].nunique()
    rows = [
        dict(zip([*DETECTOR, *CONTEST], [*name, *key], strict=True))
        | _row(averaged(group), group, wanted)
        | {"unranked": reasons.get((name[0], name[1]), "no test set with both labels")}
        for name, group in groups.items()
    ]
    board = pd.DataFrame(rows)
    ranked = board.loc[board["unranked"] == "", rank_by]
    replicates: dict[Hashable, Floats] = {
        at: _replicates(averaged(group), rank_by) for at, group in enumerate(groups.values())
    }
    number = _witnesses(whole)
    board.insert(0, "rank", ranking.ranks(ranked).reindex(board.index))
    board.insert(
        1, "ranks", ranking.open_ranks(ranked, replicates, number).reindex(board.index, fill_value="")
    )
    board.insert(2, "rank_by", rank_by)
    return board.sort_values(["rank", "detector"], na_position="last")


def _row(group: pd.DataFrame, every: pd.DataFrame, wanted: int) -> dict[str, object]:
    """Average one detector's cells.

    Args:
        group: Those of test sets with both labels.
        every: All.
        wanted: How many test sets with both labels there are.
    """
    files = {name: sha for checkpoints in every["checkpoints"] for name, sha in checkpoints.items()}
    whole = 0 < len(group) == wanted
    return {
        "testsets": len(group),
        "images": int(group["images"].sum()),
        "scored": int(group["ok"].sum()),
        "seen": int(group["seen"].sum()),
        "real": int(group["reals"].sum()),
        "fake": int(group["fakes"].sum()),
        **{name: value for metric in kept() for name, value in _mean(group, metric, whole=whole)},
        "failed_as": WRONG if (group["failed_as"] == WRONG).any() else "",
        "marks": marks.together(group["marks"]),
        "checkpoints": " ".join(f"{name}={sha[:12]}" for name, sha in sorted(files.items())),
        "version": every["version"].iloc[0],
        "date": every["time"].max()[:10],
    }


def _mean(group: pd.DataFrame, metric: str, *, whole: bool) -> Iterator[tuple[str, float]]:
    """Average a metric over test sets, with the interval of the mean; nothing unless all are there."""
    mean = group[metric].mean(skipna=False) if whole else float("nan")
    yield metric, 100 * mean
    drawn = _replicates(group, metric) if whole else np.zeros(0)
    low, high = interval(drawn, mean, _witnesses(group))
    yield f"{metric}_low", 100 * low
    yield f"{metric}_high", 100 * high


def _witnesses(group: pd.DataFrame) -> int:
    """Count what the spread of a mean over cells is known from."""
    return witnesses(group[["real", "fake", "origins"]].to_dict("records"))


def _replicates(group: pd.DataFrame, metric: str) -> Floats:
    """Average a metric's replicates over test sets; none where a test set has none."""
    return average(group["replicates"], metric)


def _other_orders(cells: pd.DataFrame, contest: pd.DataFrame) -> Iterator[str]:
    """Say by which metrics the detectors of a contest with unbalanced labels would stand otherwise."""
    row = contest.iloc[0]
    behind = averaged(cells[(cells[CONTEST] == row[CONTEST]).all(axis=1)])
    counts = behind[["reals", "fakes"]]
    ranked = contest[contest["rank"].notna()]
    if not (counts.max(axis=1) > _BALANCED * counts.min(axis=1)).any():
        return
    for metric, name in rankings().items():
        ranks = ranking.ranks(ranked[metric])
        if metric != row["rank_by"] and (ranks != ranked["rank"]).any():
            order = ", ".join(ranked.assign(other=ranks).sort_values("other", kind="stable")["detector"])
            yield (
                f"The labels of {_place(row)} are not balanced ({row['real']} real, {row['fake']} fake), and "
                f"by {name} the order is another one: {order} (--rank-by {metric})."
            )


def _numbers() -> list[str]:
    """List the columns of means and of the ends of their intervals."""
    return [f"{metric}{end}" for metric in kept() for end in ("", "_low", "_high")]


def _marked() -> list[str]:
    """List the columns that have signs."""
    return ["rank", "ranks", *kept()]


def _place(row: pd.Series[Any] | dict[Hashable, Any]) -> str:
    """Name a contest."""
    return f"{row['dataset']} under {row['perturbation']}, protocol {row['protocol']}"


def _as_text(board: pd.DataFrame) -> pd.DataFrame:
    """Fix the decimals; undefined values become empty."""
    text = board.copy()
    for name in _numbers():
        text[name] = [f"{value:.{DECIMALS}f}" if pd.notna(value) else "" for value in board[name]]
    text["rank"] = [str(value) if pd.notna(value) else "" for value in board["rank"]]
    return text.astype(str)


def _short(text: pd.DataFrame) -> pd.DataFrame:
    """Put intervals and signs beside their values, and leave out what fills a page."""
    short = text.drop(columns=_ELSEWHERE)
    for metric in kept():
        low, high = short.pop(f"{metric}_low"), short.pop(f"{metric}_high")
        short[metric] = short[metric].where(low == "", short[metric] + " [" + low + ", " + high + "]")
    for name in _marked():
        short[name] = short[name].where(short[name] == "", short[name] + text["marks"])
    return short
