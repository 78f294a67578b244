"""The 95 % intervals of a cell, or of a mean over cells, drawn again image by image; for few images."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from recompute import decide, judge, masses


def intervals(*files: Path) -> dict[str, float]:
    again = [replicates(file) for file in files]
    values, drawn = (sum(column) / len(files) for column in zip(*again, strict=True))
    low, high = np.minimum(drawn.quantile(0.025), values), np.maximum(drawn.quantile(0.975), values)
    known = (np.ptp(drawn, axis=0) > 1e-12) & (high - low > 1e-12)
    return {**low[known].add_suffix("_low"), **high[known].add_suffix("_high")}


def replicates(file: Path) -> tuple[pd.Series, pd.DataFrame]:
    threshold = json.loads(file.with_suffix(".json").read_text())["identity"]["threshold"]
    rows = pd.read_parquet(file)
    edges = masses(rows)
    whole = judge(rows, threshold, edges)
    drawn = pd.DataFrame([judge(rows.iloc[one], threshold, edges) for one in draws(rows)], dtype=float)
    for name in drawn.columns.intersection(["ece", "ece_mass"]):  # the basic bootstrap
        drawn[name] = (2 * whole[name] - drawn[name]).clip(0, 1)
    best, once = pd.DataFrame([decide_best(rows.iloc[one]) for one in draws(rows)]), decide_best(rows)
    for name in ("acc", "bacc", "real_acc", "fake_acc"):  # resamples have the best of all thresholds
        drawn[f"oracle_{name}"] = (best[name] + whole[f"oracle_{name}"] - once[name]).clip(0, 1)
    return pd.Series(whole, dtype=float).drop("ok"), drawn.drop(columns="ok")


def decide_best(rows: pd.DataFrame) -> dict[str, float | None]:
    score, fake = rows["score"], rows["label"] == 1
    thresholds = [-np.inf, *np.unique(score)]
    right = [((score > threshold) == fake).mean() for threshold in thresholds]
    return decide(fake, score > thresholds[int(np.argmax(right))])


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
