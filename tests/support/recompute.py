"""A run's metrics from its Parquet files, with pandas and scikit-learn alone: python recompute.py RUN"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import metrics


def recompute(run: Path) -> pd.DataFrame:
    return pd.DataFrame(map(cell, sorted(run.glob("scores/*/*/*/*.parquet"))))


def cell(file: Path) -> dict[str, object]:
    record, rows = json.loads(file.with_suffix(".json").read_text()), pd.read_parquet(file)
    ok = rows[rows["status"] == "ok"]
    fake, score = ok["label"] == 1, ok["score"].astype(float)
    called = score > record["identity"]["threshold"]
    found = {"images": len(rows), "ok": len(ok), "acc": (called == fake).mean()}
    found |= {"real_acc": 1 - called[~fake].mean(), "fake_acc": called[fake].mean()}
    found |= {"bacc": metrics.balanced_accuracy_score(fake, called), "f1": metrics.f1_score(fake, called)}
    found["mcc"] = metrics.matthews_corrcoef(fake, called) if 0 < called.mean() < 1 else None
    found["ap"] = metrics.average_precision_score(fake, score)
    found["auroc"] = metrics.roc_auc_score(fake, score)
    fpr, tpr, _ = metrics.roc_curve(fake, score, drop_intermediate=False)
    line = np.linspace(0, 1, 10**6)
    found["eer"] = line[np.argmin(abs(np.interp(line, fpr, 1 - tpr) - line))]
    found |= {f"tpr_at_fpr{limit}": tpr[fpr <= limit / 100].max() for limit in (1, 5)}
    found["fpr_at_tpr95"] = fpr[tpr >= 0.95].min()
    if record["identity"]["threshold"] == 0.5 and score.between(0, 1).all():
        part = pd.cut(score, np.linspace(0, 1, 16), include_lowest=True)
        found["ece"] = (score - fake).groupby(part, observed=True).sum().abs().sum() / len(ok)
        found["brier"] = metrics.mean_squared_error(fake, score)
    return record["cell"] | found


if __name__ == "__main__":
    print(recompute(Path(sys.argv[1])).to_csv(index=False))
