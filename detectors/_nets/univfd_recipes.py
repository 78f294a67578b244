"""UnivFD's variants: which backbone, and which file on top of it. One of those files is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from forenbench.weights import Checkpoint

from .encoders import BACKBONES, Backbone
from .networks import shipped
from .published import own, published

NEIGHBOURS = {f"nn-k{k}": k for k in (1, 3, 5, 9)}
HEAD = published("univfd-head", {"weight": (1, 768), "bias": (1,)})


@dataclass(frozen=True)
class HeadRecipe:
    """One variant on a frozen backbone.

    Attributes:
        backbone: Makes the features.
        checkpoint: A linear layer on them, or a bank of training features.
        k: Neighbours that are compared; 0 for a linear layer.
    """

    backbone: Backbone
    checkpoint: Checkpoint
    k: int = 0

    @property
    def checkpoints(self) -> tuple[Checkpoint, Checkpoint]:
        """The files it reads."""
        return self.backbone.checkpoint, self.checkpoint


def own_head(name: str, backbone: str) -> Checkpoint:
    """Describe a linear layer that users train; ``weight`` (1, width) and ``bias`` (1,), as published."""
    # The width tells heads of CLIP ViT-L/14 and ViT-B/16 from the others; those two have the same.
    marks = {"weight": (1, BACKBONES[backbone].width), "bias": (1,)}
    return own(name, _command("univfd-lc", backbone), marks)


def own_bank(name: str, backbone: str) -> Checkpoint:
    """Describe a bank that users make: features of the training images, real and generated."""
    # No marks: how many rows it has is the user's choice.
    width = BACKBONES[backbone].width
    content = f"safetensors, `real` (n, {width}) and `fake` (m, {width})"
    return own(name, _command("univfd-nn", backbone), safetensors=content)


def _command(recipe: str, backbone: str) -> str:
    return f"bench train {recipe} --data forensynths-train --backbone {backbone}"


FINETUNED = replace(
    own(
        "univfd-finetuned",
        _command("univfd-lc", "clip-vit-l14") + " --end-to-end",
        {"model.visual.class_embedding": (1024,), "fc.weight": (1, 768)},
    ),
    format="torch, image tower ('model.visual.') and head ('fc.')",
)


def _on(backbone: str, head: Checkpoint, bank: Checkpoint, prefix: str = "") -> dict[str, HeadRecipe]:
    # One bank serves every k: to make it is the work, a search in it takes seconds.
    network = BACKBONES[backbone]
    neighbours = {prefix + name: HeadRecipe(network, bank, k) for name, k in NEIGHBOURS.items()}
    return {f"{prefix}lc": HeadRecipe(network, head), **neighbours}


def _ablation(backbone: str) -> dict[str, HeadRecipe]:
    name = f"univfd-{backbone}"
    head, bank = own_head(f"{name}-head", backbone), own_bank(f"{name}-bank", backbone)
    return _on(backbone, head, bank, f"{backbone}-")


MAIN: Mapping[str, HeadRecipe] = _on("clip-vit-l14", HEAD, own_bank("univfd-bank", "clip-vit-l14"))
"""The rows of the paper's main tables that stand on the frozen backbone."""

PUBLISHED: Mapping[str, HeadRecipe] = {
    **MAIN,
    "lc-own": HeadRecipe(BACKBONES["clip-vit-l14"], own_head("univfd-lc-own", "clip-vit-l14")),
    **_ablation("clip-rn50"),
    **_ablation("imagenet-resnet50"),
    **_ablation("imagenet-vit-b16"),
}
SAMPLE: Mapping[str, HeadRecipe] = _on("efficientnet-lite0", shipped("univfd_lc"), shipped("univfd_bank"))
