"""Random numbers of a training: each draw has a generator of its own, the same in any process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

ORDER, TRAIN, VALIDATE, LIMIT, STEP, LAYERS = range(6)
"""What a draw is for, so that no two draws of a training are ever the same by accident."""

Read = Callable[[bytes, np.random.Generator], "Tensor"]
"""Turns one file's bytes into one tensor."""


def draws(seed: int, purpose: int, epoch: int = 0, index: int = 0) -> np.random.Generator:
    """Return the random generator of sample `index` in epoch `epoch`, the same in any process at any time."""
    # The official code draws from Python's and torch's own generators, without a seed, in the order in which
    # workers happen to come: nothing of it could be done again, or go on after a kill with the same numbers.
    return np.random.default_rng((seed, purpose, epoch, index))
