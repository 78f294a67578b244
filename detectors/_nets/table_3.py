"""What the methods of LGrad's Table 3 are trained on, and networks of theirs that nobody published."""

from __future__ import annotations

from .networks import RESNET_50, Network, resnet_50
from .published import own

TABLE_3 = {
    ending: f"--data forensynths-train --classes {classes}"
    for ending, classes in (("1class", "horse"), ("2class", "chair,horse"), ("4class", "car,cat,chair,horse"))
}
"""Options of ``bench train``, by the end of a variant's name."""


def classifiers(recipe: str) -> dict[str, Network]:
    """Describe the ResNet-50 that a recipe of ``bench train`` makes for each of the three settings."""
    return {
        ending: Network(resnet_50, own(f"{recipe}-{ending}", f"bench train {recipe} {data}", RESNET_50))
        for ending, data in TABLE_3.items()
    }
