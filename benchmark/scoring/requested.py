"""Requested detectors, loaded with the weights that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.errors import BenchError, unknown

if TYPE_CHECKING:
    from forenbench.plugins.loaded import LoadedDetector
    from forenbench.plugins.own import OwnDetector
    from forenbench.weights import Weights


@dataclass(frozen=True, slots=True)
class Files:
    """What detectors may take: which weights files, and whether they may ask the network.

    Attributes:
        pairs: NAME=PATH, the user's files by checkpoint name.
        unverified: See `forenbench.weights.Weights`.
        trained_on: Likewise.
        allow_network: Likewise.
    """

    pairs: Sequence[str] = ()
    unverified: bool = False
    trained_on: tuple[str, ...] = ()
    allow_network: bool = False


def open_weights(kind: str, files: Files, device: str) -> Weights:
    """Collect the weights of one kind."""
    from forenbench.plugins.installed import InstalledCheckpoints
    from forenbench.weights import KINDS, Weights

    if kind not in KINDS:
        raise BenchError(f"checkpoints '{kind}' is neither {' nor '.join(KINDS)}")
    known = InstalledCheckpoints()
    names = [checkpoint.name for checkpoint in known] if files.pairs else []
    paths = {}
    for pair in files.pairs:
        name, equals, path = pair.partition("=")
        if not equals:
            raise BenchError(f"weights '{pair}' is not NAME=PATH; 'bench list weights' shows the names")
        # Refused, not left aside: of a misspelt name the published file would be taken, and nothing said.
        if name not in names:
            raise BenchError(unknown("checkpoint", name, names))
        paths[name] = Path(path).expanduser()
    stated = (files.unverified, files.trained_on, files.allow_network)
    return Weights(kind, paths, device, known, *stated)


def load_detectors(
    requests: Sequence[str | OwnDetector], kind: str, files: Files, device: str
) -> list[LoadedDetector]:
    """Load detectors with one kind of checkpoints."""
    from forenbench.plugins.loading import load_all

    return load_all(requests, open_weights(kind, files, device))
