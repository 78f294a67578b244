"""The 95 % intervals of a cell, or of a mean over cells, drawn again image by image; for few images."""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from recompute import judge, masses
from scipy.stats import t
from sklearn import config_context

Judge = Callable[[pd.DataFrame, float, np.ndarray], dict[str, float | None]]

RANGES = {"mcc": (-1, 1), "nll": (0, np.inf), "nll_balanced": (0, np.inf)}
NEVER = ("ece", "oracle")


def intervals(*files: Path, judged: Judge = judge) -> dict[str, float]:
    again = [replicates(file, judged) for file in files]
    values, drawn = (sum(column) / len(files) for column in list(zip(*again, strict=True))[:2])
    number = min(one[2] for one in again)
    names = [name for name in drawn.columns if not name.startswith(NEVER)]
    if len(files) == 1:
        names = [name for name in names if enough(name, values, number, pd.read_parquet(files[0]))]
    found = {name: interval(drawn[name], values[name], number, *RANGES.get(name, (0, 1))) for name in names}
    return {f"{name}_{end}": value for name, ends in found.items() for end, value in ends.items()}


def interval(drawn: pd.Series, value: float, number: int, least: float, most: float) -> dict[str, float]:
    """Student's t on the scale of log(x - least) - log(most - x), or of the first alone."""
    if np.ptp(drawn.quantile([0.025, 0.975])) < 1e-9 or not least + 1e-9 < value < most - 1e-9:
        return {}
    gained = drawn.mean() - value
    error = drawn.std(ddof=0) * np.sqrt(number / (number - 1)) + abs(gained) / 2
    around = np.array([-1, 1]) * t.ppf(0.975, number - 1) * error - gained
    if np.isinf(most):
        low, high = np.exp(np.log(value) + around / value)
    else:
        share = (value - least) / (most - least)
        logit = np.log(share / (1 - share)) + around / (most - least) / (share * (1 - share))
        low, high = least + (most - least) / (1 + np.exp(-logit))
    return {"low": min(low, value), "high": max(high, value)}


def enough(name: str, values: pd.Series, number: int, rows: pd.DataFrame) -> bool:
    real, fake = ((rows["label"] == label).sum() for label in (0, 1))
    tails = {
        "tpr_at_fpr1": real >= 500,
        "tpr_at_fpr5": real >= 100,
        "pd_at_fpr10": real >= 50,
        "fpr_at_tpr95": fake >= 100,
    }
    wrong = round((1 - values["acc"]) * len(rows))
    tails |= {"nll": wrong >= 2, "brier": wrong >= 1}
    sides = (values["real_acc"], real), (values["fake_acc"], fake)
    tails["nll_balanced"] = all(round((1 - share) * number) >= 2 for share, number in sides)
    few = "real_acc" if real < fake else "fake_acc"
    tails["bacc"] = real == fake or 0 < values[few] < 1
    unbalanced = min(real, fake) < 100 and max(real, fake) >= 3 * min(real, fake)
    tails["auroc"] = not unbalanced and (1 - values["auroc"]) * number >= 0.05
    return bool(tails.get(name, True))


def replicates(file: Path, judged: Judge) -> tuple[pd.Series, pd.DataFrame, int]:
    threshold = json.loads(file.with_suffix(".json").read_text())["identity"]["threshold"]
    rows = pd.read_parquet(file)
    edges = masses(rows)

    @cache  # of few origins the same come up again and again: 116 different draws in a thousand of five
    def once(places: tuple[int, ...]) -> dict[str, float | None]:
        return judged(rows.iloc[list(places)], threshold, edges)

    with config_context(skip_parameter_validation=True):  # half of the time that small samples take
        drawn = pd.DataFrame([once(tuple(sorted(one))) for one in draws(rows)], dtype=float)
    whole = pd.Series(judged(rows, threshold, edges), dtype=float)
    origins = rows["origin"].where(rows["origin"] != "", rows["path"])
    each = (origins if (rows["origin"] != "").any() else rows["path"]).groupby(rows["label"]).nunique()
    return whole.drop("ok"), drawn.drop(columns="ok"), int(each.min())


def draws(rows: pd.DataFrame) -> Iterator[np.ndarray]:
    """Yield the places of a thousand resamples: whole origins where images have some, else images."""
    origins, sides = rows["origin"].where(rows["origin"] != "", rows["path"]), []
    grouped = (rows["origin"] != "").any()
    for label in (0, 1):
        side = np.flatnonzero(rows["label"] == label)
        names = sorted(set(origins.iloc[side])) if grouped else rows["path"].iloc[side]
        text = "\n".join(["origins" if grouped else str(label), *names])
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
        streams = [np.random.Generator(np.random.SFC64([seed, block])) for block in range(4)]
        if grouped:
            place = np.searchsorted(names, origins.iloc[side])
            even = np.full(len(names), 1 / len(names))
            times = [time for one in streams for time in one.multinomial(len(names), even, 250)]
            sides.append([np.repeat(side, time[place]) for time in times])
        else:
            shape, last = (250, len(side)), len(side)
            sides.append([row for one in streams for row in side[one.integers(0, last, shape, np.uint32)]])
    yield from map(np.concatenate, zip(*sides, strict=True))
