"""Stay-Positive: GRIP's ResNet-50 whose last layer may only find evidence of generation, none of reality.

Rajan, Lee, "Stay-Positive: A Case for Ignoring Real Image Features in Fake Image Detection" (ICML 2025). Code
and weights: https://github.com/AniSundar18/AlignedForensics (its licence file is Apache-2.0's).

Pictures are neither resized nor cropped (see `corvi`, whose network and input these are). The last layers of
Corvi et al.'s and of AlignedForensics' detector were trained anew with weights that are never negative. The
other layers were to stay as they are; yet their batch norms ran in training mode, so that a file differs from
its parent in more than its last layer.
"""

from __future__ import annotations

from typing import ClassVar

from forenbench.weights import Weights, WrongWeights

from ._nets.res50nodown import NoDownDetector, no_down_checkpoint

SEEN = {
    "rajan-plus": ("ldm", "coco", "lsun"),
    "corvi-plus": ("ldm", "ldm_200", "ldm_200_cfg", "ldm_100", "coco", "lsun"),
}
"""By variant: what its weights were trained on."""

CHECKPOINTS = {variant: no_down_checkpoint(f"stay-positive-{variant}") for variant in SEEN}


class StayPositive(NoDownDetector):
    """One logit of the whole picture."""

    family = "stay-positive"
    seen = SEEN
    variants: ClassVar = {"published": tuple(SEEN)}
    needs: ClassVar = {variant: (file,) for variant, file in CHECKPOINTS.items()}
    checkpoints: ClassVar = tuple(CHECKPOINTS.values())

    def __init__(self, variant: str, weights: Weights) -> None:
        super().__init__(variant, weights)
        # No key or shape differs from the parent's file; this does, for it is what the training clamps.
        if (self.network.get_parameter("fc.weight") < 0).any():
            file = CHECKPOINTS[variant]
            raise WrongWeights(
                f"weights '{file.name}': 'fc.weight' has negative entries, which Stay-Positive's files never "
                f"have; it seems to be an ordinary detector of this network, as those of corvi and aligned. "
                f"Get {file.file} from {file.source}"
            )
