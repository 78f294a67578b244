"""GenD: CLIP ViT-L/14 of which training moved the norms alone, and a linear layer; for pictures of faces.

Yermakov, Cech, Matas, Fritz, "Deepfake Detection that Generalizes Across Benchmarks" (WACV 2026, arXiv
2508.06248). Code and weights: https://github.com/yermandy/GenD (MIT).

The authors cut faces out first, with a margin of 1.3; this harness cuts out none, and whole pictures are a
misuse. The two heads have equal files: `clip-norm` divides features by their length, as the paper does,
`clip-linear` does not. The file's own config.json says which one it is ("LinearNorm" or "linear").
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from torch import Tensor, nn

from forenbench.weights import Weights

from ._nets.encoders import clip_tower
from ._nets.huggingface_clip import ClipClassifier, HuggingFaceNames
from ._nets.networks import Network
from ._nets.pixels import CLIP, FlooredCrop
from ._nets.published import published
from ._nets.widening import widened

NAMES = HuggingFaceNames(
    "feature_extractor.vision_model.", "model.linear.", unused=("feature_extractor.visual_projection.",)
)
CHECKPOINT = published(
    "gend-clip", {f"{NAMES.tower}embeddings.class_embedding": (1024,), "model.linear.weight": (2, 1024)}
)


class GenD:
    """A classifier with a class of photographs and one of fakes.

    Args:
        variant: "clip-norm" or "clip-linear".
        weights: The run's files.
        tower: Another image tower, for files that have one of another size.
    """

    variants: ClassVar = {"published": ("clip-norm", "clip-linear")}
    rows: ClassVar = {"published": ("clip-norm",)}
    needs: ClassVar = dict.fromkeys(variants["published"], (CHECKPOINT,))
    checkpoints: ClassVar = (CHECKPOINT,)
    version = "1"
    threshold = 0.5
    trained_on = ("ff++",)
    # What transformers' CLIPImageProcessor does.
    prepare = FlooredCrop(CLIP, resize=224, crop=224, resample="bicubic", squash=False)

    def __init__(self, variant: str, weights: Weights, tower: Callable[[], nn.Module] = clip_tower) -> None:
        self.name = f"gend:{variant}"
        self.network = network_of(variant, tower).load(weights, self.checkpoints)

    def score(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, 224, 224) to scores (n,) in [0, 1]."""
        # No sigmoid of the difference: the official scores tie where a softmax in float32 ends.
        logits = widened(self.network(batch))
        return logits.softmax(1)[:, 1]


def network_of(variant: str, tower: Callable[[], nn.Module] = clip_tower) -> Network:
    """Say what a variant's network is, and which file fills it."""
    return Network(partial(ClipClassifier, 2, unit=variant == "clip-norm", tower=tower), CHECKPOINT, NAMES)
