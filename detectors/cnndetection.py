"""CNNDetection: a ResNet-50 trained on ProGAN images with blur and JPEG augmentation.

Wang et al., "CNN-generated images are surprisingly easy to spot… for now" (CVPR 2020).
Code and weights: https://github.com/PeterWang512/CNNDetection (CC BY-NC-SA 4.0). The weights file is a dict
with `model`, `optimizer` and `total_steps`; a bare state dict is read too.

Images are never resized. The paper's tables see the central 224 pixels (black around smaller pictures);
a variant with `-full` sees the whole picture, as the official demo does.

Two networks are published. The others of the paper's ablations (augmentation; number of classes, which the
paper does not name: ours are the first ones of the official list) and the "Wang" rows of LGrad's Table 3 (its
classes are named, its augmentation is not: ours is the published default) have to be trained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.networks import RESNET_50, Network, resnet_50, shipped
from ._nets.pixels import IMAGENET, Preprocess
from ._nets.published import own, published
from ._nets.small import small_resnet

if TYPE_CHECKING:
    from torch import Tensor

FULL = "-full"
BOTH = "blur_jpg:0.5"
CLASSES = (
    *("airplane", "bird", "bicycle", "boat", "bottle", "bus", "car", "cat"),
    *("cow", "chair", "diningtable", "dog", "person", "pottedplant", "motorbike", "tvmonitor"),
)
"""The first 16 of the 20 that the official training command lists, in its order."""


def _own(variant: str, augmentation: str, classes: str = "") -> Network:
    chosen = f" --classes {classes}" if classes else ""
    command = f"bench train cnndetection --data forensynths-train{chosen} --aug {augmentation}"
    return Network(resnet_50, own(f"cnndetection-{variant}", command, RESNET_50))


PUBLISHED = {
    **{
        f"blur_jpg_prob{p}": Network(resnet_50, published(f"cnndetection-{p}", RESNET_50))
        for p in ("0.5", "0.1")
    },
    "no_aug": _own("no_aug", "none"),
    "blur_only": _own("blur_only", "blur:0.5"),
    "jpeg_only": _own("jpeg_only", "jpeg:0.5"),
    **{f"{n}class": _own(f"{n}class", BOTH, ",".join(CLASSES[:n])) for n in (2, 4, 8, 16)},
    "lgrad-1class": _own("lgrad-1class", BOTH, "horse"),
    "lgrad-2class": _own("lgrad-2class", BOTH, "chair,horse"),
    "lgrad-4class": _own("lgrad-4class", BOTH, "car,cat,chair,horse"),
}
SAMPLE = {"small": Network(small_resnet, shipped("cnndetection"))}
NETWORKS = PUBLISHED | SAMPLE


class CNNDetection(LogitDetector):
    """A classifier with one logit on the picture itself."""

    rows: ClassVar = {"published": ("blur_jpg_prob0.5", "blur_jpg_prob0.1"), "sample": ("small",)}
    # The paper's tables crop; `-full` variants are in the table of the authors' README alone.
    variants: ClassVar = {
        kind: (*networks, *(name + FULL for name in networks))
        for kind, networks in (("published", PUBLISHED), ("sample", SAMPLE))
    }
    needs: ClassVar = {
        name + crop: (network.checkpoint,) for crop in ("", FULL) for name, network in NETWORKS.items()
    }
    checkpoints: ClassVar = tuple(network.checkpoint for network in NETWORKS.values())
    version = "1"
    threshold = 0.5

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"cnndetection:{variant}"
        # The official eval.py crops and never resizes (`no_resize`, "testing without
        # resizing by default"); demo.py neither crops nor resizes. validate.py,
        # started by itself, would resize to 256: no published number is so.
        self.prepare = Preprocess(IMAGENET, crop=None if variant.endswith(FULL) else 224)
        self.trained_on = ("nearest",) if variant.removesuffix(FULL) in SAMPLE else ("progan",)
        # Both crops of a variant share one network: `load` keeps one for each file.
        self.network = NETWORKS[variant.removesuffix(FULL)].load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, H, W) to raw logits (n,)."""
        logits: Tensor = self.network(batch)
        return logits.squeeze(1)
