"""From options to objects: the device, the weights, the detectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.errors import BenchError

from .console import split

if TYPE_CHECKING:
    from forenbench.plugins.loaded import LoadedDetector
    from forenbench.weights import Checkpoint, Weights


def choose_device(request: str) -> str:
    """Resolve ``auto`` and refuse devices that are not there."""
    import torch

    if request == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.zeros(1, device=request)
    except (RuntimeError, AssertionError) as error:
        raise BenchError(f"device '{request}' cannot be used here: {str(error).splitlines()[0]}") from error
    return request


def choose_devices(request: str) -> list[str]:
    """Resolve ``auto`` to every GPU, or split a list of devices; refuse those that are not there."""
    import torch

    if request == "auto" and torch.cuda.device_count() > 1:
        return [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return [choose_device(one) for one in split(request)] or [choose_device("auto")]


@dataclass(frozen=True, slots=True)
class Files:
    """The options that say which weights files are taken.

    Attributes:
        pairs: NAME=PATH options.
        unverified: See `forenbench.weights.Weights`.
        trained_on: Likewise.
    """

    pairs: Sequence[str] = ()
    unverified: bool = False
    trained_on: tuple[str, ...] = ()


UNVERIFIED = "Take weights of another sha256 than the published one, such as your own; tables say so."
TRAINED_ON = (
    "What weights that are not the published ones have seen, as test sets are called: tables star it."
)


def open_weights(kind: str, files: Files, device: str) -> Weights:
    """Collect the weights of one kind."""
    from forenbench.plugins.installed import installed
    from forenbench.weights import KINDS, Weights

    if kind not in KINDS:
        raise BenchError(f"--checkpoints '{kind}' is neither {' nor '.join(KINDS)}")
    known = [checkpoint for found in installed() for checkpoint in found.checkpoints]
    return Weights(kind, _paths(files.pairs, known), device, tuple(known), files.unverified, files.trained_on)


def load_detectors(requests: list[str], kind: str, files: Files, device: str) -> list[LoadedDetector]:
    """Load detectors with one kind of checkpoints."""
    from forenbench.plugins.loading import load_all

    if not requests:
        raise BenchError("--detectors names no detector; 'bench list detectors' shows them")
    return load_all(requests, open_weights(kind, files, device))


def _paths(pairs: Iterable[str], known: Iterable[Checkpoint]) -> dict[str, Path]:
    """Split NAME=PATH options, refusing names that no installed detector knows."""
    from forenbench.errors import unknown

    names = [checkpoint.name for checkpoint in known]
    paths = {}
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not equals:
            raise BenchError(f"--weights '{pair}' is not NAME=PATH; 'bench list weights' shows the names")
        if name not in names:
            raise BenchError(unknown("checkpoint", name, names))
        paths[name] = Path(path).expanduser()
    return paths
