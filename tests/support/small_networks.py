"""Networks of published kinds with few blocks or feature maps, for tests of what is done with their scores.

Golden tests, and `test_published_keys.py` of files, say whether those of full size are the published ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import open_clip
import pytest
import torch
import torchvision
from formula import shapes_of
from published_keys import Shapes, published_keys
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.models.vgg import VGG
from torchvision.models.vision_transformer import VisionTransformer

from forenbench.detectors._nets import gan_discriminators, idinvert_encoder, stylegan2_discriminator
from forenbench.detectors._nets.frequency_maps import PerturbationMap
from forenbench.detectors._nets.gan_discriminators import pggan_256, stylegan_256
from forenbench.detectors._nets.idinvert_encoder import idinvert_256
from forenbench.detectors._nets.image_models import vgg_16
from forenbench.detectors._nets.networks import Network
from forenbench.detectors._nets.stylegan2_discriminator import stylegan2_256
from forenbench.detectors._nets.transformations import TRANSFORMATIONS

BLOCKS = (1, 1, 1, 1)
"""Of the four stages of a ResNet; transformers have one."""

INSIDE = 4
"""Maps inside a ResNet's bottleneck for each 64 of its stage, where published ones have 64."""

STAGED = re.compile(r"\blayer([1-4])\.(\d+)\.")
"""How published files call what is in a block of a ResNet, by stage and block."""

BOTTLENECK = re.compile(r"(?<!visual\.)(layer[1-4]\.\d+\.)(?:conv|bn)([123])\.")
"""How they call what is in a bottleneck of torchvision's: its block, and the number of the layer."""

LATER = re.compile(r"blocks\.[1-9]|encoder_layer_[1-9]")
"""How they call what is in a block of a transformer behind the first."""

NARROW = (pggan_256, stylegan_256, stylegan2_256, idinvert_256, vgg_16)
"""They make networks that have fewer feature maps instead: each of their blocks halves the image."""

OF_VGG = [64, 8, "M", 8, 8, "M", 16, 16, 16, "M", 16, 16, 16, "M", 16, 16, 512, "M"]
"""Feature maps of VGG-16 from layer to layer: behind the first and the last as many as published."""


def make_networks_small(patch: pytest.MonkeyPatch, blocks: Sequence[int] = BLOCKS) -> None:
    """Have torchvision and open_clip build few blocks, and modules of ours few feature maps.

    Bottlenecks have fewer maps inside, too.

    Args:
        patch: Takes it back.
        blocks: At most so many in each stage of a ResNet.
    """

    def shallow(block: type[BasicBlock | Bottleneck], layers: Sequence[int], **options: object) -> ResNet:
        if block is Bottleneck:
            options["width_per_group"] = INSIDE
        return ResNet(block, [min(pair) for pair in zip(layers, blocks, strict=True)], **options)  # type: ignore[arg-type]

    def slender(features: nn.Module, **options: bool) -> VGG:
        network = VGG(features, **options)
        network.classifier[0], network.classifier[3] = nn.Linear(512 * 7 * 7, 8), nn.Linear(8, 4096)
        return network

    patch.setattr(torchvision.models.resnet, "ResNet", shallow)
    patch.setattr(torchvision.models.vgg, "VGG", slender)
    patch.setattr(torchvision.models, "vit_b_16", partial(VisionTransformer, 224, 16, 1, 12, 768, 3072))
    for name, layers in (("ViT-L-14-quickgelu", 1), ("RN50-quickgelu", [*blocks])):
        configuration = open_clip.get_model_config(name)
        configuration["vision_cfg"]["layers"] = layers
        patch.setitem(open_clip.factory._MODEL_CONFIGS, name, configuration)
    for module in (gan_discriminators, stylegan2_discriminator):
        patch.setattr(module, "CHANNELS", [maps // 16 for maps in module.CHANNELS])
    patch.setitem(torchvision.models.vgg.cfgs, "D", OF_VGG)
    patch.setattr(PerturbationMap.__init__, "__defaults__", (32, 1))  # one residual block
    patch.setattr(idinvert_encoder, "WIDTHS", [maps // 32 for maps in idinvert_encoder.WIDTHS])
    patch.setattr(idinvert_encoder, "CODES", 5)


def small_shapes(name: str, blocks: Sequence[int] = BLOCKS) -> Shapes:
    """Give the entries of a checkpoint's published file that its network has when it is small."""
    entries = {**published_keys()[name], **_narrow(name)}
    kept = {key: shape for key, shape in entries.items() if not LATER.search(key) and _is_kept(key, blocks)}
    return {key: _slim(key, shape, kept) for key, shape in kept.items()}


def _is_kept(key: str, blocks: Sequence[int]) -> bool:
    found = STAGED.search(key)
    return found is None or int(found[2]) < blocks[int(found[1]) - 1]


def _slim(key: str, shape: tuple[int, ...], beside: Shapes) -> tuple[int, ...]:
    """Give an entry of a bottleneck `INSIDE` maps for each 64, on the sides of it that lie inside."""
    found = BOTTLENECK.search(key)
    if found is None or f"{key[: found.end(1)]}conv3.weight" not in beside:  # a block of two layers
        return shape
    inside = {"1": (0,), "2": (0, 1), "3": (1,)}[found[2]]
    return tuple(size * INSIDE // 64 if at in inside else size for at, size in enumerate(shape))


def _narrow(name: str) -> Shapes:
    models = [one.model for one in TRANSFORMATIONS.values() if isinstance(one.model, Network)]
    builds = [model.build for model in models if model.checkpoint.name == name]
    with torch.device("meta"):
        return {key: shape for build in builds if build in NARROW for key, shape in shapes_of(build())}
