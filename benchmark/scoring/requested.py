"""Requested detectors, loaded with the weights that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.errors import BenchError, unknown
from forenbench.files.regular import irregular
from forenbench.weights.checkpoint import MissingWeights

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
        raise BenchError(unknown("kind of checkpoints", kind, KINDS))
    known = InstalledCheckpoints()
    stated = (files.unverified, files.trained_on, files.allow_network)
    return Weights(kind, parse_files(files.pairs), device, known, *stated)


def parse_files(pairs: Sequence[str]) -> dict[str, Path]:
    """Read NAME=PATH of checkpoints.

    Raises:
        BenchError: One is no such pair, an unknown name, or no file.
    """
    from forenbench.plugins.installed import installed
    from forenbench.plugins.readiness import checkpoint_names

    names = checkpoint_names() if pairs else []
    paths = {}
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not equals:
            raise BenchError(f"weights '{pair}' is not NAME=PATH; 'bench list weights' shows the names")
        if name not in names:  # a package whose card does not say it may still have it
            names += [one.name for found in installed(stated=False) for one in found.checkpoints]
        # Refused, not left aside: of a misspelt name the published file would be taken, and nothing said.
        if name not in names:
            raise BenchError(unknown("checkpoint", name, names, "bench list weights"))
        paths[name] = Path(path).expanduser()
        if why := irregular(paths[name]):
            raise MissingWeights(f"weights '{name}': no file at {path} ({why})")
    return paths


def check_detectors(requests: Sequence[str | OwnDetector], kind: str, files: Files) -> None:
    """Refuse what cannot be loaded, as far as it can be seen before anything heavy is imported.

    Raises:
        NotReady: Weights are not here; it says what can be run.
        BenchError: Something is unknown, or no file.
    """
    from forenbench.plugins.ways import check_ready
    from forenbench.weights import KINDS

    if kind not in KINDS:
        raise BenchError(unknown("kind of checkpoints", kind, KINDS))
    if not requests:
        raise BenchError("no detector is named; 'bench list detectors' shows them")
    check_ready(requests, kind, parse_files(files.pairs))


def load_detectors(
    requests: Sequence[str | OwnDetector], kind: str, files: Files, device: str
) -> list[LoadedDetector]:
    """Load detectors with one kind of checkpoints."""
    from forenbench.plugins.loading import load_all

    return load_all(requests, open_weights(kind, files, device))
