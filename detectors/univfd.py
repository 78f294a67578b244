"""UnivFD: a linear probe and nearest neighbours in the feature space of a frozen CLIP ViT-L/14.

Ojha, Li, Lee, "Towards Universal Fake Image Detectors that Generalize Across Generative Models" (CVPR 2023).
Code and head: https://github.com/WisconsinAIVision/UniversalFakeDetect (MIT); CLIP: OpenAI (MIT).

Images are never resized: the central 224 pixels, black around smaller pictures. The linear probe is the
official one. For the neighbours the authors released no code: as the paper describes, a picture is compared
with a bank of real and one of fake training features by cosine distance. With k = 1 it is fake if its nearest
fake is strictly nearer than its nearest real, on which all readings of the paper agree. For k > 1 the mean
distances to the k nearest of each bank are compared: the share of fakes among them would be full of ties.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from forenbench.types import BenchError, LogitDetector
from forenbench.weights import Checkpoint, Weights, WrongWeights, describe, frozen

from ._nets.encoders import CLIP_VIT_L14, EFFICIENTNET_LITE0, FrozenEncoder, clip_vit_l14, efficientnet_lite0
from ._nets.neighbours import FeatureBank
from ._nets.networks import shipped

HEAD = Checkpoint(
    name="univfd-head",
    file="fc_weights.pth",
    source="pretrained_weights/ of https://github.com/WisconsinAIVision/UniversalFakeDetect",
    licence="MIT",
    marks={"weight": (1, 768), "bias": (1,)},
    sha256="477100745713bcc957beb2b40859536859b6483fd6301b3b9293151b194c7847",
)
BANK = Checkpoint(
    name="univfd-bank",
    file="univfd_bank.safetensors",
    source="your own copy of the ProGAN training set (nobody has published one): a safetensors file with the "
    "encoder's features as `real` (n, 768) and `fake` (m, 768)",
    licence="yours",
)
FILES = {
    "published": (clip_vit_l14, HEAD, BANK),
    "sample": (efficientnet_lite0, shipped("univfd_lc"), shipped("univfd_bank")),
}
NEIGHBOURS = {f"nn-k{k}": k for k in (1, 3, 5, 9)}


class LinearProbe(LogitDetector):
    """One logit from the features."""

    version = "1"
    threshold = 0.5

    def __init__(self, name: str, encoder: FrozenEncoder, head: nn.Module) -> None:
        self.name, self.encoder, self.head = name, encoder, head
        self.prepare = encoder.prepare

    def logit(self, batch: Tensor) -> Tensor:
        """Map features (n, d) to raw logits (n,)."""
        logits: Tensor = self.head(batch)
        return logits.squeeze(1)


class NearestNeighbours:
    """How much nearer the k nearest fakes are than the k nearest reals; no probability."""

    version = "1"
    threshold = 0.0

    def __init__(self, name: str, encoder: FrozenEncoder, bank: FeatureBank, k: int) -> None:
        if k > bank.smallest:
            raise BenchError(f"{name} needs at least {k} features on each side; the bank has {bank.smallest}")
        self.name, self.encoder, self.bank, self.k = name, encoder, bank, k
        self.prepare = encoder.prepare

    def score(self, batch: Tensor) -> Tensor:
        """Map features (n, d) to differences of mean cosine distances (n,), in [-2, 2]."""
        return self.bank.score(batch, self.k)


class _Family:
    """Makes the detector of each variant; all share one encoder, the neighbours one bank."""

    variants: ClassVar = dict.fromkeys(FILES, ("lc", *NEIGHBOURS))
    checkpoints: ClassVar = (
        *(CLIP_VIT_L14, EFFICIENTNET_LITE0),
        *(checkpoint for _, head, bank in FILES.values() for checkpoint in (head, bank)),
    )

    def __call__(self, variant: str, weights: Weights) -> LinearProbe | NearestNeighbours:
        encode, head, bank = FILES[weights.kind]
        name, encoder = f"univfd:{variant}", encode(weights)
        if variant in NEIGHBOURS:
            features = weights.shared(bank.name, lambda: _bank(weights, bank, encoder.width))
            return NearestNeighbours(name, encoder, features, NEIGHBOURS[variant])
        state = weights.load(head)
        known = (*self.checkpoints, *weights.known)
        probe = frozen(lambda: nn.Linear(encoder.width, 1), state, head, known)
        return LinearProbe(name, encoder, probe)


UnivFD = _Family()


def _bank(weights: Weights, checkpoint: Checkpoint, width: int) -> FeatureBank:
    """Read a bank, which must have been made with an encoder of this width."""
    content = weights.load(checkpoint)
    sides = {
        side: features
        for side, features in content.items()
        if isinstance(features, Tensor) and features.ndim == 2 and features.shape[1] == width
    }
    if not sides.keys() == content.keys() == {"real", "fake"}:
        raise WrongWeights(
            f"weights '{checkpoint.name}': expected `real` (n, {width}) and `fake` (m, {width}), no more; "
            f"the file seems to be {describe(content, (CLIP_VIT_L14, HEAD))}"
        )
    return FeatureBank(sides["real"], sides["fake"])
