"""Scores of another tool, imported as a CSV file: seconds and memory, all tables included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from measuring import MIB, bench, scaled, title, value
from workloads import workplace

ROWS, GENERATORS = 500_000, 25


def write(file: Path, number: int) -> None:
    """Write scores of as many real as fake images, of which each generator has a share of its own."""
    number = number // (2 * GENERATORS) * 2 * GENERATORS
    made_by = np.repeat([f"gen{one:02d}" for one in range(GENERATORS)], number // GENERATORS)
    label = np.arange(number) % 2
    score = np.clip(np.random.default_rng(0).normal(0.35 + 0.3 * label, 0.2), 0, 1)
    paths = [
        f"{one}/{is_fake}/{at:06d}.png" for at, (one, is_fake) in enumerate(zip(made_by, label, strict=True))
    ]
    frame = pd.DataFrame({"path": paths, "label": label, "score": score, "generator": made_by})
    frame.to_csv(file, index=False, float_format="%.6f")


def main() -> None:
    title(f"bench import of {ROWS:,} rows, {GENERATORS} generators, all tables included")
    with workplace() as root:
        write(root / "scores.csv", scaled(ROWS, 5000))
        for number in range(3):
            out = f"run{number}"
            done = bench("import", "scores.csv", "--detector", "other", "--out", out, folder=root)
            value("seconds", done.seconds, "s")
            value("processor time, all processes", done.processors, "s")
            value("peak memory", done.peak / MIB, "MiB")


if __name__ == "__main__":
    main()
