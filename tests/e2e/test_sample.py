"""What a newcomer sees first: ``bench run`` with no options, and once more."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from command_line import Bench

BOARD = Path(__file__).parents[2] / "results" / "leaderboard.csv"
"""What README shows as made by this command."""
FAMILIES = ["transposed", "nearest", "blurred", "superres", "vae", "diffusion"]


@pytest.mark.slow
def test_run_without_options_compares_lgrad_with_univfd_on_the_sample(
    bench: Bench,
) -> None:
    outcome = bench("run")
    assert outcome.code == 0
    folder = Path("results/runs/sample")
    rows = pd.concat([pd.read_parquet(path) for path in folder.glob("scores/**/*.parquet")])
    assert rows["detector"].nunique() == 6
    assert set(rows["status"]) == {"ok"}
    images = rows.groupby("detector")["label"].value_counts().unstack()
    assert (images == 210).all(axis=None)
    assert sorted(rows["testset"].unique()) == sorted(FAMILIES)

    table = pd.read_csv(folder / "tables/acc-ap.csv", header=[0, 1], index_col=[0, 1])
    assert list(dict.fromkeys(table.columns.get_level_values(0))) == [*FAMILIES, "Mean", "Std. dev.", "Worst"]
    trained_on = table.loc[("lgrad:nearest-gan", "sample"), ("nearest", "A.P.")]
    assert trained_on > 90, "the shipped LGrad does not know the family it was trained on"

    ours, kept = pd.read_csv(folder / "leaderboard.csv"), pd.read_csv(BOARD)
    numbers = list(kept.select_dtypes("number").columns)
    words = [name for name in kept if name not in (*numbers, "date")]
    pd.testing.assert_frame_equal(ours[words], kept[words])
    # Another kind of processor rounds otherwise: an image next to a threshold may change sides.
    pd.testing.assert_frame_equal(ours[numbers], kept[numbers], check_dtype=False, rtol=0, atol=0.5)

    again = bench("run")
    assert again.out == outcome.out
    assert "all 36 cells were done before" in again.err
