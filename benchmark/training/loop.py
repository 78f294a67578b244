"""The training loop: resumable at any moment, with the result of an uninterrupted run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from forenbench.errors import BenchError
from forenbench.files.atomic import replacing
from forenbench.metrics.classification import accuracy, average_precision

from .examples import Examples, labels
from .loader import Loader, TrainingBatch, in_order, shuffled
from .processes import Processes
from .randomness import TRAIN, VALIDATE, draws
from .recipes import TrainingRecipe
from .schedules import Stage
from .state import Position, TrainingSettings, refuse_other

if TYPE_CHECKING:
    from torch import Tensor

    from .learners import Learner, Randoms

OPTIMISERS: Mapping[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
PRECISIONS = ("fp32", "bf16")
STATE = "last.pt"

Report = Callable[[str, int, int, Mapping[str, float]], None]
"""Called with what is done, step, steps and numbers such as the loss."""


class Training:
    """One training: its state on disk, and the steps between.

    Args:
        learner: What is trained.
        recipe: How.
        data: Training images, and validation images where the recipe needs any.
        settings: The rest.
        processes: This process among those that train together.
    """

    def __init__(
        self,
        learner: Learner,
        recipe: TrainingRecipe,
        data: tuple[Examples, Examples | None],
        settings: TrainingSettings,
        processes: Processes,
    ) -> None:
        self.learner, self.recipe, self.settings, self.processes = learner, recipe, settings, processes
        self.examples, self.validation = data
        self.device = torch.device(processes.device)
        # Before the optimiser is made, which keeps hold of the parameters that it is given.
        learner.network.to(self.device)
        self.network = processes.parallel(learner.network)
        parameters = [weight for weight in learner.network.parameters() if weight.requires_grad]
        # No decay in AdamW either, which UniversalFakeDetect's networks/trainer.py has under the name "adam".
        make = OPTIMISERS[recipe.optimiser]
        self.optimiser = make(parameters, lr=recipe.rate, betas=recipe.betas, weight_decay=0.0)
        self.position = Position(Stage(recipe.rate))
        if learner.begun is not None:
            learner.begun.restore(self.optimiser)
            self.position.steps = learner.begun.steps
        # Last, for a state on disk holds all of that as it was further on.
        if self.state_file.is_file():
            content = torch.load(self.state_file, map_location=self.device, weights_only=True)
            refuse_other(content["identity"], settings.identity, settings.folder)
            learner.network.load_state_dict(content["network"])
            self.optimiser.load_state_dict(content["optimiser"])
            stage = Stage(**content["position"].pop("stage"))
            self.position = Position(stage, **content["position"])

    @property
    def state_file(self) -> Path:
        """Everything a killed training needs to go on."""
        return self.settings.folder / STATE

    @property
    def result_file(self) -> Path:
        """The checkpoint of the kept epoch, in its published format."""
        return self.settings.folder / "kept.pth"

    def run(self, report: Report) -> Position:
        """Train to the end; the kept epoch's checkpoint is then in `result_file`.

        Raises:
            BenchError: A loss or a validation score is no number.
        """
        position, recipe, processes = self.position, self.recipe, self.processes
        torch.backends.cudnn.allow_tf32 = False  # as in scoring; --precision bf16 is the way to be faster
        self._publish()  # the epoch's end may have been all that a kill left time for
        loader = self._loader(self.examples, TRAIN)
        while not position.stage.stop and position.epoch < recipe.epochs:
            groups = shuffled(self.settings.seed, position.epoch, len(self.examples.items), recipe.batch)
            for parameters in self.optimiser.param_groups:
                parameters["lr"] = position.stage.rate
            # Every draw belongs to (seed, epoch, image), so that
            # a resumed epoch only leaves out what was done.
            left = groups[position.step :]
            # In a last batch smaller than the number of processes,
            # idle ones see an image that does not count.
            shares = [processes.share(group) or group[:1] for group in left]
            batches = loader.batches(position.epoch, shares, pinned=self.device.type == "cuda")
            started = time.monotonic()
            for group, batch in zip(left, batches, strict=True):
                self.network.train()  # validation left it in evaluation mode
                randoms = [draws(self.settings.seed, TRAIN, position.epoch, index) for index in batch.indices]
                logits = self._logits(batch, randoms, self.network)
                truth = batch.labels.to(self.device)
                summed = functional.binary_cross_entropy_with_logits(logits, truth, reduction="sum")
                # DDP averages over processes: their number makes it the sum, the batch's size the mean.
                share = summed * bool(processes.share(group)) / len(group)
                self.optimiser.zero_grad(set_to_none=True)
                (share * processes.count).backward()  # type: ignore[no-untyped-call]
                self.optimiser.step()
                loss = float(processes.total(share.detach().clone()))
                self._finite(loss, f"the loss of step {position.step + 1}")
                position.loss += loss * len(group)
                position.step += 1
                position.steps += 1
                report(f"epoch {position.epoch + 1}", position.step, len(groups), {"loss": loss})
                # Not after the last step: the epoch's end writes the state in any case.
                if position.step % self.settings.save_every == 0 and position.step < len(groups):
                    now = time.monotonic()
                    position.seconds, started = position.seconds + now - started, now
                    self._save()
            position.seconds += time.monotonic() - started
            self._end_epoch(report)
        return position

    def _finite(self, value: float, what: str) -> float:
        """Return the number if it is finite, else end the training."""
        if not np.isfinite(value):
            raise BenchError(f"{what} in epoch {self.position.epoch + 1} is {value}; try a smaller --lr")
        return value

    def _end_epoch(self, report: Report) -> None:
        """Validate, adapt the rate, keep the network or not, and write the state."""
        position, recipe, keep = self.position, self.recipe, self.settings.keep
        started = time.monotonic()
        row = {"epoch": position.epoch + 1, "rate": position.stage.rate}
        row["loss"] = position.loss / len(self.examples.items)
        last = position.epoch + 1 == recipe.epochs
        if self.validation is not None and (last or position.epoch % recipe.validate_every == 0):
            row |= self._validate(self.validation, report)
        position.stage = recipe.schedule.after(position.stage, position.epoch, row.get("accuracy"))
        position.history.append(row)
        if keep == "best":
            kept = row["accuracy"] > position.best  # the first of equals, whatever comes later
            position.best = max(position.best, row["accuracy"])
        elif keep == "official":
            # CNNDetection's earlystop.py saves in each call that it takes for an improvement; a fresh object,
            # after each drop of the rate, takes its first one for that, however bad.
            kept = position.stage.improved
        else:
            kept = position.stage.stop or last
        position.kept = position.epoch + 1 if kept else position.kept
        position.epoch, position.step, position.loss = position.epoch + 1, 0, 0.0
        position.seconds += time.monotonic() - started
        self._save()  # first: an epoch that a kill makes run again may not be kept on a GPU
        self._publish()

    def _validate(self, examples: Examples, report: Report) -> dict[str, float]:
        """Score the validation images; every process scores its share."""
        # Each process fills in its own images and leaves zeros elsewhere: the sum over all is everybody's.
        number = len(examples.items)
        logits = torch.zeros(number, device=self.device)
        groups = in_order(number, self.recipe.batch)
        shares = [share for share in map(self.processes.share, groups) if share]
        loader = self._loader(examples, VALIDATE)
        network = self.processes.same_buffers(self.learner.network).eval()
        with torch.no_grad():
            for step, batch in enumerate(loader.batches(self.position.epoch, shares)):
                logits[batch.indices] = self._logits(batch, None, network)
                report(f"epoch {self.position.epoch + 1}, validation", step + 1, len(shares), {})
        scores = self.processes.total(logits).sigmoid().cpu().numpy()
        self._finite(float(scores.sum()), "the sum of the validation scores")
        truth = labels(examples)
        return {"accuracy": accuracy(truth, scores, 0.5), "ap": average_precision(truth, scores)}

    def _logits(self, batch: TrainingBatch, randoms: Randoms | None, network: nn.Module) -> Tensor:
        """Run frozen stage and network: float32 (n,)."""
        # Float32 in the end: the loss of bfloat16 logits would have two or three digits.
        mixed = self.settings.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=mixed):
            with torch.no_grad():
                seen = self.learner.inputs(batch.inputs.to(self.device, non_blocking=True), randoms)
            logits: Tensor = network(seen).squeeze(1)
        return logits.float()

    def _loader(self, examples: Examples, purpose: int) -> Loader:
        read = self.learner.read_train if purpose == TRAIN else self.learner.read_validation
        return Loader(examples, read, self.settings.seed, purpose, self.settings.workers)

    def _publish(self) -> None:
        """Write the network in its published format, if the epoch that just ended is the result so far."""
        position = self.position
        if self.processes.first and position.step == 0 and position.kept == position.epoch:
            _write(self.result_file, self.learner.publish(self.optimiser.state_dict(), position.steps))

    def _save(self) -> None:
        """Write the state; the first process does it for all."""
        # Numbers, lists and tensors alone: `torch.load` reads the state back with `weights_only`.
        if self.processes.first:
            content = {
                "identity": dict(self.settings.identity),
                "network": self.learner.network.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "position": asdict(self.position),
            }
            _write(self.state_file, content)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a torch file whose bytes depend on its content alone: given a path, torch stores the name."""
    with replacing(path) as partial, partial.open("wb") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # a full disk, which torch's own complaint hides
                raise error.__context__ from None
            raise
