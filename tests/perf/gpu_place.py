"""Where the GPU check runs, and what a check is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where checks run: a torch device, and a folder for everything."""

    device: str
    root: Path

    @property
    def tiny(self) -> bool:
        """Whether there is no GPU: then everything is small."""
        return self.device == "cpu"

    def wait(self) -> None:
        """Wait until all is computed."""
        if not self.tiny:
            torch.cuda.synchronize(self.device)


@dataclass(frozen=True, slots=True)
class Check:
    """A check: its name, what finds the facts, the seconds it may take, and whether it needs a GPU."""

    name: str
    run: Callable[[Place], Facts]
    seconds: float
    needs_gpu: bool = False


def numbers(value: object) -> str:
    """Write a fact down, numbers with three digits."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {numbers(one)}" for name, one in value.items())
    return f"{value:.3g}" if isinstance(value, float) else str(value)
