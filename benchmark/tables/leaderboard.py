"""One row a detector, best first: the leaderboard as a pandas table, CSV and Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forenbench.errors import BenchError
from forenbench.files.atomic import explaining, write_text
from forenbench.metrics import rounding
from forenbench.metrics.bootstrap import average
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.metrics.metric_values import kept, rankings
from forenbench.metrics.spread import interval, witnesses
from forenbench.printable import for_csv, for_markdown
from forenbench.records.coverage import WRONG

from . import marks, ranking
from .cell_frame import CONTEST, DETECTOR, as_dicts, grouped, key
from .means import deviation, worst
from .notes import of_added, of_tampered
from .table import Table
from .texts import as_markdown

DECIMALS = 2
_BALANCED = 1.5
"""Up to so many images of one label for one of the other, A.P. is read like AUROC: chance is 40 to 60 %."""
_SUMS = {"images": "images", "scored": "ok", "seen": "seen", "real": "reals", "fake": "fakes"}
"""Columns that are sums over cells, and of which of theirs."""
_COUNTS = ["rank", "testsets", "images", "scored", "seen", "real", "fake"]
_OF_TESTSETS = ["std_dev", "worst"]
"""Columns that tell how the metric of the ranks differs between test sets."""
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
        interval (``ap_low``, ``ap_high``), std_dev, worst, worst_on (of what ranks are by: the deviation over
        test sets, the lowest value, and where), failed_as, marks (the signs of all these numbers), unranked,
        checkpoints (first 12 digits of each file's sha256), version, date. Who lacks a test set or an image
        that others have has no rank, and `unranked` says why.

    Raises:
        BenchError: Another metric.
    """
    if rank_by not in rankings():
        raise BenchError(f"rank_by '{rank_by}' is none of {', '.join(rankings())}")
    # By name, not by run: one that joins others adds its lines, and moves none, wherever its folder sorts it.
    contests = sorted(grouped(as_dicts(cells), CONTEST).items(), key=lambda one: _place(*one[0]))
    board = pd.DataFrame([row for _, contest in contests for row in _contest(contest, rank_by)])
    return board.astype({"rank": "Int64"})  # the one integer that may be missing


def remarks(cells: pd.DataFrame, board: pd.DataFrame) -> Iterator[str]:
    """Say what the ranks rest on, who has none, and where another metric would rank otherwise.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        board: What `standings` makes of them.
    """
    rank_by = board["rank_by"].iloc[0]
    yield f"Ranked by mean {rankings()[rank_by]} within each dataset, protocol and perturbation."
    if (cells["failed_as"] == WRONG).any():
        yield "Images without a score count as errors (--failed-as wrong)."
    yield from of_tampered(cells)
    rows = as_dicts(board)
    for (why,), some in grouped((row for row in rows if row["unranked"]), ["unranked"]).items():
        places: dict[str, list[str]] = {}
        for row in some:
            places.setdefault(_named(row), []).append(f"{row['detector']} ({row['weights']})")
        named = "; ".join(f"{', '.join(detectors)} on {place}" for place, detectors in places.items())
        yield f"No rank: {named}: {why}."
    # With nine reals for each fake, an A.P. of 10 % is chance: it and AUROC may rank detectors differently.
    unbalanced = set()
    for cell in as_dicts(cells, [*CONTEST, "reals", "fakes"]):
        fewer, more = sorted((cell["reals"], cell["fakes"]))
        if fewer and more > _BALANCED * fewer:  # a test set of one label is in no mean
            unbalanced.add(key(cell, CONTEST))
    ranked = grouped((row for row in rows if not row["unranked"]), CONTEST)
    others: dict[tuple[str, str], list[str]] = {}
    for contest, rows in ranked.items():
        for metric, name in rankings().items():
            ranks = rounding.ranks([row[metric] for row in rows])
            if contest in unbalanced and ranks != [row["rank"] for row in rows]:
                placed = sorted(zip(ranks, rows, strict=True), key=lambda pair: pair[0] or len(rows) + 1)
                first, order = rows[0], ", ".join(row["detector"] for _, row in placed)
                labels = f"{_named(first)} ({first['real']} real, {first['fake']} fake)"
                others.setdefault((f"by {name}", f"{order} (--rank-by {metric})"), []).append(labels)
    for (by, another), contests in others.items():
        where = "; ".join(contests)
        yield f"Labels are not balanced, and {by} the order is another one, on {where}: {another}."
    yield from of_added(cells, (METRICS[name] for name in kept()))
    yield from marks.remarks(cells)


