"""GRIP's ResNet-50 that keeps the full resolution longest, on whole pictures; ten published files fill it.

Gragnaniello et al., "Are GAN generated images easy to detect?" (ICME 2021); as in resnet50nodown.py of
https://github.com/grip-unina/GANimageDetection and networks/resnet_mod.py of
https://github.com/grip-unina/ClipBased-SyntheticImageDetection (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch

from forenbench.types import LogitDetector
from forenbench.weights import Checkpoint, Weights

from .networks import RESNET_50, Network
from .pixels import IMAGENET, Preprocess
from .published import published

if TYPE_CHECKING:
    from torch import Tensor, nn

STRIDE = 8
"""Of the whole network: a picture of H x W pixels has ceil(H / 8) x ceil(W / 8) places."""

HALO = 64
"""Pixels beyond a band that its places see: 56 on each side, to the next multiple of the stride."""

LARGEST = 1 << 20
"""Pixels that go through the network at a time; it takes some 2 kB for each."""


def no_down_checkpoint(name: str) -> Checkpoint:
    """Look one of its published checkpoints up in the catalogue."""
    # Keys and shapes are those of the ordinary ResNet-50, which these files fill without complaint, and
    # give other scores: nothing but a file's sha256 tells the two families apart.
    return published(name, RESNET_50)


def res50nodown() -> nn.Module:
    """Make the network, unfilled: (n, 3, H, W) of any size to one logit each, (n, 1)."""
    from torchvision.models import resnet50

    network = resnet50(num_classes=1)
    # The two reductions in front of the blocks are left out; dropout before `fc` is off in evaluation.
    network.conv1.stride = (1, 1)
    network.maxpool.stride = 1
    made: nn.Module = network
    return made


class NoDownDetector(LogitDetector):
    """A logit of each whole picture at its own size.

    Attributes:
        family: What stands before the variant in a detector's name.
        seen: What the weights of each variant were trained on.
    """

    family: ClassVar[str]
    seen: ClassVar[Mapping[str, tuple[str, ...]]]
    needs: ClassVar[Mapping[str, tuple[Checkpoint, ...]]]
    checkpoints: ClassVar[tuple[Checkpoint, ...]]
    version = "1"
    threshold = 0.5
    prepare = Preprocess(IMAGENET)

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"{self.family}:{variant}"
        self.trained_on = self.seen[variant]
        (checkpoint,) = self.needs[variant]
        self.network = Network(res50nodown, checkpoint).load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, H, W) of any size to raw logits (n,)."""
        # One by one, as its authors do: of the pictures of today one alone fills a GPU, and 32 its memory.
        return torch.cat([self.judge(picture) for picture in torch.split(batch, 1)])

    def judge(self, picture: Tensor) -> Tensor:
        """Map one picture (1, 3, H, W) to its logit (1,)."""
        return whole_logit(self.network, picture)


def whole_logit(network: nn.Module, picture: Tensor, largest: int = LARGEST) -> Tensor:
    """Map one picture (1, 3, H, W) of any size to its logit (1,), in memory that does not grow with it.

    Args:
        network: A `res50nodown`.
        picture: Normalised.
        largest: Pixels that may go through the network at a time; rows beyond go in bands.
    """
    height, width = picture.shape[-2:]
    if height * width <= largest:
        logits: Tensor = network(picture)
        return logits[:, 0]
    # In evaluation each place depends on the pixels around it alone: of a band with a margin on both sides,
    # the places inside are those of the whole picture, up to the order of sums.
    *body, _, classifier = network.children()
    rows = max(STRIDE, largest // width // STRIDE * STRIDE)
    sums = []
    for top in range(0, height, rows):
        first = max(0, top - HALO)
        maps = picture[:, :, first : top + rows + HALO]
        for module in body:
            maps = module(maps)
        inside = (top - first) // STRIDE
        sums.append(maps[:, :, inside : inside + rows // STRIDE].sum((2, 3)))
    places = -(-height // STRIDE) * -(-width // STRIDE)
    logits = classifier(torch.stack(sums).sum(0) / places)
    return logits[:, 0]
