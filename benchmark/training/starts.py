"""Starting from a checkpoint file: its weights and, to continue a training, its optimiser and steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forenbench.errors import BenchError
from forenbench.weights import Checkpoint, Weights, load_strict
from forenbench.weights.unwrapping import unwrap

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

_OPTION = "init"


@dataclass(frozen=True)
class Begun:
    """A training that goes on from a file: the official code's ``--continue_train``.

    Attributes:
        optimiser: Its state dict.
        steps: Batches done so far.
    """

    optimiser: Mapping[str, Any]
    steps: int

    def restore(self, optimiser: Optimizer) -> None:
        """Give an optimiser the state; its rate and other settings stay those of the recipe.

        Raises:
            BenchError: It is the state of another optimiser, or of another network.
        """
        groups = [dict(group) for group in optimiser.param_groups]
        # torch compares how many parameters there are, and nothing else: moments of other shapes would be
        # taken, and fail or spread over the weights only at the first step.
        try:
            optimiser.load_state_dict(dict(self.optimiser))
            shapes = [
                (parameter.shape, state["exp_avg"].shape, state["exp_avg_sq"].shape)
                for parameter, state in optimiser.state.items()
            ]
        except Exception as error:  # whatever a file may hold in its place
            raise BenchError(
                f"the optimiser's state in the file does not fit this network: {error}"
            ) from error
        every = sum(len(group["params"]) for group in groups)
        if len(shapes) != every or any(len({*some}) > 1 for some in shapes):
            raise BenchError("the optimiser's state in the file is that of another network")
        # As the official code: `load_networks` takes the state, then sets each group's rate to the option's.
        for group, own in zip(optimiser.param_groups, groups, strict=True):
            group.update(own)


@dataclass(frozen=True)
class Start:
    """What a training starts from.

    Attributes:
        facts: What a card says of it.
        file: The checkpoint file; empty where it is none.
        beside: What that file holds beside the weights.
    """

    facts: dict[str, Any]
    file: str = ""
    beside: Mapping[str, object] = field(default_factory=dict)

    def begun(self) -> Begun:
        """Take the optimiser and the steps from what the file holds beside the weights.

        Raises:
            BenchError: There is no optimiser's state in it.
        """
        optimiser, steps = self.beside.get("optimizer"), self.beside.get("total_steps")
        if not isinstance(optimiser, Mapping) or not isinstance(steps, int):
            raise BenchError(
                f"a training that continues needs `optimizer` and `total_steps` beside the weights, and "
                f"'{self.file}' has none; start from the weights alone"
            )
        return Begun(optimiser, steps)


def fill(network: nn.Module, file: str, weights: Weights) -> Start:
    """Fill a network from a checkpoint file, strictly.

    The file is a bare state dict or has it under ``model``, as the papers' training codes write it.

    Raises:
        BenchError: There is no such file.
        WrongWeights: It holds something else, or cannot be read safely.
    """
    if not Path(file).is_file():
        raise BenchError(f"there is no file at {_OPTION} '{file}'")
    # The user's own file, of which no sha256 is known; without a key, so that what stands beside the weights
    # is read with them: a file with an optimiser has three times the network's size, and is read once.
    checkpoint = Checkpoint(_OPTION, Path(file).name, "a training of this network", "yours")
    with weights.recording() as used:
        content = replace(weights, paths={_OPTION: Path(file)}).load(checkpoint)
    state = unwrap(content, replace(checkpoint, key="model")).state
    load_strict(network, state, checkpoint, weights.known)
    (sha256,) = used.values()
    beside = {key: value for key, value in content.items() if key in ("optimizer", "total_steps")}
    return Start({"initialisation": "file", "checkpoints": {"init": sha256}}, file, beside)
