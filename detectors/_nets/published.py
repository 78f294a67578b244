"""Checkpoints that others published, by their names in ``detectors/weights.toml``; and those nobody did."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from forenbench.weights import Checkpoint

Marks = Mapping[str, tuple[int, ...]]

TRAINING_DATA = {
    "1class": "--data forensynths-train --classes horse",
    "2class": "--data forensynths-train --classes chair,horse",
    "4class": "--data forensynths-train --classes car,cat,chair,horse",
    "progan": "--data forensynths-train",
}
"""ForenSynths' training classes in LGrad's settings, by the end of a checkpoint's name; progan: all 20."""

# Read with the package, not from a path: it lies in a wheel or a zip file as well.
_CATALOGUE: Mapping[str, Mapping[str, Any]] = tomllib.loads(
    (files("forenbench.detectors") / "weights.toml").read_text(encoding="utf-8")
)
"""The published checkpoints, by name."""


def published(name: str, marks: Marks | None = None) -> Checkpoint:
    """Look a published checkpoint up in the catalogue.

    Args:
        name: Its name there, and of ``--weights NAME=PATH``.
        marks: Keys with shapes that tell its content from other files'.

    Raises:
        KeyError: The catalogue has no such name.
    """
    return Checkpoint.of(name, _CATALOGUE[name], marks)


def own(name: str, command: str, marks: Marks | None = None, safetensors: str = "") -> Checkpoint:
    """Describe a checkpoint that nobody has published: users train it.

    Args:
        name: Its own, and that of the file which the command writes.
        command: It can be typed as it is; where it writes is added.
        marks: Keys with shapes that tell its content from other files'.
        safetensors: What is in the file, in words, if it is one of these; else it is torch's.
    """
    # Typed as it stands, it writes where the documents go on: FORENBENCH_WEIGHTS=trained.
    command = f"{command} --out trained"
    return Checkpoint(
        name=name,
        file=f"{name}.{'safetensors' if safetensors else 'pth'}",
        source=f"your own training, nobody has published it: {command}",
        licence="yours",
        marks=marks or {},
        format=safetensors or "torch, bare state dict",
        key="" if safetensors else "model",
        command=command,
    )
