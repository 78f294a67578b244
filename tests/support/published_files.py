"""A folder with every checkpoint that the first papers need: published formats, small networks by formula."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import partial
from pathlib import Path

import torch
from formula import he_weights, shapes_of
from printed_papers import FIRST_PAPERS
from published_keys import published_keys, wrapped
from safetensors.torch import save_file
from small_networks import small_shapes
from torch import Tensor, nn
from transformation_files import filled_as_published

from forenbench.detectors._nets.encoders import RESNET_34
from forenbench.detectors._nets.frank_networks import classifier as frank_network
from forenbench.detectors._nets.networks import RESNET_50, resnet_34
from forenbench.detectors._nets.patch_networks import patch_network
from forenbench.detectors._nets.pixel_pairs import PairNetwork
from forenbench.detectors.frepgan import network as frepgan_network
from forenbench.plugins.installed import find
from forenbench.tables.papers import paper_tables
from forenbench.weights import Checkpoint

OWN: Mapping[str, Callable[[], nn.Module]] = {
    "frepgan-": frepgan_network,
    "autogan-fft-": resnet_34,
    "frank-cnn-": partial(frank_network, "cnn", 256),
    "frank-resnet-": partial(frank_network, "resnet", 256),
    "cooccurrence-grip-": partial(PairNetwork, 2),
    "cooccurrence-paper-": partial(PairNetwork, 1),
    "patchfor-resnet50-layer1-progan": partial(patch_network, "resnet50-layer1"),
    "patchfor-xception-block2-progan": partial(patch_network, "xception-block2"),
}
"""The networks of tables that nobody published, by how their checkpoints' names begin."""


BLOCKS = (3, 1, 1, 1)
"""Of ResNets' stages: patch forensics cuts ResNet-50 off behind the first, which must be whole."""

BEGINNINGS = (*OWN, "durall-", "frank-ridge-")
"""How the names of those begin that differ in nothing but what they were trained on."""


def needed() -> Iterator[Checkpoint]:
    """Yield the checkpoints of all detectors in these tables, and what trainings alone start from."""
    found = {RESNET_34.name: RESNET_34}
    for table in FIRST_PAPERS:
        for detector in paper_tables()[table].detectors():
            name, _, variant = detector.partition(":")
            found |= {one.name: one for one in find(name).plugin.needs[variant]}
    yield from found.values()


def write_published(folder: Path) -> Path:
    """Write them all as FORENBENCH_WEIGHTS wants them, ``<name>/<file>``; in half precision, for space.

    Networks must have been made small, with `BLOCKS`.
    Files of one network in one format hold the same, and are one file under several names.
    """
    folder.mkdir()
    written: dict[Hashable, Path] = {}
    for checkpoint in needed():
        path = folder / checkpoint.name / checkpoint.file
        path.parent.mkdir(parents=True)
        kind = _kind(checkpoint)
        if kind in written:
            os.link(written[kind], path)
            continue
        written[kind] = path
        content = content_of(checkpoint)
        if path.suffix == ".safetensors":
            save_file(content, path)
        else:
            torch.save(content, path)
    return folder


def _kind(checkpoint: Checkpoint) -> Hashable:
    """Say what the content of a file depends on."""
    if checkpoint.marks == RESNET_50 and "under 'model'" not in checkpoint.format:
        return "ResNet-50"
    name = checkpoint.name
    if name in published_keys():
        bare = name == "stylegan-bedroom"  # `wrapped` tells it from the others of its kind
        return tuple(published_keys()[name].items()), checkpoint.key, bare, Path(checkpoint.file).suffix
    return next((beginning for beginning in BEGINNINGS if name.startswith(beginning)), name)


def content_of(checkpoint: Checkpoint) -> dict[str, object]:
    """Make what a file holds."""
    if _kind(checkpoint) == "ResNet-50":
        return _filled("lgrad-4class")
    if checkpoint.name == "univfd-bank":
        random = torch.Generator().manual_seed(1)
        return {side: torch.randn(12, 768, generator=random) for side in ("real", "fake")}
    if checkpoint.name == "univfd-finetuned":
        return _trained_clip()
    # What nobody published has the format that our own training writes.
    if checkpoint.name.startswith("durall-"):
        random = torch.Generator().manual_seed(1)
        machine = {"support_vectors": (6, 80), "dual_coef": (6,), "intercept": (), "gamma": ()}
        return {name: torch.rand(shape, generator=random) for name, shape in machine.items()}
    if checkpoint.name.startswith("frank-ridge-"):
        statistics = frank_network("ridge", 256).state_dict()
        return {**statistics, **he_weights([("network.1.weight", (1, 3 * 256**2)), ("network.1.bias", (1,))])}
    for beginning, build in OWN.items():
        if checkpoint.name.startswith(beginning):
            with torch.device("meta"):
                shapes = shapes_of(build())
            return _halved(he_weights(shapes))
    return wrapped(checkpoint.name, checkpoint.key, _filled(checkpoint.name))


def _trained_clip() -> dict[str, object]:
    """Make CLIP's image tower and a head as UniversalFakeDetect's training writes them."""
    model = {f"model.{key}": value for key, value in _filled("clip-vit-l14").items()}
    model |= {f"fc.{key}": value for key, value in _filled("univfd-head").items()}
    return {"model": model, "optimizer": {}, "total_steps": 1}


def _filled(name: str) -> dict[str, Tensor]:
    return _halved(filled_as_published(name, small_shapes(name, BLOCKS)))


def _halved(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
