"""A folder with every checkpoint that the papers' tables need: published formats, weights by formula."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformation_files import filled

from forenbench.detectors._nets.encoders import clip_tower
from forenbench.detectors._nets.networks import RESNET_50, resnet_50
from forenbench.detectors._nets.transformations import TRANSFORMATIONS, Pretrained
from forenbench.plugins import find
from forenbench.tables.papers import paper_tables
from forenbench.weights import Checkpoint

State = Mapping[str, object]


def needed() -> Iterator[Checkpoint]:
    """Yield the checkpoints of all detectors in all tables."""
    found = {}
    for table in paper_tables().values():
        for detector in table.detectors():
            name, _, variant = detector.partition(":")
            found |= {one.name: one for one in find(name).plugin.needs[variant]}
    yield from found.values()


def write_published(folder: Path) -> Path:
    """Write them all as FORENBENCH_WEIGHTS wants them, ``<name>/<file>``; in half precision, for space."""
    models = [one.model for one in TRANSFORMATIONS.values()]
    builders = {model.checkpoint.name: model.build for model in models if isinstance(model, Pretrained)}
    folder.mkdir()
    classifier = folder / "classifier.pth"
    torch.save(_halved(filled(resnet_50)), classifier)
    for checkpoint in needed():
        path = folder / checkpoint.name / checkpoint.file
        path.parent.mkdir(parents=True)
        if checkpoint.marks == RESNET_50 and "under 'model'" not in checkpoint.format:
            os.link(classifier, path)
        else:
            _write(checkpoint, builders.get(checkpoint.name), path)
    return folder


def _write(checkpoint: Checkpoint, build: object, path: Path) -> None:
    content = _content(checkpoint, build)
    if path.suffix == ".safetensors":
        save_file(content, path)
    else:
        torch.save(content, path)


def _content(checkpoint: Checkpoint, build: object) -> dict[str, object]:
    """Make what a file holds."""
    if checkpoint.name == "univfd-bank":
        random = torch.Generator().manual_seed(1)
        return {side: torch.randn(12, 768, generator=random) for side in ("real", "fake")}
    if checkpoint.name in ("clip-vit-l14", "univfd-finetuned"):
        return _clip(checkpoint.name)
    if checkpoint.name == "univfd-head":
        return _halved(filled(lambda: nn.Linear(768, 1)))
    state = _halved(filled(build or resnet_50))  # type: ignore[arg-type]
    if checkpoint.name == "clip-rn50":
        return {f"visual.{key}": value for key, value in state.items()}
    if "under 'discriminator'" in checkpoint.format:
        return {"generator": {}, "discriminator": state, "generator_smooth": {}}
    if "under 'model'" in checkpoint.format:
        return {"model": state, "optimizer": {"state": {}, "param_groups": []}, "total_steps": 1}
    return state


def _clip(name: str) -> dict[str, object]:
    """Make CLIP's image tower as open_clip writes it, or as UniversalFakeDetect's training does."""
    tower = _halved(filled(clip_tower))
    if name == "clip-vit-l14":
        return {f"visual.{key}": value for key, value in tower.items()}
    head = {f"fc.{key}": value for key, value in _halved(filled(lambda: nn.Linear(768, 1))).items()}
    model = {f"model.visual.{key}": value for key, value in tower.items()} | head
    return {"model": model, "optimizer": {}, "total_steps": 1}


def _halved(state: Mapping[str, Tensor]) -> dict[str, object]:
    return {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
