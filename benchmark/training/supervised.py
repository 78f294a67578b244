"""Training of one network on labelled images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from forenbench.errors import BenchError
from forenbench.metrics.classification import average_precision

from .examples import Examples, labels
from .loader import TrainingBatch, in_order
from .loop import Loop, Report
from .optimisers import make_optimiser, penalty
from .processes import Processes
from .randomness import TRAIN, VALIDATE, draws
from .recipes import TrainingRecipe
from .schedules import VALIDATED
from .session import Running, finish
from .state import TrainingSettings

if TYPE_CHECKING:
    from torch import Tensor

    from .learners import Learner, Randoms
    from .request import TrainingData, TrainingRequest


def train(
    request: TrainingRequest,
    learner: Learner,
    data: TrainingData,
    shown: Callable[[], TrainingData],
    run: Running,
) -> Path:
    """Train a network, or finish a training that was stopped; return the checkpoint's path.

    Args:
        request: What is asked.
        learner: What to train.
        data: The images.
        shown: Makes what is read instead of the images, such as gradient pictures, or returns them unchanged;
            not called if the training is finished already.
        run: How to train.

    Raises:
        BenchError: The recipe needs validation images, or would keep no epoch; or the folder has another
            training, or one that runs.
    """
    schedule, keep = run.recipe.schedule, run.keep
    # Said before days of training, not after them; what schedules themselves need, `finish` says.
    if not isinstance(schedule, VALIDATED):
        if keep == "best" and data.validation is None:
            raise BenchError(
                "the best epoch is kept by what validation says, and there are no validation images: name "
                "some"
            )
        if keep == "official":
            raise BenchError(
                f"a {type(schedule).__name__} takes no epoch for an improvement, so that official code's "
                "rule would keep none"
            )

    def make(settings: TrainingSettings) -> Training:
        seen = shown()
        return Training(learner, run.recipe, (seen.train, seen.validation), settings, run.processes)

    return finish(request, data, run, learner.facts, make)


class Training(Loop):
    """The training of a learner: binary cross-entropy, its mean over the batch of all processes.

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
        super().__init__(learner.read_train, recipe, data[0], settings, processes)
        self.learner, self.validation = learner, data[1]
        # Before the optimiser is made, which keeps hold of the parameters that it is given.
        learner.network.to(self.device)
        self.network = processes.parallel(learner.network)
        self.optimiser = make_optimiser(learner.network, recipe)
        if learner.begun is not None:
            learner.begun.restore(self.optimiser)
            self.position.steps = learner.begun.steps
        self.resume()  # last, for a state on disk holds all of that as it was further on

    def step(self, batch: TrainingBatch, group: list[int]) -> Mapping[str, float]:
        """Do one step of the optimiser."""
        self.network.train()  # validation left it in evaluation mode
        randoms = [draws(self.settings.seed, TRAIN, self.position.epoch, index) for index in batch.indices]
        logits = self._logits(batch, randoms, self.network)
        summed = _loss(logits, batch.labels.to(self.device)).sum()
        # DDP averages over processes: their number makes it the sum, the batch's size the mean.
        share = summed * bool(self.processes.share(group)) / len(group)
        self.optimiser.zero_grad(set_to_none=True)
        (share * self.processes.count).backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return {"loss": float(self.processes.total(share.detach().clone()))}

    def set_rate(self, rate: float) -> None:
        """Set it for all parameters."""
        for parameters in self.optimiser.param_groups:
            parameters["lr"] = rate

    def end_epoch(self, row: dict[str, float], report: Report) -> bool:
        """Validate if it is time to, adapt the rate, and say whether the network is kept."""
        position, recipe, keep = self.position, self.recipe, self.settings.keep
        seen: float | None = None  # what validation says, greater is better
        if self.validation is not None and (self.last or position.epoch % recipe.validate_every == 0):
            row |= self._validate(self.validation, report)
            if recipe.watch == "objective":
                row["validation_objective"] = row["validation_loss"] + penalty(self.optimiser)
            seen = row["accuracy"] if recipe.watch == "accuracy" else -row[f"validation_{recipe.watch}"]
        position.stage = recipe.schedule.after(position.stage, position.epoch, seen)
        if keep == "best":
            if seen is None:
                raise ValueError("the best epoch is kept by validation, and there is none")
            kept = position.kept is None or seen > position.best  # the first of equals, whatever comes later
            position.best = seen if kept else position.best
        elif keep == "official":
            # CNNDetection's earlystop.py saves in each call that it takes for an improvement; a fresh object,
            # after each drop of the rate, takes its first one for that, however bad.
            kept = position.stage.improved
        else:
            kept = position.stage.stop or self.last
        return kept

    def content(self) -> dict[str, Any]:
        """Return the network's and the optimiser's state."""
        return {"network": self.learner.network.state_dict(), "optimiser": self.optimiser.state_dict()}

    def restore(self, content: dict[str, Any]) -> None:
        """Take them back."""
        self.learner.network.load_state_dict(content["network"])
        self.optimiser.load_state_dict(content["optimiser"])

    def published(self) -> dict[str, Any]:
        """Return the network as the official code writes it."""
        return self.learner.publish(self.optimiser.state_dict(), self.position.steps)

    def _validate(self, examples: Examples, report: Report) -> dict[str, float]:
        """Score the validation images; every process scores its share."""
        # Each process fills in its own images and leaves zeros elsewhere: the sum over all is everybody's.
        number = len(examples.items)
        seen = torch.zeros(3, number, device=self.device)
        groups = in_order(number, self.recipe.batch)
        shares = [share for share in map(self.processes.share, groups) if share]
        loader = self.loader(self.learner.read_validation, examples, VALIDATE)
        network = self.processes.same_buffers(self.learner.network).eval()
        with torch.no_grad():
            for step, batch in enumerate(loader.batches(self.position.epoch, shares)):
                logits = self._logits(batch, None, network)
                truth = batch.labels.to(self.device)
                scores = logits.sigmoid()
                right = (scores > 0.5) == _spread(truth, logits).bool()
                each = (_mean(scores), _mean(right.float()), _loss(logits, truth))
                seen[:, batch.indices] = torch.stack(each)
                report(f"epoch {self.position.epoch + 1}, validation", step + 1, len(shares), {})
        scores, right, losses = self.processes.total(seen).cpu().numpy()
        self.finite(float(scores.sum()), "the sum of the validation scores")
        return {
            "accuracy": float(right.mean(dtype=np.float64)),
            "ap": average_precision(labels(examples), scores),
            "validation_loss": float(losses.mean(dtype=np.float64)),
        }

    def _logits(self, batch: TrainingBatch, randoms: Randoms | None, network: nn.Module) -> Tensor:
        """Run frozen stage and network: float32 (n,), or (n, k) of k patches."""
        # Float32 in the end: the loss of bfloat16 logits, or a difference of them, has two or three digits.
        mixed = self.settings.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=mixed):
            with torch.no_grad():
                seen = self.learner.inputs(batch.inputs.to(self.device, non_blocking=True), randoms)
            output = network(seen)
        return self.learner.logits(output.float())


def _loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Return each image's binary cross-entropy (n,): the mean over its patches, where it has any."""
    every = functional.binary_cross_entropy_with_logits(logits, _spread(truth, logits), reduction="none")
    return _mean(every)


def _spread(truth: Tensor, logits: Tensor) -> Tensor:
    """Give each image's label (n,) to all of its patches."""
    return truth if logits.ndim == 1 else truth[:, None].expand_as(logits)


def _mean(values: Tensor) -> Tensor:
    """Take the mean over the patches of each image; one value an image stays as it is."""
    return values if values.ndim == 1 else values.mean(1)
