"""Real published weights on real generated images, from the command line to the numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from command_line import Bench
from golden import SHARED
from sklearn.metrics import average_precision_score, roc_auc_score

IMAGES, WEIGHTS = SHARED.parent / "real", SHARED / "tiny_ladeda_forensynths.pth"
AUROC = {"glide": 1.00, "dalle_mini": 0.74, "sd14": 0.87}
"""Of an independent implementation, ten pictures against ten; to two decimals, half rounded up."""


README = Path(__file__).parents[2] / "README.md"


def told() -> dict[str, tuple[float, ...]]:
    """Read the finding of the README: A.P. (%) of each test set as it is, and after JPEG for both labels."""
    row = r"^\| (?:`(\w+)`|(mean) of these three) \| ([\d.]+) \| ([\d.]+) \|$"
    found = re.findall(row, README.read_text(encoding="utf-8"), re.MULTILINE)
    return {name or mean: (float(raw), float(equalised)) for name, mean, raw, equalised in found}


@pytest.mark.skipif(not (IMAGES.is_dir() and WEIGHTS.is_file()), reason=f"needs {IMAGES} and {WEIGHTS}")
def test_released_weights_reach_the_aurocs_that_others_measured_and_the_readme_s_finding(
    bench: Bench,
) -> None:
    options = ("--dataset", str(IMAGES), "--weights", f"tiny-ladeda={WEIGHTS}", "--device", "cpu")
    outcome = bench("run", "--detectors", "tiny-ladeda", "--equalise", "jpeg:96", *options)
    assert outcome.code == 0, outcome.err
    rows = pd.concat([pd.read_parquet(path) for path in Path().glob("results/**/scores/**/*.parquet")])
    assert set(rows["status"]) == {"ok"}
    raw = rows[rows["perturbation"] == "none"]
    assert len(raw) == 60
    measured = {
        name: round(roc_auc_score(one["label"], one["score"]) + 1e-9, 2)
        for name, one in raw.groupby("testset")
    }
    assert measured == AUROC
    aps = {
        name: [
            100 * average_precision_score(of[1]["label"], of[1]["score"])
            for of in one.groupby("perturbation")
        ]
        for name, one in rows.groupby("testset")
    }
    aps["mean"] = [sum(values) / len(AUROC) for values in zip(*aps.values(), strict=True)]
    for name, (none, jpeg) in told().items():
        assert aps.pop(name) == pytest.approx([jpeg, none], abs=0.05), name
    assert aps == {}
