"""The 95 % intervals of a cell's AP, AUROC and accuracy, drawn again image by image; for few images."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, average_precision_score, roc_auc_score


def intervals(file: Path) -> dict[str, float]:
    record, rows = json.loads(file.with_suffix(".json").read_text()), pd.read_parquet(file)
    fake, score, drawn = rows["label"] == 1, rows["score"].astype(float), []
    for label, side in enumerate([np.flatnonzero(~fake), np.flatnonzero(fake)]):
        names = f"{label}\n" + "\n".join(rows["path"].iloc[side])
        seed = int.from_bytes(hashlib.sha256(names.encode()).digest()[:8], "little")
        streams = [np.random.Generator(np.random.SFC64([seed, block])) for block in range(4)]
        drawn += [[side[one.integers(0, len(side), (250, len(side)), dtype=np.uint32)] for one in streams]]
    found = {}
    for name, metric in {
        "ap": average_precision_score,
        "auroc": roc_auc_score,
        "acc": accuracy_score,
    }.items():
        judged = score > record["identity"]["threshold"] if name == "acc" else score
        again = [metric(fake.iloc[one], judged.iloc[one]) for one in np.hstack([*map(np.vstack, drawn)])]
        if np.ptp(again) > 1e-12:
            low, high = np.quantile(again, [0.025, 0.975])
            value = metric(fake, judged)
            found |= {f"{name}_low": min(low, value), f"{name}_high": max(high, value)}
    return found
