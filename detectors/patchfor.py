"""Patch forensics: a few layers of a network judge every small patch of a picture, and the patches its whole.

Chai, Bau, Lim, Isola, "What makes fake images detectable? Understanding properties that generalize" (ECCV
2020). Code and weights: https://github.com/chail/patch-forensics (no licence).

A variant is a network (Xception up to one of its first five blocks, a ResNet up to its first layer) and what
it was trained on. Published are those of `-celebahq`: ProGAN's faces of 128², and photographs of CelebA-HQ
that ProGAN inverted, against the photographs themselves. The authors took these from the files that the
generator was trained on, at its size, because their networks otherwise learnt how the two sides were scaled
and saved: on photographs of another make, expect that rather than forgery to be seen. FORENBENCH_WEIGHTS may
name the folder `checkpoints` of their archive. It has more (trained on other crops, without inversions, or on
FaceForensics++), which --weights takes, too.

UnivFD's tables compare with `xception-block2` and `resnet50-layer1` trained on ProGAN's images, which nobody
has published: `-progan`, and `-1class`, `-2class`, `-4class` in LGrad's settings. The authors' code has no
settings for a ResNet-50; ours are those of its ResNet-18.

The score is the average of the patches' probabilities, as in the authors' tables. `-before-softmax` averages
logits in its place, `-vote` counts patches: two other numbers that their test.py prints.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from forenbench.weights import Checkpoint, Weights

from ._nets.networks import Network
from ._nets.patch_networks import (
    PATCH_NETWORKS,
    after_softmax,
    before_softmax,
    marks,
    patch_network,
    patch_probabilities,
    preparation,
    side,
    vote,
)
from ._nets.published import TRAINING_DATA, own, published

if TYPE_CHECKING:
    from torch import Tensor

SCORES = {"": after_softmax, "-before-softmax": before_softmax, "-vote": vote}
"""How patches make one score, by the end of a variant's name."""


def _own(name: str, ending: str) -> Checkpoint:
    command = f"bench train patchfor {TRAINING_DATA[ending]} --network {name}"
    return own(f"patchfor-{name}-{ending}", command, marks(name))


BLOCKS = tuple(name for name in PATCH_NETWORKS if name.startswith("xception"))
UNIVFD_ROWS = ("xception-block2", "resnet50-layer1")
FILES = {
    **{
        f"{name}-celebahq{score}": published(f"patchfor-{name}-celebahq", marks(name))
        for name in BLOCKS
        for score in SCORES
    },
    **{f"{name}-progan": _own(name, "progan") for name in PATCH_NETWORKS},
    **{f"{name}-{ending}": _own(name, ending) for name in UNIVFD_ROWS for ending in TRAINING_DATA},
}
"""What each variant reads."""


def network_of(variant: str) -> Network:
    """Say what a variant's network is, and which file fills it."""
    name = next(name for name in PATCH_NETWORKS if variant.startswith(name))
    return Network(partial(patch_network, name), FILES[variant])


class PatchForensics:
    """A classifier of patches, whose average is the picture's score."""

    variants: ClassVar = {"published": tuple(FILES)}
    rows: ClassVar = {"published": ("xception-block2-celebahq",)}
    needs: ClassVar = {variant: (file,) for variant, file in FILES.items()}
    checkpoints: ClassVar = tuple({file.name: file for file in FILES.values()}.values())
    version = "1"
    threshold = 0.5

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"patchfor:{variant}"
        self.trained_on = ("progan", "celebahq") if "-celebahq" in variant else ("progan",)
        self.prepare = preparation(side(variant))
        self.network = network_of(variant).load(weights, self.checkpoints)
        self.reduced = next(how for end, how in reversed(SCORES.items()) if variant.endswith(end))

    def score(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, H, W) to scores (n,) in [0, 1]."""
        return self.reduced(self.network(batch))

    def patches(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, H, W) to each patch's probability of "generated" (n, h, w)."""
        return patch_probabilities(self.network(batch))
