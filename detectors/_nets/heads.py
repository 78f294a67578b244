"""What is trained on top of a frozen encoder, read from the files that trainings write."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from forenbench.weights import Checkpoint, Weights, WrongWeights, describe

from .encoders import CLIP_VIT_L14, Backbone, FrozenEncoder, clip_tower
from .neighbours import FeatureBank
from .networks import Network

if TYPE_CHECKING:
    from .image_models import State

TEXT_TOWER = (
    "model.transformer.",
    "model.token_embedding.weight",
    "model.positional_embedding",
    "model.ln_final.",
    "model.text_projection",
    "model.logit_scale",
)
"""How the keys of a training checkpoint begin that judge no image: CLIP's text side stays in the model."""

CLASSIFIERS = ("model.fc.", "model.heads.head.")
"""How the thousand classes' keys of torchvision's backbones begin, which the features come before."""


STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""What training changes in a batch norm even where its weights are frozen."""


def linear_probe(
    weights: Weights, checkpoint: Checkpoint, backbone: Backbone, known: Iterable[Checkpoint]
) -> tuple[FrozenEncoder, nn.Module]:
    """Load a linear layer from features to one logit, and the encoder that makes them.

    The file holds the layer alone (``weight``, ``bias``), or is a whole checkpoint of the official training,
    with ``fc.*`` beside the backbone's ``model.*``. The official training leaves the batch norms of a frozen
    backbone in training mode: then the encoder has the statistics that the layer was trained with.

    Args:
        weights: The run's files.
        checkpoint: The head's.
        backbone: What its features come from.
        known: Checkpoints that users may mistake for this one.

    Raises:
        MissingWeights: A file is not on this machine.
        WrongWeights: It holds something else, or a backbone that is not this one.
    """
    weights.path(backbone.checkpoint)  # of two missing files, the larger is named first
    # A head has 4 kB, a whole checkpoint of the official training 1 to 2 GB; people have either.
    head = Network(partial(nn.Linear, backbone.width, 1), checkpoint)
    with weights.recording() as files:
        state: State = weights.load(checkpoint)
    if "fc.weight" not in state:  # the layer alone: nothing large is read before it is known to fit
        layer = head.fill(weights, known, state)
        return backbone.load(weights), layer
    # networks/trainer.py of UniversalFakeDetect turns gradients off for --fix_backbone and leaves batch norms
    # in training mode; ViT backbones have none.
    encoder = backbone.load(weights)
    statistics, rest = _of_training(state, encoder, checkpoint)
    if statistics:
        encoder = encoder.with_statistics(statistics, ", ".join(files.values()))
        weights.remark(
            files, "were trained beside batch norms that drifted; these are used as they are there"
        )
    return encoder, head.fill(weights, known, rest)


def finetuned_clip(weights: Weights, checkpoint: Checkpoint, known: Iterable[Checkpoint]) -> nn.Module:
    """Load CLIP's ViT-L/14 with a linear layer, trained together: (n, 3, 224, 224) to one logit (n, 1).

    Raises:
        MissingWeights: The file is not on this machine.
        WrongWeights: It holds something else; only CLIP's text side may be there without being read.
    """
    return Network(WholeModel, checkpoint, partial(without, starts=TEXT_TOWER)).load(weights, known)


def feature_bank(weights: Weights, checkpoint: Checkpoint, width: int) -> FeatureBank:
    """Load features of real and generated pictures, once per run.

    Raises:
        MissingWeights: The file is not on this machine.
        WrongWeights: It does not hold `real` (n, width) and `fake` (m, width), and nothing else.
    """

    def make() -> FeatureBank:
        content = weights.load(checkpoint)
        sides = {
            side: features
            for side, features in content.items()
            if isinstance(features, Tensor) and features.ndim == 2 and features.shape[1] == width
        }
        if not sides.keys() == content.keys() == {"real", "fake"}:
            raise WrongWeights(
                f"weights '{checkpoint.name}': expected `real` (n, {width}) and `fake` (m, {width}), no "
                f"more; the file seems to be {describe(content, (CLIP_VIT_L14, *weights.known))}"
            )
        return FeatureBank(sides["real"], sides["fake"])

    return weights.shared(checkpoint.name, make)


class WholeModel(nn.Module):
    """The official model and its names: an image tower, ``model.visual.*``, and a layer, ``fc.*``.

    Args:
        tower: Makes features; by default CLIP's ViT-L/14, unfilled.
        head: From its features to one logit.
    """

    def __init__(self, tower: nn.Module | None = None, head: nn.Linear | None = None) -> None:
        super().__init__()
        self.model = nn.ModuleDict({"visual": clip_tower() if tower is None else tower})
        self.fc = nn.Linear(768, 1) if head is None else head

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, 3, H, W) to raw logits (n, 1)."""
        logits: Tensor = self.fc(self.model["visual"](images))
        return logits


def _of_training(
    state: State, encoder: FrozenEncoder, checkpoint: Checkpoint
) -> tuple[dict[str, Tensor], State]:
    """Split off the batch norm statistics that differ from the frozen backbone's, and the head."""
    # The official model keeps all of CLIP, whose text side no
    # image passes; ImageNet's networks keep their classes.
    rest = without(state, TEXT_TOWER + CLASSIFIERS)
    prefix = "model.visual." if any(key.startswith("model.visual.") for key in rest) else "model."
    drifted: dict[str, Tensor] = {}
    for key, expected in encoder.network.state_dict().items():
        value = rest.pop(prefix + key, None)
        if isinstance(value, Tensor) and value.shape == expected.shape:
            # Up to the rounding of float16, in which OpenAI published CLIP. `equal`, which most are, takes a
            # thirtieth of the time.
            here = value.to(expected)
            if torch.equal(here, expected) or torch.allclose(here, expected, rtol=1e-3, atol=1e-6):
                continue
            if key.endswith(STATISTICS):
                drifted[key] = value
                continue
        raise WrongWeights(
            f"weights '{checkpoint.name}': a training checkpoint with another backbone than this run's "
            f"frozen one ('{prefix + key}' differs); a head fits its own backbone only"
        )
    return drifted, {key.removeprefix("fc."): value for key, value in rest.items()}


def without(state: State, starts: tuple[str, ...]) -> dict[str, object]:
    """Leave out the entries whose names begin so."""
    return {key: value for key, value in state.items() if not key.startswith(starts)}
