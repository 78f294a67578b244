"""One row a detector, best first: the leaderboard as a pandas table, CSV and Markdown."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path

import pandas as pd

from .atomic import write_text
from .rendering import as_markdown

DECIMALS = 2
_CONTEST = ["dataset", "protocol", "perturbation"]
_KEY = [*_CONTEST, "detector", "weights"]


def standings(cells: pd.DataFrame) -> pd.DataFrame:
    """Rank detectors by mean average precision over the test sets, per dataset, protocol and perturbation.

    Args:
        cells: As `forenbench.tables.measure` returns them.

    Returns:
        Columns rank, detector, weights, dataset, protocol, perturbation, testsets, images, scored, acc, ap,
        auroc (means over test sets, in percent), checkpoints (first 12 digits of each file's sha256),
        version, date. A detector that lacks a test set which others have gets no mean and no rank.
    """
    wanted = cells.groupby(_CONTEST)["testset"].transform("nunique")
    groups = cells.assign(wanted=wanted).groupby(_KEY, sort=False)
    rows = [_row(key, group) for key, group in groups]
    board = pd.DataFrame(rows)
    contests = board.groupby(_CONTEST, sort=False)
    board.insert(0, "rank", contests["ap"].rank(ascending=False, method="min").astype("Int64"))
    board.insert(0, "contest", contests.ngroup())
    order = ["contest", "rank", "detector"]
    return board.sort_values(order, na_position="last", ignore_index=True).drop(columns="contest")


def write(board: pd.DataFrame, folder: Path) -> list[Path]:
    """Write ``leaderboard.csv`` and ``leaderboard.md``, with fixed order and decimals; return their paths."""
    text = _as_text(board)
    csv, markdown = folder / "leaderboard.csv", folder / "leaderboard.md"
    write_text(csv, text.to_csv(index=False, lineterminator="\n"))
    write_text(markdown, as_markdown(text.drop(columns=["checkpoints", "version"])))
    return [csv, markdown]


def _row(key: Sequence[Hashable], group: pd.DataFrame) -> dict[str, object]:
    """Average one detector's cells."""
    dataset, protocol, perturbation, detector, weights = key
    complete = len(group) == group["wanted"].iloc[0]
    means = {
        name: group[name].mean(skipna=False) * 100 if complete else float("nan")
        for name in ("acc", "ap", "auroc")
    }
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
        **means,
        "checkpoints": " ".join(f"{name}={sha[:12]}" for name, sha in sorted(files.items())),
        "version": group["version"].iloc[0],
        "date": group["time"].max()[:10],
    }


def _as_text(board: pd.DataFrame) -> pd.DataFrame:
    """Fix the decimals; undefined values become empty."""
    text = board.copy()
    for name in ("acc", "ap", "auroc"):
        text[name] = [f"{value:.{DECIMALS}f}" if pd.notna(value) else "" for value in board[name]]
    text["rank"] = [str(value) if pd.notna(value) else "" for value in board["rank"]]
    return text.astype(str)
