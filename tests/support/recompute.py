"""A run's metrics from its Parquet files, with pandas and scikit-learn alone: python recompute.py RUN"""

import json
import sys
from pathlib import Path

import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score


def recompute(run: Path) -> pd.DataFrame:
    cells = []
    for file in sorted(run.glob("scores/*/*/*/*.parquet")):
        record = json.loads(file.with_suffix(".json").read_text())
        rows = pd.read_parquet(file)
        ok = rows[rows["status"] == "ok"]
        label, score = ok["label"], ok["score"].astype(float)
        right = (score > record["identity"]["threshold"]) == (label == 1)
        metrics = {
            "acc": right.mean(),
            "real_acc": right[label == 0].mean(),
            "fake_acc": right[label == 1].mean(),
        }
        metrics |= {"ap": average_precision_score(label, score), "auroc": roc_auc_score(label, score)}
        cells.append({**record["cell"], "images": len(rows), "ok": len(ok), **metrics})
    return pd.DataFrame(cells).set_index(["detector", "dataset", "testset", "perturbation"])


if __name__ == "__main__":
    print(recompute(Path(sys.argv[1])).to_csv())
