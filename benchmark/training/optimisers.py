"""The optimisers of recipes, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from torch.optim import SGD, Adadelta, Adam, AdamW, Optimizer

if TYPE_CHECKING:
    from torch import nn

    from .recipes import TrainingRecipe

OPTIMISERS: Mapping[str, tuple[Callable[..., Optimizer], tuple[str, ...]]] = {
    "adam": (Adam, ("betas", "eps")),
    "adamw": (AdamW, ("betas", "eps")),
    "sgd": (SGD, ("momentum", "dampening")),
    "adadelta": (Adadelta, ()),
}
"""What makes each, and which of a recipe's settings it takes beside rate and decay."""


def make_optimiser(network: nn.Module, recipe: TrainingRecipe) -> Optimizer:
    """Make a recipe's optimiser for the parameters of a network that are trained."""
    make, names = OPTIMISERS[recipe.optimiser]
    settings: dict[str, Any] = {name: getattr(recipe, name) for name in names}
    trained = [weight for weight in network.parameters() if weight.requires_grad]
    kernels = [weight for weight in trained if recipe.decayed == "all" or weight.ndim > 1]
    groups: list[dict[str, Any]] = [{"params": kernels, "weight_decay": recipe.decay}]
    # One group where all decay alike: published files hold the optimiser's state, and official code has one.
    if len(kernels) < len(trained):
        rest = [weight for weight in trained if weight.ndim <= 1]
        groups.append({"params": rest, "weight_decay": 0.0})
    return make(groups, lr=recipe.rate, **settings)


def penalty(optimiser: Optimizer) -> float:
    """Return the term of the loss whose gradient decay is: half of it times the sum of squares of weights."""
    total = 0.0
    for group in optimiser.param_groups:
        squares = sum(float(weight.detach().square().sum()) for weight in group["params"])
        total += group["weight_decay"] / 2 * squares
    return total
