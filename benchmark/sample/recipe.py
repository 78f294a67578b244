"""Re-makes every file of `benchmark/sample/weights` from nothing: generators first, then the detectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from .build import build
from .detectors import train_detectors
from .learning import train_generators
from .spectral import fit_spectral

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
        train_detectors(Path(folder) / "train", out, report)
        fit_spectral(Path(folder) / "train", out)
