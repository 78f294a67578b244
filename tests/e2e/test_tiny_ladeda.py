"""Real published weights on real generated images, from the command line to the numbers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from command_line import Bench
from golden import SHARED
from sklearn.metrics import roc_auc_score

IMAGES, WEIGHTS = SHARED.parent / "real", SHARED / "tiny_ladeda_forensynths.pth"
AUROC = {"glide": 1.00, "dalle_mini": 0.74, "sd14": 0.87}
"""Of an independent implementation, ten pictures against ten; to two decimals, half rounded up."""


@pytest.mark.skipif(not (IMAGES.is_dir() and WEIGHTS.is_file()), reason=f"needs {IMAGES} and {WEIGHTS}")
def test_released_weights_reach_the_aurocs_that_others_measured(bench: Bench) -> None:
    options = ("--dataset", str(IMAGES), "--weights", f"tiny-ladeda={WEIGHTS}", "--device", "cpu")
    outcome = bench("run", "--detectors", "tiny-ladeda", *options)
    assert outcome.code == 0, outcome.err
    rows = pd.concat([pd.read_parquet(path) for path in Path().glob("results/**/scores/**/*.parquet")])
    assert len(rows) == 60
    assert set(rows["status"]) == {"ok"}
    measured = {
        name: round(roc_auc_score(one["label"], one["score"]) + 1e-9, 2)
        for name, one in rows.groupby("testset")
    }
    assert measured == AUROC