def lay_out(cells: pd.DataFrame, rank_by: str = "ap") -> Table:
    """Make a table of the leaderboard, without what stands in its notes or below provenance.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        rank_by: One of `rankings`.
    """
    # Other than in the files, intervals and signs are frames of their own: each style shows them in its way.
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
    board, means = standings(cells, rank_by), [*_numbers(), *_OF_TESTSETS]
    text: dict[str, list[str]] = {}
    for name in map(str, board):
        values = board[name].tolist()
        if name in means:
            text[name] = ["" if value != value else f"{value:.{DECIMALS}f}" for value in values]
        else:
            text[name] = ["" if value is pd.NA else str(value) for value in values]
    # A spreadsheet would take words that begin like a formula for one; numbers have no such beginning.
    words = [name for name in text if name not in (*means, *_COUNTS)]
    safe = text | {name: list(map(for_csv, text[name])) for name in words}
    page = []
    for name in text:
        if name in _ELSEWHERE or (name in _numbers() and name not in kept()):
            continue
        column = text[name]
        if name in kept():
            ends = zip(column, text[f"{name}_low"], text[f"{name}_high"], strict=True)
            column = [f"{value} [{low}, {high}]" if low else value for value, low, high in ends]
        if name in _marked():
            column = [value and value + signs for value, signs in zip(column, text["marks"], strict=True)]
        page.append((name, column))
    notes = "".join(f"{for_markdown(note)}\n" for note in remarks(cells, board))
    csv, markdown = folder / "leaderboard.csv", folder / "leaderboard.md"
    with explaining(folder):  # Windows, for one, replaces no file that a spreadsheet has open
        write_text(csv, pd.DataFrame(safe).to_csv(index=False, lineterminator="\n"))
        write_text(markdown, f"{as_markdown(page)}\n{notes}")
    return [csv, markdown]


def _contest(cells: Sequence[dict[str, Any]], rank_by: str) -> list[dict[str, Any]]:
    """Rank the detectors of one dataset, protocol and perturbation: a row each, the best first."""
    groups = grouped(cells, DETECTOR)
    # Counts, means and ranks are over test sets with both labels: see `forenbench.tables.means.averaged`.
    both = {
        detector: [cell for cell in group if cell["reals"] and cell["fakes"]]
        for detector, group in groups.items()
    }
    behind = [cell for group in both.values() for cell in group]
    wanted, reasons = len({cell["testset"] for cell in behind}), ranking.why_unranked(behind, rank_by)
    # Who has no rank keeps its row: that it was left out, and why, is part of the result.
    rows = {}
    for detector, every in groups.items():
        group, means = both[detector], dict[str, float]()
        for metric in kept():
            mean, drawn = float("nan"), np.zeros(0)
            if 0 < len(group) == wanted:  # no mean over easier cells for who lacks one
                mean = float(np.mean([cell[metric] for cell in group]))
                drawn = average([cell["replicates"] for cell in group], metric)
            low, high = interval(drawn, mean, witnesses(group))
            means |= {metric: 100 * mean, f"{metric}_low": 100 * low, f"{metric}_high": 100 * high}
        lowest, where, _ = worst(group, rank_by, wanted)
        files = {name: sha for cell in every for name, sha in cell["checkpoints"].items()}
        rows[detector] = {
            "rank": None,
            "ranks": "",
            "rank_by": rank_by,
            **{name: every[0][name] for name in (*DETECTOR, *CONTEST)},
            "testsets": len(group),
            **{name: sum(cell[column] for cell in group) for name, column in _SUMS.items()},
            **means,
            "std_dev": deviation([100 * cell[rank_by] for cell in group]) if lowest else float("nan"),
            "worst": 100 * lowest.get(rank_by, float("nan")),
            "worst_on": where,
            "failed_as": WRONG if any(cell["failed_as"] == WRONG for cell in group) else "",
            "marks": marks.together(cell["marks"] for cell in group),
            # Twelve digits tell files apart; all 64 are in the records, and on the report's page.
            "checkpoints": " ".join(f"{name}={sha[:12]}" for name, sha in sorted(files.items())),
            "version": every[0]["version"],
            "date": max(cell["time"] for cell in every)[:10],
            "unranked": reasons.get(detector, "no test set with both labels"),
        }
    ranked = {detector: row[rank_by] for detector, row in rows.items() if not row["unranked"]}
    replicates = {name: average([cell["replicates"] for cell in both[name]], rank_by) for name in ranked}
    # Of all detectors together: the spread of a difference is known from no more images than they share.
    left_open = ranking.open_ranks(ranked, replicates, witnesses(behind))
    for detector, rank in zip(ranked, rounding.ranks(list(ranked.values())), strict=True):
        rows[detector] |= {"rank": rank, "ranks": left_open[detector]}
    return sorted(rows.values(), key=lambda row: (row["rank"] or len(rows) + 1, row["detector"]))


def _place(*contest: str) -> list[tuple[bool, list[str | int]]]:
    """Say where a contest stands: what is plain before what is not, and 75 before 100."""
    # Split by a pattern in brackets, texts and numbers take turns: like stands against like.
    parts = [
        [int(part) if at % 2 else part for at, part in enumerate(re.split("([0-9]+)", name))]
        for name in contest
    ]
    return [(name not in ("all", "none"), some) for name, some in zip(contest, parts, strict=True)]


def _named(row: Mapping[str, Any]) -> str:
    """Name a contest."""
    return f"{row['dataset']} under {row['perturbation']}, protocol {row['protocol']}"


def _numbers() -> list[str]:
    """List the columns of means and of the ends of their intervals."""
    return [f"{metric}{end}" for metric in kept() for end in ("", "_low", "_high")]


def _marked() -> list[str]:
    """List the columns that have signs."""
    return ["rank", "ranks", *kept(), *_OF_TESTSETS]
