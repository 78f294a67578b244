"""Starting from a checkpoint file: its weights and, to continue a training, its optimiser and steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forenbench.errors import BenchError
from forenbench.weights import Checkpoint, Weights, load_strict

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

_OPTION = "--init"


@dataclass(frozen=True)
class Begun:
    """A training that goes on from a file: the official code's ``--continue_train``.

    Attributes:
        optimiser: Its state dict.
        steps: Batches done so far.
    """

    optimiser: Mapping[str, Any]
    steps: int

    @classmethod
    def of(cls, file: str, weights: Weights) -> Begun:
        """Read what a checkpoint holds beside its weights.

        Raises:
            BenchError: There is no such file, or no optimiser's state in it.
            WrongWeights: It cannot be read safely.
        """
        content = _read(file, weights)
        optimiser, steps = content.get("optimizer"), content.get("total_steps")
        if not isinstance(optimiser, Mapping) or not isinstance(steps, int):
            raise BenchError(
                f"--continue needs a file with `optimizer` and `total_steps` beside its weights, and "
                f"'{file}' has none; leave it out to start from the weights alone"
            )
        return cls(optimiser, steps)

    def restore(self, optimiser: Optimizer) -> None:
        """Give an optimiser the state; its rate and other settings stay those of the recipe.

        Raises:
            BenchError: It is the state of another optimiser, or of another network.
        """
        groups = [dict(one) for one in optimiser.param_groups]
        try:
            optimiser.load_state_dict(dict(self.optimiser))
            shapes = [
                (parameter.shape, state["exp_avg"].shape, state["exp_avg_sq"].shape)
                for parameter, state in optimiser.state.items()
            ]
        except Exception as error:  # whatever a file may hold in its place
            raise BenchError(
                f"--continue: the optimiser's state in the file does not fit this network: {error}"
            ) from error
        every = sum(len(group["params"]) for group in groups)
        if len(shapes) != every or any(len({*some}) > 1 for some in shapes):
            raise BenchError("--continue: the optimiser's state in the file is that of another network")
        for group, own in zip(optimiser.param_groups, groups, strict=True):
            group.update(own)


def fill(network: nn.Module, file: str, weights: Weights) -> dict[str, Any]:
    """Fill a network from a checkpoint file, strictly; return what a card says of that.

    The file is a bare state dict or has it under ``model``, as the papers' training codes write it.

    Raises:
        BenchError: There is no such file.
        WrongWeights: It holds something else.
    """
    with weights.recording() as used:
        load_strict(network, _read(file, weights, "model"), _checkpoint(file), weights.known)
    (sha256,) = used.values()
    return {"initialisation": "file", "checkpoints": {"init": sha256}}


def _read(file: str, weights: Weights, key: str = "") -> Mapping[str, object]:
    """Read the user's own file, or what it has under a key if it is there: no sha256 is known of it."""
    if not Path(file).is_file():
        raise BenchError(f"there is no file at {_OPTION} '{file}'")
    return replace(weights, paths={_OPTION: Path(file)}).load(_checkpoint(file, key))


def _checkpoint(file: str, key: str = "") -> Checkpoint:
    return Checkpoint(_OPTION, Path(file).name, "a training of this network", "yours", key=key)
