"""A network together with the file that fills it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from forenbench.weights import Checkpoint, Weights, frozen

if TYPE_CHECKING:
    from torch import nn

RESNET_50 = {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1, 2048)}
"""Marks of a file for `resnet_50`."""


@dataclass(frozen=True)
class Network:
    """How to build a frozen network.

    Attributes:
        build: Makes it unfilled.
        checkpoint: The file with its state dict.
    """

    build: Callable[[], nn.Module]
    checkpoint: Checkpoint

    def load(self, weights: Weights, known: tuple[Checkpoint, ...]) -> nn.Module:
        """Build and fill it, once per run.

        Args:
            weights: The run's files.
            known: Checkpoints that users may mistake for this one.

        Raises:
            MissingWeights: The file is not on this machine.
            WrongWeights: It holds something else.
        """

        def make() -> nn.Module:
            state = weights.load(self.checkpoint)
            return frozen(self.build, state, self.checkpoint, (*known, *weights.known))

        return weights.shared(self.checkpoint.name, make)


def resnet_50() -> nn.Module:
    """Make the papers' classifier: (n, 3, H, W) of any size to one logit each, (n, 1)."""
    from torchvision.models import resnet50

    network: nn.Module = resnet50(num_classes=1)
    return network


def shipped(name: str) -> Checkpoint:
    """Describe one of the small checkpoints that this package ships for its `sample` dataset."""
    return Checkpoint(f"sample-{name}", f"weights/{name}.safetensors", "this package", "MIT", shipped=True)
