"""Re-makes every file of `benchmark/sample/weights` from nothing: generators first, then the detectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from .build import build
from .detectors import load_split, train_detectors
from .handmade import train_handmade
from .learning import train_generators

Report = Callable[[str, int, int, Mapping[str, float]], None]
"""Called with what is trained, step, steps and the losses of that step."""


def train_all(out: Path, report: Report) -> None:
    """Train the six generators, make the train split with them, and train the detectors on it.

    Args:
        out: Where the weights go.
        report: Told of each step.
    """
    train_generators(out, report=report)
    with TemporaryDirectory() as folder:
        build(
            Path(folder),
            lambda done, total: report("train split", done, total, {}),
            split="train",
            weights=out,
        )
        split = load_split(Path(folder) / "train")
    train_detectors(split, out, report)
    train_handmade(split, out, report)
