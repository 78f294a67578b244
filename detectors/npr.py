"""NPR: a short ResNet on how pixels differ from the top left one of their 2x2 block.

Tan, Liu, Zhao, Wei, Gu, Liu, Wei, "Rethinking the Up-Sampling Operations in CNN-based Generative Network for
Generalizable Deepfake Detection" (CVPR 2024). Code and weights:
https://github.com/chuangchuangtan/NPR-DeepfakeDetection (no licence).

The authors feed it in three ways, and publish three trainings. A variant's name begins with the input:
`squash256` as for ForenSynths and UnivFD's sets, `native` as for AIGCDetectBenchmark (whole pictures; where a
side is odd its last row or column goes), `tile224` as for GenImage (pictures with a side below 224 are laid
out beside themselves, then the centre is cut). It ends in the file: nothing for NPR.pth, `-3090` for
model_epoch_last_3090.pth, which made the README's table of AIGCDetectBenchmark, `-sdv4` for the one trained
on GenImage's Stable Diffusion 1.4.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from torch import Tensor

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.networks import Network
from ._nets.pixel_residuals import ShortResNet, block_residual
from ._nets.pixels import IMAGENET, Preprocess, Tiled
from ._nets.published import published

NPR_MARKS = {"conv1.weight": (64, 3, 3, 3), "fc1.weight": (1, 512)}
NETWORKS = {
    name: Network(partial(ShortResNet, 1), published(name, NPR_MARKS))
    for name in ("npr", "npr-3090", "npr-sdv4")
}
"""By the name of the file."""

INPUTS = {
    "squash256": Preprocess(IMAGENET, resize=256),
    "native": Preprocess(IMAGENET),
    "tile224": Tiled(224, Preprocess(IMAGENET, crop=224)),
}
VARIANTS = {
    **{made: (made, "npr") for made in INPUTS},
    **{f"{made}-3090": (made, "npr-3090") for made in INPUTS},
    "tile224-sdv4": ("tile224", "npr-sdv4"),
}
"""Input and file of each variant."""


class NPR(LogitDetector):
    """A classifier with one logit on differences between neighbouring pixels."""

    variants: ClassVar = {"published": tuple(VARIANTS)}
    rows: ClassVar = {"published": ("squash256",)}
    needs: ClassVar = {variant: (NETWORKS[file].checkpoint,) for variant, (_, file) in VARIANTS.items()}
    checkpoints: ClassVar = tuple(network.checkpoint for network in NETWORKS.values())
    version = "1"
    threshold = 0.5

    def __init__(self, variant: str, weights: Weights) -> None:
        made, file = VARIANTS[variant]
        self.name = f"npr:{variant}"
        self.trained_on = ("sd-v1.4",) if file == "npr-sdv4" else ("progan",)
        self.prepare = INPUTS[made]
        self.network = NETWORKS[file].load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, H, W) of any size to raw logits (n,)."""
        # Here and not in `prepare`, which others share: the last row and column of odd sides go. One pixel
        # stays where there is only one; the official code has no answer to that.
        height, width = (max(side // 2 * 2, 1) for side in batch.shape[2:])
        residuals = block_residual(batch[..., :height, :width])
        # The factor stands in the official forward pass and nowhere in the paper.
        logits: Tensor = self.network(residuals * 2.0 / 3.0)
        return logits.squeeze(1)
