"""UnivFD: a linear probe and nearest neighbours in the feature space of a frozen CLIP ViT-L/14.

Ojha, Li, Lee, "Towards Universal Fake Image Detectors that Generalize Across Generative Models" (CVPR 2023).
Code and head: https://github.com/WisconsinAIVision/UniversalFakeDetect (MIT); CLIP: OpenAI (MIT).

Images are never resized: the central 224 pixels, black around smaller pictures. The linear probe is the
official one. For the neighbours the authors released no code: as the paper describes, a picture is compared
with a bank of real and one of fake training features by cosine distance. With k = 1 it is fake if its nearest
fake is strictly nearer than its nearest real, on which all readings of the paper agree. For k > 1 the mean
distances to the k nearest of each bank are compared: the share of fakes among them would be full of ties.

Only the head on CLIP ViT-L/14 is published. `lc-own` is a head of one's own training on it, `finetuned` the
paper's "ViT:CLIP (B+J 0.5)", trained as a whole; the paper's other backbones stand before `lc` and `nn-k…`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from forenbench.errors import BenchError
from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.encoders import BACKBONES, FrozenEncoder
from ._nets.heads import feature_bank, finetuned_clip, linear_probe
from ._nets.univfd_recipes import FINETUNED, MAIN, PUBLISHED, SAMPLE

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ._nets.neighbours import FeatureBank


class LinearProbe(LogitDetector):
    """One logit from the features."""

    version = "1"
    trained_on: tuple[str, ...] = ()
    threshold = 0.5

    def __init__(self, name: str, encoder: FrozenEncoder, head: nn.Module) -> None:
        self.name, self.encoder, self.head = name, encoder, head
        self.prepare = encoder.prepare

    def logit(self, batch: Tensor) -> Tensor:
        """Map features (n, d) to raw logits (n,)."""
        logits: Tensor = self.head(batch)
        return logits.squeeze(1)


class NearestNeighbours:
    """How much nearer the k nearest fakes are than the k nearest reals; not a probability."""

    version = "1"
    trained_on: tuple[str, ...] = ()
    threshold = 0.0  # strictly above is fake: a tie of distances is real, as the paper's "<" has it

    def __init__(self, name: str, encoder: FrozenEncoder, bank: FeatureBank, k: int) -> None:
        # Now and not at the first image: a bank is made by hand, and may be a small one.
        if k > bank.smallest:
            raise BenchError(f"{name} needs at least {k} features on each side; the bank has {bank.smallest}")
        self.name, self.encoder, self.bank, self.k = name, encoder, bank, k
        self.prepare = encoder.prepare

    def score(self, batch: Tensor) -> Tensor:
        """Map features (n, d) to differences of mean cosine distances (n,), in [-2, 2]."""
        return self.bank.score(batch, self.k)


class FineTuned(LogitDetector):
    """One logit from a CLIP that was trained as well, and so serves no other detector."""

    version = "1"
    trained_on: tuple[str, ...] = ()
    threshold = 0.5

    def __init__(self, name: str, network: nn.Module) -> None:
        self.name, self.network = name, network
        self.prepare = BACKBONES["clip-vit-l14"].prepare

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, 224, 224) to raw logits (n,)."""
        logits: Tensor = self.network(batch)
        return logits.squeeze(1)


class _Family:
    """Makes the detector of each variant; those of one backbone share it, its neighbours one bank."""

    variants: ClassVar = {"published": (*PUBLISHED, "finetuned"), "sample": tuple(SAMPLE)}
    rows: ClassVar = {"published": tuple(MAIN), "sample": tuple(SAMPLE)}
    needs: ClassVar = {"finetuned": (FINETUNED,)} | {
        variant: recipe.checkpoints for variant, recipe in PUBLISHED.items()
    }
    checkpoints: ClassVar = (
        *dict.fromkeys(file for one in (*PUBLISHED.values(), *SAMPLE.values()) for file in one.checkpoints),
        FINETUNED,
    )

    def __call__(self, variant: str, weights: Weights) -> LinearProbe | NearestNeighbours | FineTuned:
        name = f"univfd:{variant}"
        made: LinearProbe | NearestNeighbours | FineTuned
        if variant == "finetuned":
            made = FineTuned(name, finetuned_clip(weights, FINETUNED, self.checkpoints))
        else:
            # Variants of both kinds have the same names, on other backbones.
            recipe = {"published": PUBLISHED, "sample": SAMPLE}[weights.kind][variant]
            if recipe.k:
                encoder = recipe.backbone.load(weights)
                bank = feature_bank(weights, recipe.checkpoint, encoder.width)
                made = NearestNeighbours(name, encoder, bank, recipe.k)
            else:
                probe = linear_probe(weights, recipe.checkpoint, recipe.backbone, self.checkpoints)
                made = LinearProbe(name, *probe)
        made.trained_on = ("nearest",) if weights.kind == "sample" else ("progan",)
        return made


UnivFD = _Family()
