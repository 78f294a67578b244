"""Networks of methods that nobody published code of; each variant's name says that it is no original."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from .networks import RESNET_50, Network, resnet_50
from .published import TRAINING_DATA, Marks, own

if TYPE_CHECKING:
    from torch import nn


def reimplemented(
    recipe: str,
    settings: Iterable[str] = ("1class", "2class", "4class"),
    build: Callable[[], nn.Module] = resnet_50,
    marks: Marks = RESNET_50,
) -> dict[str, Network]:
    """Describe what a recipe of ``bench train`` makes for each setting of training data, by variant.

    Args:
        recipe: Its name.
        settings: Some of `TRAINING_DATA`; by default those of LGrad's Table 3.
        build: Makes the network unfilled.
        marks: Of its file.
    """
    # In the name, which stands wherever a number of it does: in tables of every format, in records and files.
    return {
        f"reimplemented-{setting}": Network(
            build,
            own(f"{recipe}-reimplemented-{setting}", f"bench train {recipe} {TRAINING_DATA[setting]}", marks),
        )
        for setting in settings
    }
