"""Networks that files fill: strictly, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar, cast

from .checkpoint import Checkpoint, WrongWeights
from .unwrapping import prefix_of, shape_of
from .weight_files import describe

if TYPE_CHECKING:
    import torch
    from torch import Tensor

M = TypeVar("M", bound="torch.nn.Module")


def frozen(
    build: Callable[[], M],
    state: Mapping[str, object],
    checkpoint: Checkpoint,
    known: Iterable[Checkpoint] = (),
) -> M:
    """Build a network, fill it strictly, and freeze it; no memory or time goes into random weights.

    Raises:
        WrongWeights: See `load_strict`.
    """
    import torch

    from .unfilled import Unfilled

    # CLIP's ViT-L/14 is built in 0.05 s of processor time so, and in 2.3 s with memory for its weights.
    with torch.device("meta"), Unfilled():
        network = build()
    load_strict(network, state, checkpoint, known)
    if all(parameter.device.type == "cpu" for parameter in network.parameters()):
        # Convolutions on a CPU are up to 1.7 times as fast so (docs/performance.md).
        network = network.to(memory_format=torch.channels_last)
    return network.eval().requires_grad_(False)


def load_strict(
    module: torch.nn.Module,
    state: Mapping[str, object],
    checkpoint: Checkpoint,
    known: Iterable[Checkpoint] = (),
) -> None:
    """Fill a module, refusing missing, surplus and wrongly shaped entries.

    Only counters of batches, which files older than PyTorch 0.4.1 lack, may be missing: inference reads none.
    The module takes the tensors over, and so moves to their device; half precision is widened to the
    module's own type.

    Args:
        module: What to fill; it may lie on the meta device.
        state: Its parameters and buffers by name.
        checkpoint: Where the state came from.
        known: Other files that users may have mistaken for this one: the plugin's ``checkpoints``.

    Raises:
        WrongWeights: The first such key, and what the file seems to be instead.
    """
    import torch

    expected = module.state_dict()
    # Counters are made beside the statistics that they belong to; a layer that lacks both is still an error.
    lacking = [key for key in expected if key.endswith("num_batches_tracked") and key not in state]
    made = [key for key in lacking if key.replace("num_batches_tracked", "running_var") in state]
    state = {**{key: torch.tensor(0) for key in made}, **state}
    # Compared here and not by `load_state_dict`, whose error lists every key, of a wrong file a thousand.
    problem = _first_difference(expected, state)
    if problem:
        alike = prefix_of(checkpoint, state) == ""
        seems = "" if alike else f"; it seems to be {describe(state, (checkpoint, *known))}"
        raise WrongWeights(
            f"weights '{checkpoint.name}': not the content of {checkpoint.file}: {problem}{seems}. Get "
            f"{checkpoint.file} from {checkpoint.source}"
        )
    # `assign` puts the tensors themselves into the module, which may have none of its own; as it takes their
    # types, too, they are widened first: arithmetic of half precision would give other scores.
    tensors = cast("Mapping[str, Tensor]", state)  # every entry has the shape of a tensor
    widened = {key: value.to(expected[key].dtype) for key, value in tensors.items()}
    module.load_state_dict(widened, strict=True, assign=True)


def _first_difference(expected: Mapping[str, Tensor], state: Mapping[str, object]) -> str:
    """Name the first missing, unexpected or wrongly shaped key, or return an empty string."""
    for key in expected:
        if key not in state:
            return f"key '{key}' is missing"
    for key, value in state.items():
        if key not in expected:
            return f"key '{key}' is unexpected"
        if shape_of(value) is None:
            return f"key '{key}' is no tensor but a {type(value).__name__!r}"
        if shape_of(value) != shape_of(expected[key]):
            return f"key '{key}' has shape {shape_of(value)}, expected {shape_of(expected[key])}"
    return ""
