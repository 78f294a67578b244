"""Training of networks against each other: generators, discriminators, and classifiers beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from forenbench.errors import BenchError

from .examples import Examples
from .loader import TrainingBatch
from .loop import Loop, Report
from .processes import Processes
from .randomness import STEP, Read, draws
from .recipes import TrainingRecipe
from .session import Running, finish
from .state import TrainingSettings

if TYPE_CHECKING:
    from numpy.random import Generator
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from .request import TrainingData, TrainingRequest


class Rivals(Protocol):
    """Networks that are trained against each other.

    Attributes:
        networks: All of them, by name.
        optimisers: One for each side, by name; their rates follow the recipe's schedule in proportion.
        memory: What beside them the next step depends on, such as a pool of earlier pictures; plain tensors.
        read: From a training file's bytes to a tensor, in worker processes.
        facts: What a card tells of them.
    """

    networks: Mapping[str, nn.Module]
    optimisers: Mapping[str, Optimizer]
    memory: dict[str, Tensor]
    read: Read
    facts: dict[str, Any]

    def step(self, images: Tensor, labels: Tensor, random: Generator) -> Mapping[str, float]:
        """Train each side once, and return their losses by name.

        Args:
            images: What was read, (n, ...), on the device of the networks.
            labels: float32 (n,), 0 = real, 1 = fake.
            random: For whatever the step draws.
        """
        ...

    def publish(self) -> dict[str, Any]:
        """Return the content of the checkpoint file."""
        ...


def train_rivals(request: TrainingRequest, rivals: Rivals, data: TrainingData, run: Running) -> Path:
    """Train networks against each other, or finish a training that was stopped; return the checkpoint's path.

    Raises:
        BenchError: There are several processes; mixed precision, or another epoch than the last one, is asked
            for; or the folder has another training, or one that runs.
    """

    def make(settings: TrainingSettings) -> Contest:
        return Contest(rivals, run.recipe, data.train, settings, run.processes)

    return finish(request, data, run, rivals.facts, make)


class Contest(Loop):
    """The training of rivals; the last epoch is its result.

    Args:
        rivals: What is trained.
        recipe: How.
        examples: Training images; nothing is validated.
        settings: The rest.
        processes: This process, which must be the only one.

    Raises:
        BenchError: There are several processes, or mixed precision is asked for, or another epoch than the
            last one.
    """

    def __init__(
        self,
        rivals: Rivals,
        recipe: TrainingRecipe,
        examples: Examples,
        settings: TrainingSettings,
        processes: Processes,
    ) -> None:
        # Each side's losses rest on the other's networks: averaging gradients would not be the same training.
        if processes.count > 1:
            raise BenchError("networks that train against each other take one process; leave torchrun out")
        if settings.precision != "fp32":
            raise BenchError(f"rivals train in full precision (fp32), not in {settings.precision}")
        # Nothing is validated, and a losing side is no worse an epoch: none of them could be called the best.
        if settings.keep != "last":
            raise BenchError(f"rivals keep their last epoch, not '{settings.keep}': ask for 'last'")
        super().__init__(rivals.read, recipe, examples, settings, processes)
        self.rivals = rivals
        for network in rivals.networks.values():
            network.to(self.device)
        self._rates = {name: _rates(one) for name, one in rivals.optimisers.items()}
        self.resume()

    def step(self, batch: TrainingBatch, group: list[int]) -> Mapping[str, float]:
        """Train each side once."""
        for network in self.rivals.networks.values():
            network.train()
        # One generator a step: what is drawn may belong to several images, as a pool's does.
        random = draws(self.settings.seed, STEP, self.position.epoch, self.position.step)
        return self.rivals.step(batch.inputs.to(self.device), batch.labels.to(self.device), random)

    def set_rate(self, rate: float) -> None:
        """Set it in proportion to the rates that the optimisers began with."""
        left = rate / self.recipe.rate if self.recipe.rate else 0.0
        for name, optimiser in self.rivals.optimisers.items():
            for parameters, begun in zip(optimiser.param_groups, self._rates[name], strict=True):
                parameters["lr"] = begun * left

    def end_epoch(self, row: dict[str, float], report: Report) -> bool:
        """Move the schedule on; the last epoch is kept."""
        self.position.stage = self.recipe.schedule.after(self.position.stage, self.position.epoch, None)
        return self.last or self.position.stage.stop

    def content(self) -> dict[str, Any]:
        """Return the state of all networks and optimisers, and the memory."""
        return {
            "networks": {name: one.state_dict() for name, one in self.rivals.networks.items()},
            "optimisers": {name: one.state_dict() for name, one in self.rivals.optimisers.items()},
            "memory": dict(self.rivals.memory),
        }

    def restore(self, content: dict[str, Any]) -> None:
        """Take it back."""
        for name, network in self.rivals.networks.items():
            network.load_state_dict(content["networks"][name])
        for name, optimiser in self.rivals.optimisers.items():
            optimiser.load_state_dict(content["optimisers"][name])
        self.rivals.memory = dict(content["memory"])

    def published(self) -> dict[str, Any]:
        """Return what the rivals publish."""
        return self.rivals.publish()


def descend(optimiser: Optimizer, loss: Tensor) -> float:
    """Do one step of a side's optimiser, and return the loss."""
    # Dropped just before: a rival's loss leaves gradients in this side's networks, too.
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return float(loss.detach())


def _rates(optimiser: Optimizer) -> list[float]:
    return [parameters["lr"] for parameters in optimiser.param_groups]
