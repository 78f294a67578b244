"""Effort: CLIP ViT-L/14 that learnt in one singular direction of its attention's matrices, under a layer.

Yan et al., "Orthogonal Subspace Decomposition for Generalizable AI-Generated Image Detection" (ICML 2025,
arXiv 2411.15633). Code and weights: https://github.com/YZY-stack/Effort-AIGI-Detection (CC BY-NC 4.0).

There are two families of files, which look alike and do not fit each other's code. `ufd` is of the code for
Ojha et al.'s benchmark: one logit; pictures with a side below 256 are laid out beside themselves, then the
central 224 pixels are cut out. `dfb` is of DeepfakeBench's: two classes; pictures are squashed to 224 x 224
without smoothing, by OpenCV's linear filter in the README's demo, by its cubic one in the benchmark's code
(`-cubic`). Trained were `dfb` on GenImage's SD 1.4, `-chameleon`, and `-faces` for pictures of faces alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from torch import Tensor, nn

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.encoders import clip_tower
from ._nets.huggingface_clip import ClipClassifier
from ._nets.networks import Network
from ._nets.opencv_resizing import SquashedByOpenCV
from ._nets.pixels import CLIP, Preprocess, Tiled
from ._nets.published import published
from ._nets.singular_residuals import ResidualNames
from ._nets.widening import widened

# The first family saves all of CLIP, of which no picture passes these.
TEXT = ("model.text_model.", "model.text_projection.", "model.visual_projection.", "model.logit_scale")
UFD = ResidualNames("model.vision_model.", "fc.", unused=TEXT)
DFB = ResidualNames("backbone.", "head.")
FIRST = "encoder.layers.0.self_attn.k_proj.weight_main"
MARKS = {
    UFD: {f"{UFD.tower}{FIRST}": (1024, 1024), "fc.weight": (1, 1024)},
    DFB: {f"{DFB.tower}{FIRST}": (1024, 1024), "head.weight": (2, 1024)},
}
TRAINED_ON = {
    "ufd": ("progan",),
    "dfb": ("sd-v1.4",),
    "dfb-chameleon": ("chameleon", "sd-v1.4"),
    "dfb-faces": ("ff++",),
}
CUBIC = "-cubic"
FILES = {name: published(f"effort-{name}", MARKS[UFD if name == "ufd" else DFB]) for name in TRAINED_ON}
VARIANTS = {**FILES, **{f"{name}{CUBIC}": file for name, file in FILES.items() if name != "ufd"}}
"""What each variant reads."""


class EffortOfOjha(LogitDetector):
    """The first family: one logit."""

    version = "1"
    threshold = 0.5
    # 256, though the crop is 224: a picture of 230 is laid out twice and then cut.
    prepare = Tiled(256, Preprocess(CLIP, crop=224))

    def __init__(self, name: str, trained_on: tuple[str, ...], network: nn.Module) -> None:
        self.name, self.trained_on, self.network = name, trained_on, network

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, 224, 224) to raw logits (n,)."""
        logits: Tensor = self.network(batch)
        return logits.squeeze(1)


class EffortOfDeepfakeBench:
    """The second family: a class of photographs and one of fakes."""

    version = "1"
    threshold = 0.5

    def __init__(self, name: str, trained_on: tuple[str, ...], network: nn.Module) -> None:
        self.name, self.trained_on, self.network = name, trained_on, network
        self.prepare = SquashedByOpenCV(CLIP, 224, "CUBIC" if name.endswith(CUBIC) else "LINEAR")

    def score(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, 224, 224) to scores (n,) in [0, 1]."""
        # No sigmoid of the difference: the official scores tie where a softmax in float32 ends.
        logits = widened(self.network(batch))
        return logits.softmax(1)[:, 1]


class _Families:
    """Makes the detector of each variant."""

    variants: ClassVar = {"published": tuple(VARIANTS)}
    rows: ClassVar = {"published": ("ufd", "dfb")}
    needs: ClassVar = {variant: (file,) for variant, file in VARIANTS.items()}
    checkpoints: ClassVar = tuple(FILES.values())

    def __call__(
        self, variant: str, weights: Weights, tower: Callable[[], nn.Module] = clip_tower
    ) -> EffortOfOjha | EffortOfDeepfakeBench:
        family = EffortOfOjha if variant == "ufd" else EffortOfDeepfakeBench
        network = network_of(variant, tower).load(weights, self.checkpoints)
        return family(f"effort:{variant}", TRAINED_ON[variant.removesuffix(CUBIC)], network)


def network_of(variant: str, tower: Callable[[], nn.Module] = clip_tower) -> Network:
    """Say what a variant's network is, and which file fills it; files may have another image tower."""
    names, classes = (UFD, 1) if variant == "ufd" else (DFB, 2)
    return Network(partial(ClipClassifier, classes, tower=tower), VARIANTS[variant], names)


Effort = _Families()
