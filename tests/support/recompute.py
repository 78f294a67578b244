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
    above = score > oracle(fake.to_numpy(), score.to_numpy())
    found |= {"oracle_acc": (above == fake).mean(), "oracle_fake_acc": above[fake].mean()}
    found["oracle_real_acc"] = 1 - above[~fake].mean()
    found["oracle_bacc"] = (found["oracle_real_acc"] + found["oracle_fake_acc"]) / 2
    if record["identity"]["threshold"] == 0.5 and score.between(0, 1).all():
        found |= {"brier": metrics.mean_squared_error(fake, score), "nll": nll(fake, score, ok["logit"])}
        edges = np.unique(score.quantile(np.linspace(0, 1, 16)[1:-1], interpolation="inverted_cdf"))
        parts = {"ece": pd.cut(score, np.linspace(0, 1, 16), include_lowest=True)}
        parts["ece_mass"] = np.searchsorted(edges, score)
        for name, part in parts.items():
            found[name] = (score - fake).groupby(part, observed=True).sum().abs().sum() / len(ok)
    return record["cell"] | found


def oracle(fake: np.ndarray, score: np.ndarray) -> float:
    """UnivFD's search, in quadratic time: the reals come first, and of the best scores the last one wins."""
    score = score[np.argsort(fake, kind="stable")]
    low, high = score[: len(score) // 2].max(), score[len(score) // 2 :].min()
    correct = [((score >= threshold) == np.sort(fake)).mean() for threshold in score]
    return (low + high) / 2 if low <= high else score[max(range(len(score)), key=lambda n: (correct[n], n))]


def nll(fake: pd.Series, score: pd.Series, logit: pd.Series) -> float | None:
    if logit.notna().all():
        return np.logaddexp(0, logit.astype(float).where(~fake, -logit)).mean()
    own = score.where(fake, 1 - score)
    return None if (own == 0).any() else -np.log(own).mean()


if __name__ == "__main__":
    print(recompute(Path(sys.argv[1])).to_csv(index=False))
