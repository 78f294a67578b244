"""What AIGCDetectBenchmark's version of Frank et al.'s detector sees, and its published statistics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import nn

from forenbench.weights import Checkpoint, Weights

from .cosines import LogCosines, Standardised, unfilled
from .networks import Network, resnet_50
from .pixels import AIGCDETECT
from .published import published

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 224
VIEW = LogCosines(AIGCDETECT)
# `tensor` is our name for what has none in these files (see `forenbench.weights.weight_files.LONE`).
_MARKS = {"tensor": (3, SIDE, SIDE)}
MEAN, VARIANCE = published("fredect-mean", _MARKS), published("fredect-variance", _MARKS)


class Statistic(nn.Module):
    """The place of one published tensor."""

    tensor: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("tensor", torch.zeros(3, SIDE, SIDE))


def network() -> Standardised:
    """Make a classifier behind its statistics, unfilled: (n, 3, 224, 224) to one logit each, (n, 1)."""
    return unfilled(resnet_50(), SIDE)


def statistics(weights: Weights, known: Iterable[Checkpoint] = ()) -> tuple[Tensor, Tensor]:
    """Load the published mean and standard deviation of each coefficient, float32 (3, 224, 224).

    Raises:
        MissingWeights: A file is not on this machine.
        WrongWeights: It holds something else.
    """
    mean, variance = (
        Network(Statistic, file).load(weights, known).get_buffer("tensor") for file in (MEAN, VARIANCE)
    )
    return mean, variance.sqrt()
