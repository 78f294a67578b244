"""Networks that judge every patch of a picture: the first layers of a ResNet or of Xception, and two classes.

Chai, Bau, Lim, Isola, "What makes fake images detectable?" (ECCV 2020); the authors' code is
https://github.com/chail/patch-forensics (no licence): models/networks/customnet.py, data/transforms.py,
models/patch_discriminator_model.py.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from torch import nn

from .pixels import SYMMETRIC, Preprocess
from .widening import widened

if TYPE_CHECKING:
    from torch import Tensor

PATCH_NETWORKS = {
    "resnet18-layer1": ("layer1.1.bn2", 64),
    "resnet50-layer1": ("layer1.2.bn3", 256),
    "xception-block1": ("block1.rep.4", 128),
    "xception-block2": ("block2.rep.5", 256),
    "xception-block3": ("block3.rep.5", 728),
    "xception-block4": ("block4.rep.8", 728),
    "xception-block5": ("block5.rep.8", 728),
}
"""By network and the last layer of it that is kept: the last batch norm there, and its channels."""

FAKE_CLASS = 0
"""Of the two classes; in this project 1 is real."""


def patch_network(name: str) -> nn.Sequential:
    """Make one of `PATCH_NETWORKS`, unfilled: (n, 3, H, W) to the logits of two classes (n, 2, h, w).

    Of a picture of its `side`, ResNets judge 56×56 patches, Xception 74×74 after block 1, 37×37 after block
    2, and 19×19 after the blocks behind it.
    """
    trunk, _, last = name.partition("-")
    whole: nn.Module
    # Imported here: timm takes seconds, and whoever lists detectors needs neither.
    if trunk == "xception":
        from timm.models.xception import Xception

        # The same port of Keras's Xception as the authors', with the same names.
        whole = Xception()
    else:
        from torchvision import models

        whole = getattr(models, trunk)()
    layers = list(whole.named_children())
    end = [layer for layer, _ in layers].index(last) + 1
    # The published names are those of the whole networks, for the authors cut these off, too.
    head = nn.Conv2d(PATCH_NETWORKS[name][1], 2, 1)
    return nn.Sequential(OrderedDict([*layers[:end], ("convout", head)]))


def marks(name: str) -> dict[str, tuple[int, ...]]:
    """Return keys with shapes that tell a network's file from the others'."""
    norm, channels = PATCH_NETWORKS[name]
    return {f"{norm}.weight": (channels,), "convout.weight": (2, channels, 1, 1)}


def side(name: str) -> int:
    """Say how large the square is that a network sees."""
    # The authors have a script for a ResNet-18 of 224 alone; a ResNet-50 in its place is others' idea.
    return 299 if name.startswith("xception") else 224


def preparation(side: int) -> Preprocess:
    """Scale the shorter side to this many pixels, and see the central square of them."""
    # get_transform(for_val=True): all patches of the square, where whole networks see a smaller crop.
    return Preprocess(SYMMETRIC, resize=side, crop=side, resample="lanczos", squash=False)


def after_softmax(logits: Tensor) -> Tensor:
    """Average the patches' probabilities of "generated", (n, 2, h, w) to (n,): the authors' score."""
    return patch_probabilities(logits).mean((1, 2))


def before_softmax(logits: Tensor) -> Tensor:
    """Make one probability of "generated" from the average of the logits, (n, 2, h, w) to (n,)."""
    return widened(logits).mean((2, 3)).softmax(1)[:, FAKE_CLASS]


def vote(logits: Tensor) -> Tensor:
    """Return the share of patches that are called generated, (n, 2, h, w) to (n,)."""
    # argmax takes the first of equals, as the authors' does: a patch in doubt is generated.
    return (logits.argmax(1) == FAKE_CLASS).float().mean((1, 2))


def patch_probabilities(logits: Tensor) -> Tensor:
    """Return each patch's probability of "generated", (n, 2, h, w) to (n, h, w)."""
    return widened(logits).softmax(1)[:, FAKE_CLASS]
