"""Every file of the catalogue loads under the names it was published with, and not with one entry missing."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import torch
from golden import NUMBERS, keys_sha256
from huggingface import huggingface_names
from published_keys import flat, published_keys, wrapped
from torch import nn
from torchvision.models import resnet34

from forenbench.detectors import (
    aeroblade,
    aide,
    bfree,
    c2p_clip,
    clipdet,
    cnndetection,
    cospy,
    d3,
    dda,
    drct,
    effort,
    fatformer,
    fredect,
    freqnet,
    fusing,
    gend,
    gramnet,
    ladeda,
    lgrad,
    lnp,
    npr,
    patchcraft,
    patchfor,
    rine,
    safe,
)
from forenbench.detectors._nets.commonpool import COMMONPOOL
from forenbench.detectors._nets.denoising import NoiseNetwork
from forenbench.detectors._nets.encoders import BACKBONES, RESNET_34
from forenbench.detectors._nets.fredect_statistics import MEAN, VARIANCE, Statistic
from forenbench.detectors._nets.gan_discriminators import pggan_256, stylegan_256
from forenbench.detectors._nets.networks import Network, resnet_50
from forenbench.detectors._nets.perceptual_distance import LAYERS
from forenbench.detectors._nets.probe_backbones import PROBED
from forenbench.detectors._nets.transformations import TRANSFORMATIONS
from forenbench.detectors._nets.univfd_recipes import HEAD
from forenbench.detectors.aligned import AlignedForensics
from forenbench.detectors.commfor import CommunityForensics
from forenbench.detectors.corvi import Corvi
from forenbench.detectors.grag2021 import Gragnaniello
from forenbench.detectors.stay_positive import StayPositive
from forenbench.detectors.tiny_ladeda import CHECKPOINT, _TinyNetwork
from forenbench.weights import Checkpoint, Weights, WrongWeights

Load = Callable[[Weights], Any]
CATALOGUE = tomllib.loads((files("forenbench.detectors") / "weights.toml").read_text(encoding="utf-8"))


def loaders() -> Iterator[tuple[Checkpoint, Load]]:
    """Say by what every published file is read; several networks may be filled by one."""
    networks = [*cnndetection.PUBLISHED.values(), *(one.classifier for one in lgrad.PUBLISHED.values())]
    networks += [Network(_TinyNetwork, CHECKPOINT), Network(lambda: nn.Linear(768, 1), HEAD)]
    networks += [
        Network(gramnet.network, gramnet.CHECKPOINT),
        Network(fusing.FusingNetwork, fusing.CHECKPOINT),
    ]
    networks += [Network(NoiseNetwork, lnp.DENOISER), Network(resnet_50, lnp.CLASSIFIER)]
    networks += [
        Network(resnet_50, fredect.CLASSIFIER),
        *(Network(Statistic, one) for one in (MEAN, VARIANCE)),
    ]
    networks += [Network(resnet34, RESNET_34)]
    networks += [c2p_clip.network(), *(effort.network_of(variant) for variant in effort.FILES)]
    networks += [gend.network_of(variant) for variant in ("clip-norm", "clip-linear")]
    networks += [d3.HEAD, *(rine.head_of(variant) for variant in rine.SIZES)]
    networks += [Network(clipdet.head, one) for one in clipdet.HEADS.values()]
    networks += [
        Network(bfree.window_transformer, bfree.CHECKPOINT),
        Network(dda.AdaptedTransformer, dda.CHECKPOINT),
    ]
    networks += [patchfor.network_of(variant) for variant in patchfor.FILES]
    networks += [*npr.NETWORKS.values(), *ladeda.VARIANTS.values()]
    networks += [network for recipe in cospy.RECIPES.values() for network in recipe.networks[1:]]
    networks += [cospy.RECIPES["sd14"].tower]
    networks += [Network(aide.AideNetwork, checkpoint) for checkpoint in aide.CHECKPOINTS.values()]
    networks += [Network(fatformer.FatFormerNetwork, fatformer.CHECKPOINT)]
    networks += [drct.network_of(checkpoint) for checkpoint in drct.CHECKPOINTS.values()]
    networks += [*aeroblade.AUTOENCODERS.values(), LAYERS]
    networks += [safe.NETWORK, freqnet.NETWORK, patchcraft.NETWORK]
    models = [one.model for one in TRANSFORMATIONS.values() if isinstance(one.model, Network)]
    for one in (*networks, *models):
        yield one.checkpoint, lambda weights, one=one: one.load(weights, ())
    for backbone in (*BACKBONES.values(), *PROBED.values(), COMMONPOOL):
        yield backbone.checkpoint, backbone.load
    for plugin in (CommunityForensics, Corvi, Gragnaniello, AlignedForensics, StayPositive):
        for variant, (checkpoint,) in plugin.needs.items():
            yield checkpoint, partial(plugin, variant)


@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOGUE)
def test_a_published_file_loads_under_its_own_names(name: str, tmp_path: Path) -> None:
    found = [load for checkpoint, load in loaders() if checkpoint.name == name]
    assert found
    key = CATALOGUE[name].get("key", "")
    content = flat(name)
    torch.save(wrapped(name, key, content), tmp_path / "whole.pth")
    lacking = flat(name)
    del lacking[next(one for one in lacking if one.endswith(("weight", "tensor")) and "text" not in one)]
    torch.save(wrapped(name, key, lacking), tmp_path / "lacking.pth")
    for load in found[:: max(1, len(found) - 1)]:  # the first and the last
        weights = Weights(paths={name: tmp_path / "whole.pth"}, unverified=True)
        with weights.recording() as used:
            network = load(weights)
        assert weights.remarks(used) == ()
        loaded = getattr(network, "network", network).state_dict()
        assert loaded
        last = {value.data_ptr(): there for there, value in loaded.items()}  # of entries that share numbers
        for value in loaded.values():
            published = next(one for one in names(last[value.data_ptr()]) if one in content)
            assert value.flatten()[0] == content[published].flatten()[0]
        with pytest.raises(WrongWeights):
            load(Weights(paths={name: tmp_path / "lacking.pth"}, unverified=True))


def names(there: str) -> tuple[str, ...]:
    """Give what an entry may be called in a file: of CLIP, SigLIP, torchvision, transformers, or others."""
    torchvision = there.replace(".mlp.0.", ".mlp.linear_1.").replace(".mlp.3.", ".mlp.linear_2.")
    return f"visual.{there}", f"visual.trunk.{there}", torchvision, *huggingface_names(there)


def test_there_is_a_list_for_every_file_of_the_catalogue() -> None:
    assert published_keys().keys() == CATALOGUE.keys()


def test_the_lists_are_those_of_the_official_modules() -> None:
    """Digests are of the official code's state dicts in their order; the lists have the entries alone."""
    for official, name, build in (
        ("resnet50", "lgrad-4class", resnet_50),
        ("stylegan256_discriminator", "stylegan-bedroom", stylegan_256),
        ("pggan256_discriminator", "progan-bedroom", pggan_256),
    ):
        with torch.device("meta"):
            order = list(build().state_dict())
        listed = published_keys()[name]
        assert keys_sha256([(key, listed[key]) for key in order]) == NUMBERS["keys"][official]
        assert len(listed) == len(order)
