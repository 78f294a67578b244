"""Where a training stands: what it needs, beside its network and optimiser, to go on after a kill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forenbench.errors import BenchError

from .schedules import Stage


@dataclass(frozen=True)
class TrainingSettings:
    """How one training runs, beside its recipe.

    Attributes:
        folder: For the state that a killed training goes on from.
        identity: What is trained; a state of anything else is refused.
        seed: Of every draw.
        keep: Which epoch becomes the result (see `TrainingRecipe.keep`).
        precision: "fp32", or "bf16" for autocast.
        workers: Processes that decode.
        save_every: Steps between two writings of the state (each epoch's end is one, too).
    """

    folder: Path
    identity: Mapping[str, Any]
    seed: int = 0
    keep: str = "best"
    precision: str = "fp32"
    workers: int = 0
    save_every: int = 500


@dataclass
class Position:
    """Where training stands; plain values, written with the networks' and the optimisers' state.

    Attributes:
        stage: Of the learning rate.
        epoch: Now running, from 0.
        step: Batches of it that are done.
        steps: Batches done in all.
        loss: Sum of the losses of this epoch's images so far.
        best: What validation said of the epoch that is the result so far, greater is better.
        kept: Epoch that is the result so far.
        history: One row of numbers an epoch.
        seconds: Spent so far.
        others: Sums as `loss`, of losses beside it, by name.
    """

    stage: Stage
    epoch: int = 0
    step: int = 0
    steps: int = 0
    loss: float = 0.0
    best: float = -1.0
    kept: int | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    others: dict[str, float] = field(default_factory=dict)

    def add(self, losses: Mapping[str, float], images: int) -> None:
        """Count one step's losses, the first of which is the loss itself."""
        (_, loss), *others = losses.items()
        self.loss += loss * images
        for name, value in others:
            self.others[name] = self.others.get(name, 0.0) + value * images
        self.step += 1
        self.steps += 1

    def means(self, images: int) -> dict[str, float]:
        """Return the epoch's losses, as means over its images."""
        return {"loss": self.loss / images} | {name: total / images for name, total in self.others.items()}

    def close(self, row: dict[str, float], *, kept: bool) -> None:
        """End an epoch, of which `row` is kept for the card."""
        self.history.append(row)
        self.kept = self.epoch + 1 if kept else self.kept
        self.epoch, self.step, self.loss, self.others = self.epoch + 1, 0, 0.0, {}


def refuse_other(found: Mapping[str, Any], wanted: Mapping[str, Any], where: Path) -> None:
    """Refuse to mix two trainings.

    Raises:
        BenchError: What is there was made with other settings; the message names the first.
    """
    # One difference is enough to tell the two apart; a recipe that is another one may have twenty.
    for name, here, asked in _differences(found, wanted):
        raise BenchError(
            f"'{where}' belongs to another training: its {name} is {here!r}, not {asked!r}. "
            "Choose another folder, or remove it"
        )


def _differences(
    found: Mapping[str, Any], wanted: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, object, object]]:
    """Yield what differs, by dotted names."""
    # Keys of both sides: a state of an older version may lack what is a setting by now.
    for key in {**found, **wanted}:
        here, asked = found.get(key), wanted.get(key)
        if isinstance(here, Mapping) and isinstance(asked, Mapping):
            yield from _differences(here, asked, f"{prefix}{key}.")
        elif here != asked:
            yield f"{prefix}{key}", here, asked
