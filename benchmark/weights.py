"""Checkpoints: what they are, where they come from, and their strict and safe loading."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .types import BenchError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

T = TypeVar("T")
KINDS = ("published", "sample")


class MissingWeights(BenchError):
    """A checkpoint was asked for and is not on this machine."""


class WrongWeights(BenchError):
    """A checkpoint file does not hold what its name promises."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One published (or shipped) weights file.

    Attributes:
        name: The NAME of ``--weights NAME=PATH``.
        file: Published file name; for a shipped one, its name below ``sample/weights``.
        source: Where to get it, in words or as an address.
        licence: Licence of the weights.
        marks: A few keys with their shapes that tell this file from others.
        sha256: Of the file, where known.
        shipped: True for the small checkpoints that come with the package.
    """

    name: str
    file: str
    source: str
    licence: str
    marks: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    sha256: str | None = None
    shipped: bool = False


@dataclass(slots=True)
class Weights:
    """The checkpoints of one run: which kind, which files, and the device they go to.

    Attributes:
        kind: "published" or "sample"; nothing falls back silently from one to the other.
        paths: The user's files, by checkpoint name.
        device: Where loaded tensors go.
        used: sha256 of every file read so far, by checkpoint name.
    """

    kind: str = "published"
    paths: Mapping[str, Path] = field(default_factory=dict)
    device: str = "cpu"
    used: dict[str, str] = field(default_factory=dict)
    _shared: dict[str, object] = field(default_factory=dict)

    def path(self, checkpoint: Checkpoint) -> Path:
        """Say where the checkpoint's file is.

        Raises:
            MissingWeights: It is not on this machine; the message says where to get it.
        """
        if checkpoint.name in self.paths:
            path = self.paths[checkpoint.name]
        elif checkpoint.shipped:
            path = Path(str(files("forenbench.sample") / "weights" / checkpoint.file))
        else:
            raise MissingWeights(
                f"weights '{checkpoint.name}' ({checkpoint.file}) are not here. Get them from "
                f"{checkpoint.source} (licence: {checkpoint.licence}), then add "
                f"--weights {checkpoint.name}=PATH"
            )
        if not path.is_file():
            raise MissingWeights(f"weights '{checkpoint.name}': no file at {path}")
        return path

    def load(self, checkpoint: Checkpoint) -> dict[str, Tensor]:
        """Read a state dict (safetensors, or torch with ``weights_only=True``) onto the device.

        A dict that wraps the state dict under ``model`` (CNNDetection's format) is returned as it is read.

        Raises:
            MissingWeights: The file is not on this machine.
            WrongWeights: It cannot be read safely, or its sha256 is not the published one.
        """
        path = self.path(checkpoint)
        data_sha256 = sha256_of(path)
        if checkpoint.sha256 not in (None, data_sha256):
            raise WrongWeights(
                f"weights '{checkpoint.name}': {path} has sha256 {data_sha256}, expected {checkpoint.sha256}. "
                f"Get the file again from {checkpoint.source}"
            )
        self.used[checkpoint.name] = data_sha256
        return _read(path, checkpoint, self.device)

    def shared(self, key: str, make: Callable[[], T]) -> T:
        """Return the object made earlier under this key, or make it: one encoder serves many detectors."""
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]  # type: ignore[return-value]


def load_strict(module: torch.nn.Module, state: Mapping[str, Tensor], checkpoint: Checkpoint) -> None:
    """Fill a module, refusing missing, surplus and wrongly shaped entries.

    Raises:
        WrongWeights: The first such key, and what the file seems to be instead.
    """
    expected = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    problem = _first_difference(expected, state)
    if problem:
        raise WrongWeights(f"weights '{checkpoint.name}' ({checkpoint.file}): {problem}; {describe(state)}")
    module.load_state_dict(dict(state), strict=True)


def describe(state: Mapping[str, object], known: Iterable[Checkpoint] = ()) -> str:
    """Say in words what a loaded file seems to be."""
    raise NotImplementedError


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_difference(expected: Mapping[str, tuple[int, ...]], state: Mapping[str, Tensor]) -> str:
    """Name the first missing, unexpected or wrongly shaped key, or return an empty string."""
    for key in expected:
        if key not in state:
            return f"key '{key}' is missing"
    for key, value in state.items():
        if key not in expected:
            return f"key '{key}' is unexpected"
        if tuple(value.shape) != expected[key]:
            return f"key '{key}' has shape {tuple(value.shape)}, expected {expected[key]}"
    return ""


def _read(path: Path, checkpoint: Checkpoint, device: str) -> dict[str, Tensor]:
    """Read a file without ever running code from it."""
    raise NotImplementedError
