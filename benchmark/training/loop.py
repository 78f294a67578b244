"""The training loop: resumable at any moment, with the result of an uninterrupted run."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from forenbench.errors import BenchError
from forenbench.files.atomic import replacing

from .examples import Examples, labels
from .loader import Loader, TrainingBatch, paired, shuffled
from .processes import Processes
from .randomness import LAYERS, TRAIN, Read, draws
from .recipes import TrainingRecipe
from .schedules import Stage
from .state import Position, TrainingSettings, refuse_other

PRECISIONS = ("fp32", "bf16")
STATE = "last.pt"

Report = Callable[[str, int, int, Mapping[str, float]], None]
"""Called with what is done, step, steps and numbers such as the loss."""


class Loop(ABC):
    """One training: its epochs, its state on disk, and what becomes of the end of each.

    Args:
        read: From a training file's bytes to a tensor, in worker processes.
        recipe: How.
        examples: Training images.
        settings: The rest.
        processes: This process among those that train together.
    """

    def __init__(
        self,
        read: Read,
        recipe: TrainingRecipe,
        examples: Examples,
        settings: TrainingSettings,
        processes: Processes,
    ) -> None:
        self.read, self.recipe, self.examples = read, recipe, examples
        self.settings, self.processes = settings, processes
        self.device = torch.device(processes.device)
        self.position = Position(Stage(recipe.rate))

    @abstractmethod
    def step(self, batch: TrainingBatch, group: list[int]) -> Mapping[str, float]:
        """Do one step, and return its losses; one that is no number ends the training.

        Args:
            batch: This process's share.
            group: The indices of the whole batch.
        """

    @abstractmethod
    def set_rate(self, rate: float) -> None:
        """Set the learning rate of an epoch."""

    @abstractmethod
    def end_epoch(self, row: dict[str, float], report: Report) -> bool:
        """Validate, add what is found to the epoch's row, move the schedule on; return whether it is kept."""

    @abstractmethod
    def content(self) -> dict[str, Any]:
        """Return the networks' and the optimisers' state: numbers, lists and tensors."""

    @abstractmethod
    def restore(self, content: dict[str, Any]) -> None:
        """Take such a state back."""

    @abstractmethod
    def published(self) -> dict[str, Any]:
        """Return the content of the checkpoint file."""

    @property
    def state_file(self) -> Path:
        """Everything a killed training needs to go on."""
        return self.settings.folder / STATE

    @property
    def result_file(self) -> Path:
        """The checkpoint of the kept epoch, in its published format."""
        return self.settings.folder / "kept.pth"

    @property
    def last(self) -> bool:
        """Whether the epoch that runs is the recipe's last."""
        return self.position.epoch + 1 == self.recipe.epochs

    def resume(self) -> None:
        """Go on from the state on the disk, if there is one.

        Raises:
            BenchError: It is another training's.
        """
        if self.state_file.is_file():
            content = torch.load(self.state_file, map_location=self.device, weights_only=True)
            refuse_other(content["identity"], self.settings.identity, self.settings.folder)
            self.restore(content)
            stage = Stage(**content["position"].pop("stage"))
            self.position = Position(stage, **content["position"])

    def run(self, report: Report) -> Position:
        """Train to the end; the kept epoch's checkpoint is then in `result_file`.

        Raises:
            BenchError: A loss or a validation score is no number.
        """
        position, recipe = self.position, self.recipe
        torch.backends.cudnn.allow_tf32 = False  # as in scoring; --precision bf16 is the way to be faster
        self._publish()  # the epoch's end may have been all that a kill left time for
        loader = self.loader(self.read, self.examples, TRAIN)
        while not position.stage.stop and position.epoch < recipe.epochs:
            if recipe.pairs:
                groups = paired(self.settings.seed, position.epoch, labels(self.examples), recipe.batch)
            else:
                number = len(self.examples.items)
                groups = shuffled(self.settings.seed, position.epoch, number, recipe.batch)
            self.set_rate(position.stage.rate)
            # Every draw belongs to (seed, epoch, image), so that
            # a resumed epoch only leaves out what was done.
            left = groups[position.step :]
            # In a last batch smaller than the number of processes,
            # idle ones see an image that does not count.
            shares = [self.processes.share(group) or group[:1] for group in left]
            batches = loader.batches(position.epoch, shares, pinned=self.device.type == "cuda")
            started = time.monotonic()
            for group, batch in zip(left, batches, strict=True):
                with self._layers_draws():
                    losses = self.step(batch, group)
                for loss in losses.values():
                    self.finite(loss, f"the loss of step {position.step + 1}")
                position.add(losses, len(group))
                report(f"epoch {position.epoch + 1}", position.step, len(groups), losses)
                # Not after the last step: the epoch's end writes the state in any case.
                if position.step % self.settings.save_every == 0 and position.step < len(groups):
                    now = time.monotonic()
                    position.seconds, started = position.seconds + now - started, now
                    self._save()
            row = {"epoch": position.epoch + 1, "rate": position.stage.rate}
            row |= position.means(sum(map(len, groups)))
            kept = self.end_epoch(row, report)
            position.seconds += time.monotonic() - started
            position.close(row, kept=kept)
            self._save()  # first: an epoch that a kill makes run again may not be kept on a GPU
            self._publish()
        return position

    def finite(self, value: float, what: str) -> float:
        """Return the number if it is finite, else end the training.

        Raises:
            BenchError: It is not.
        """
        if not np.isfinite(value):
            raise BenchError(
                f"{what} in epoch {self.position.epoch + 1} is {value}; try a smaller learning rate"
            )
        return value

    def loader(self, read: Read, examples: Examples, purpose: int) -> Loader:
        """Make what reads examples."""
        return Loader(examples, read, self.settings.seed, purpose, self.settings.workers)

    @contextmanager
    def _layers_draws(self) -> Iterator[None]:
        """Make what layers draw themselves, such as dropout, a function of the step, as other draws are."""
        # They take torch's own generator, which knows nothing of seeds or of what was drawn before a kill.
        position, devices = self.position, [self.device] if self.device.type == "cuda" else []
        number = draws(self.settings.seed, LAYERS, position.epoch, position.step).integers(2**62)
        with torch.random.fork_rng(devices):
            torch.manual_seed(int(number) + self.processes.rank)  # each process has other images
            yield

    def _publish(self) -> None:
        """Write the network in its published format, if the epoch that just ended is the result so far."""
        position = self.position
        if self.processes.first and position.step == 0 and position.kept == position.epoch:
            _write(self.result_file, self.published())

    def _save(self) -> None:
        """Write the state; the first process does it for all."""
        # Numbers, lists and tensors alone: `torch.load` reads the state back with `weights_only`.
        if self.processes.first:
            content = {"identity": dict(self.settings.identity), **self.content()}
            _write(self.state_file, content | {"position": asdict(self.position)})


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a torch file whose bytes depend on its content alone: given a path, torch stores the name."""
    with replacing(path) as partial, partial.open("wb") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # a full disk, which torch's own complaint hides
                raise error.__context__ from None
            raise
