"""What fits to one run make of a cell of another, from the Parquet files of both, with scikit-learn alone."""

from pathlib import Path

import numpy as np
import pandas as pd
from recompute import PARTS, decide
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss


def fitted(cell: Path, validation: list[Path]) -> dict[str, float | None]:
    rows = pd.concat(map(pd.read_parquet, validation)).drop_duplicates("path")
    fake, score = rows["label"] == 1, rows["score"].astype(float)
    tested = pd.read_parquet(cell)
    truth, called = tested["label"] == 1, tested["score"] > best_threshold(fake, score)
    shares = ("acc", "real_acc", "fake_acc", "bacc")
    found = {f"fitted_{name}": decide(truth, called)[name] for name in shares}
    raw = logit(tested["score"].astype(float).clip(2**-24, 1 - 2**-24)).to_numpy()
    for name, odds in maps(fake.to_numpy(), logit(score.clip(2**-24, 1 - 2**-24)).to_numpy(), raw).items():
        found[f"{name}_nll"] = np.logaddexp(0, np.where(truth, -odds, odds)).mean()
        part = pd.cut(expit(odds), PARTS, include_lowest=True)
        surplus = pd.Series(expit(odds) - truth).groupby(part, observed=True).sum()
        found[f"{name}_ece"] = surplus.abs().sum() / len(truth)
    return found


def best_threshold(fake: pd.Series, score: pd.Series) -> float:
    values = np.unique(score)
    cuts = [values[0] - 1, *(values[:-1] + values[1:]) / 2]
    accuracies = np.array([balanced_accuracy_score(fake, score > cut) for cut in cuts])
    best = np.flatnonzero(accuracies > accuracies.max() - 1e-9)
    return cuts[best[len(best) // 2]]


def maps(fake: np.ndarray, raw: np.ndarray, new: np.ndarray) -> dict[str, np.ndarray]:
    """Map new log odds as these and their labels teach it."""
    cost = minimize_scalar(lambda t: log_loss(fake, expit(raw / np.exp(t))), bounds=(-7, 7), method="bounded")
    targets = np.where(fake, (fake.sum() + 1) / (fake.sum() + 2), 1 / ((~fake).sum() + 2))
    twice, weights = np.r_[raw, raw][:, None], np.r_[targets, 1 - targets]
    platt = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10**4)
    platt.fit(twice, np.repeat([1, 0], len(raw)), weights)
    steps = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(raw, fake)
    found = {"temperature": new / np.exp(cost.x), "platt": platt.decision_function(new[:, None])}
    return found | {"isotonic": logit(steps.predict(new))}
