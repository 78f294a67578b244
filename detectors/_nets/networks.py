"""A network together with the file that fills it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from forenbench.weights import Checkpoint, Weights, frozen

if TYPE_CHECKING:
    from torch import nn

    from .image_models import State

RESNET_50 = {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1, 2048)}
"""Marks of a file for `resnet_50`."""


@dataclass(frozen=True)
class Network:
    """How to build a frozen network: every network that a file fills is one of these.

    Attributes:
        build: Makes it unfilled.
        checkpoint: The file with its state dict.
        select: Finds the network's entries in the file's content, under the network's own names.
    """

    build: Callable[[], nn.Module]
    checkpoint: Checkpoint
    select: Callable[[State], State] = dict

    def load(self, weights: Weights, known: Iterable[Checkpoint] = ()) -> nn.Module:
        """Build and fill it, once per run.

        Args:
            weights: The run's files.
            known: Checkpoints that users may mistake for this one.

        Raises:
            MissingWeights: The file is not on this machine.
            WrongWeights: It holds something else.
        """
        # Its `repr` has the functions and the whole checkpoint, so that equal words are equal networks.
        return weights.shared(repr(self), lambda: self.fill(weights, known))

    def fill(
        self, weights: Weights, known: Iterable[Checkpoint] = (), content: State | None = None
    ) -> nn.Module:
        """Build and fill one that is shared with nobody; arguments and errors are those of `load`.

        Args:
            weights: The run's files.
            known: Checkpoints that users may mistake for this one.
            content: The file's, where it has been read.
        """
        state = self.select(weights.load(self.checkpoint) if content is None else content)
        return frozen(self.build, state, self.checkpoint, chain(known, weights.known))


def resnet_50() -> nn.Module:
    """Make the papers' classifier: (n, 3, H, W) of any size to one logit each, (n, 1)."""
    from torchvision.models import resnet50

    # torchvision's is the official networks/resnet.py by names and numbers
    # (stride in the 3×3 convolution), and its pooling takes any size.
    network: nn.Module = resnet50(num_classes=1)
    return network


def resnet_34() -> nn.Module:
    """Make a classifier of two classes: (n, 3, H, W) of any size to (n, 2)."""
    from torchvision.models import resnet34

    network: nn.Module = resnet34(num_classes=2)
    return network


def shipped(name: str) -> Checkpoint:
    """Describe one of the small checkpoints that this package ships for its `sample` dataset."""
    return Checkpoint(f"sample-{name}", f"weights/{name}.safetensors", "this package", "MIT", shipped=True)
