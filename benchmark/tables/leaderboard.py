"""One row a detector, best first: the leaderboard as a pandas table, CSV and Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from forenbench.atomic import write_text
from forenbench.statistics.bootstrap import Floats, average
from forenbench.statistics.comparison import bootstrap_p, holm
from forenbench.statistics.rounding import ranks
from forenbench.statistics.spread import interval, witnesses

from .rendering import as_markdown

DECIMALS = 2
SIGNIFICANT = 0.05
_CONTEST = ["dataset", "protocol", "perturbation"]
_KEY = [*_CONTEST, "detector", "weights"]
_METRICS = ("acc", "ap", "auroc")
_NUMBERS = [f"{metric}{end}" for metric in _METRICS for end in ("", "_low", "_high")]


def standings(cells: pd.DataFrame) -> pd.DataFrame:
    """Rank detectors by mean average precision over the test sets, per dataset, protocol and perturbation.

    Args:
        cells: As `forenbench.tables.measure` returns them.

    Returns:
        Columns rank, ranks (those that the images leave open: ``1-2`` where first and second are not told
        apart), detector, weights, dataset, protocol, perturbation, testsets, images, scored, seen (how many
        of the test sets the detector has seen in training), acc, ap, auroc (means over test sets, in percent)
        each with the ends of its 95 % interval (``ap_low``, ``ap_high``), checkpoints (first 12 digits of
        each file's sha256), version, date. A detector that lacks a test set which others have gets no mean
        and no rank.
    """
    wanted = cells.groupby(_CONTEST)["testset"].transform("nunique")
    groups = dict(iter(cells.assign(wanted=wanted).groupby(_KEY, sort=False)))
    board = pd.DataFrame([_row(key, group) for key, group in groups.items()])
    board["replicates"] = pd.Series(
        [_mean_replicates(group, "ap") for group in groups.values()], dtype=object
    )
    board["witnesses"] = [_witnesses(group) for group in groups.values()]
    contests = board.groupby(_CONTEST, sort=False)
    board.insert(
        0,
        "rank",
        contests["ap"].transform(lambda means: pd.Series(ranks(means.tolist()), means.index, dtype="Int64")),
    )
    board.insert(1, "ranks", "")
    board.insert(0, "contest", contests.ngroup())
    for _, contest in contests:
        for row, left_open in _open_ranks(contest).items():
            board.loc[row, "ranks"] = left_open
    order = ["contest", "rank", "detector"]
    board = board.sort_values(order, na_position="last", ignore_index=True)
    return board.drop(columns=["contest", "replicates", "witnesses"])


def write(board: pd.DataFrame, folder: Path) -> list[Path]:
    """Write ``leaderboard.csv`` and ``leaderboard.md``, with fixed order and decimals; return their paths."""
    text = _as_text(board)
    csv, markdown = folder / "leaderboard.csv", folder / "leaderboard.md"
    write_text(csv, text.to_csv(index=False, lineterminator="\n"))
    write_text(markdown, as_markdown(_short(text)))
    return [csv, markdown]


def _row(key: Sequence[Hashable], group: pd.DataFrame) -> dict[str, object]:
    """Average one detector's cells."""
    dataset, protocol, perturbation, detector, weights = key
    files = {name: sha for checkpoints in group["checkpoints"] for name, sha in checkpoints.items()}
    return {
        "detector": detector,
        "weights": weights,
        "dataset": dataset,
        "protocol": protocol,
        "perturbation": perturbation,
        "testsets": len(group),
        "images": int(group["images"].sum()),
        "scored": int(group["ok"].sum()),
        "seen": int(group["seen"].sum()),
        **{name: value for metric in _METRICS for name, value in _mean(group, metric)},
        "checkpoints": " ".join(f"{name}={sha[:12]}" for name, sha in sorted(files.items())),
        "version": group["version"].iloc[0],
        "date": group["time"].max()[:10],
    }


def _mean(group: pd.DataFrame, metric: str) -> Iterator[tuple[str, float]]:
    """Average a metric over test sets, with the interval of the mean."""
    complete = len(group) == group["wanted"].iloc[0]
    mean = group[metric].mean(skipna=False) if complete else float("nan")
    yield metric, 100 * mean
    low, high = interval(_mean_replicates(group, metric), mean, _witnesses(group))
    yield f"{metric}_low", 100 * low
    yield f"{metric}_high", 100 * high


def _witnesses(group: pd.DataFrame) -> int:
    """Count what the spread of a detector's mean is known from."""
    return witnesses(group[["real", "fake", "origins"]].to_dict("records"))


def _mean_replicates(group: pd.DataFrame, metric: str) -> Floats:
    """Average a metric's replicates over test sets; none where a test set has no value."""
    whole = len(group) == group["wanted"].iloc[0]
    return average(group["replicates"], metric) if whole else np.zeros(0)


def _open_ranks(contest: pd.DataFrame) -> Mapping[Hashable, str]:
    """Say which ranks each detector may have: better are those that beat it, worse those that it beats.

    All pairs are compared on the same resamples, with Holm's correction.
    """
    ranked = contest[contest["rank"].notna()].sort_values("ap", ascending=False)
    means = dict(zip(ranked.index, zip(ranked["ap"] / 100, ranked["replicates"], strict=True), strict=True))
    pairs = list(combinations(ranked.index, 2))  # the first of a pair has the higher mean
    number = int(contest["witnesses"].min())
    p_values = holm([_p_value(means[first], means[second], number) for first, second in pairs])
    apart = [pair for pair, p_value in zip(pairs, p_values, strict=True) if p_value < SIGNIFICANT]
    worse, better = Counter(first for first, _ in apart), Counter(second for _, second in apart)
    return {row: _range(1 + better[row], len(ranked) - worse[row]) for row in ranked.index}


def _p_value(first: tuple[float, Floats], second: tuple[float, Floats], number: int) -> float:
    """Compare two means; without replicates nothing can be said."""
    (ours, drawn), (theirs, redrawn) = first, second
    return (
        bootstrap_p(ours - theirs, drawn - redrawn, number) if drawn.size and redrawn.size else float("nan")
    )


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _as_text(board: pd.DataFrame) -> pd.DataFrame:
    """Fix the decimals; undefined values become empty."""
    text = board.copy()
    for name in _NUMBERS:
        text[name] = [f"{value:.{DECIMALS}f}" if pd.notna(value) else "" for value in board[name]]
    text["rank"] = [str(value) if pd.notna(value) else "" for value in board["rank"]]
    return text.astype(str)


def _short(text: pd.DataFrame) -> pd.DataFrame:
    """Put intervals beside their values, and leave out what fills a page."""
    short = text.drop(columns=["checkpoints", "version"])
    for metric in _METRICS:
        low, high = short.pop(f"{metric}_low"), short.pop(f"{metric}_high")
        short[metric] = short[metric].where(low == "", short[metric] + " [" + low + ", " + high + "]")
    return short
