"""DRCT: ConvNeXt-B or CLIP ViT-L/14, taught to tell photographs from what diffusion models make of them.

Chen, Zeng, Yang, Yang, "DRCT: Diffusion Reconstruction Contrastive Training towards Universal Detection of
Diffusion Generated Images" (ICML 2024). Code and weights: https://github.com/beibuwandeluori/DRCT (no
licence).

The names of variants say the backbone and the training data: `sd14` and `sd2` are DRCT-2M's two trainings,
`genimage` that on GenImage's SD 1.4; the authors' tables use each on its own benchmark. "UnivFD" in their
tables is the CLIP variant; its pictures are normalised with ImageNet's statistics, too.

The official code decodes with OpenCV; here pictures arrive decoded by Pillow. The two agree on 8-bit
pictures, but OpenCV turns a picture as its EXIF orientation says, and keeps the high byte of 16-bit grey.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from torch import Tensor, nn

from forenbench.weights import Checkpoint, Weights

from ._nets.heads import TEXT_TOWER, WholeModel, without
from ._nets.networks import Network
from ._nets.pixels import IMAGENET, FlooredCrop
from ._nets.published import published
from ._nets.widening import widened

MARKS = {
    "convnext": {"model.stem.0.weight": (128, 3, 4, 4), "fc.weight": (2, 1024)},
    "clip": {"model.model.visual.class_embedding": (1024,), "fc.weight": (2, 1024)},
}
TRAINED_ON = {"sd14": ("coco", "sd-v1.4"), "sd2": ("coco", "sd-v2.1"), "genimage": ("imagenet", "sd-v1.4")}
CHECKPOINTS = {
    f"{backbone}-{data}": published(f"drct-{backbone}-{data}", marks)
    for backbone, marks in MARKS.items()
    for data in TRAINED_ON
}


class DRCT:
    """A classifier with a class of photographs and one of all that a diffusion model has touched."""

    variants: ClassVar = {"published": tuple(CHECKPOINTS)}
    rows: ClassVar = {"published": ("convnext-sd14", "clip-sd14")}
    needs: ClassVar = {variant: (checkpoint,) for variant, checkpoint in CHECKPOINTS.items()}
    checkpoints: ClassVar = tuple(CHECKPOINTS.values())
    version = "1"
    threshold = 0.5
    prepare = FlooredCrop(IMAGENET, crop=224)

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"drct:{variant}"
        self.trained_on = TRAINED_ON[variant.partition("-")[2]]
        self.network = network_of(CHECKPOINTS[variant]).load(weights, self.checkpoints)

    def score(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, 224, 224) to scores (n,) in [0, 1]."""
        # Not the sigmoid of a difference: what lies below float32's
        # step at 1 is a tie at 0 here, as in the authors' AUC.
        logits = widened(self.network(batch))
        return 1 - logits.softmax(1)[:, 0]


class TwoClasses(nn.Module):
    """An embedding of 1024 numbers, which the training contrasts, and two classes straight on it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.fc = nn.Linear(1024, 2)

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, 3, 224, 224) to the logits of "real" and "generated", (n, 2)."""
        logits: Tensor = self.fc(self.model(images))
        return logits


def network_of(checkpoint: Checkpoint) -> Network:
    """Say what the network of a checkpoint is."""
    if "clip" in checkpoint.name:
        text = tuple(f"model.{start}" for start in TEXT_TOWER)
        return Network(_clip, checkpoint, partial(without, starts=text))
    return Network(_convnext, checkpoint)


def _convnext() -> TwoClasses:
    from timm import create_model

    model = create_model("convnext_base")
    model.head.fc = nn.Linear(1024, 1024)
    return TwoClasses(model)


def _clip() -> TwoClasses:
    return TwoClasses(WholeModel(head=nn.Linear(768, 1024)))
