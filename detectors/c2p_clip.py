"""C2P-CLIP: a linear layer on a CLIP ViT-L/14 that was tuned on captions with one prompt a category.

Tan, Tao, Liu, Gu, Wu, Zhao, Wei, "C2P-CLIP: Injecting Category Common Prompt in CLIP to Enhance
Generalization in Deepfake Detection" (AAAI 2025, arXiv 2408.09647). Code and weights:
https://github.com/chuangchuangtan/C2P-CLIP-DeepfakeDetection (no licence).

The file has a tower of its own, which is not OpenAI's: nothing is shared with other detectors. The shorter
side is scaled to 224 pixels, up or down, before the central 224 are cut out; features are divided by their
length.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from torch import Tensor, nn

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.encoders import clip_tower
from ._nets.huggingface_clip import ClipClassifier, HuggingFaceNames
from ._nets.networks import Network
from ._nets.pixels import CLIP, Preprocess
from ._nets.published import published

CHECKPOINT = published(
    "c2p-clip",
    {"model.vision_model.embeddings.class_embedding": (1024,), "model.fc.weight": (1, 768)},
)
NAMES = HuggingFaceNames("model.vision_model.", "model.fc.", "model.visual_projection.weight")


class C2PClip(LogitDetector):
    """A classifier with one logit on the direction of CLIP's features.

    Args:
        variant: "published".
        weights: The run's files.
        tower: Another image tower, for files that have one of another size.
    """

    variants: ClassVar = {"published": ("published",)}
    needs: ClassVar = {"published": (CHECKPOINT,)}
    checkpoints: ClassVar = (CHECKPOINT,)
    version = "1"
    threshold = 0.5
    # The authors do not say on what; users find it good at GANs alone, as what was trained on ProGAN is.
    trained_on = ("progan",)
    # Other harnesses crop alone: that is another detector.
    prepare = Preprocess(CLIP, resize=224, crop=224, squash=False)

    def __init__(self, variant: str, weights: Weights, tower: Callable[[], nn.Module] = clip_tower) -> None:
        self.name = f"c2p-clip:{variant}"
        self.network = network(tower).load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, 224, 224) to raw logits (n,)."""
        logits: Tensor = self.network(batch)
        return logits.squeeze(1)


def network(tower: Callable[[], nn.Module] = clip_tower) -> Network:
    """Say what the network is, and which file fills it."""
    return Network(partial(ClipClassifier, 1, projected=True, unit=True, tower=tower), CHECKPOINT, NAMES)
