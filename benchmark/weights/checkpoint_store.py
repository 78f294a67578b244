"""Checkpoint files on this machine: where they are looked for, and whether they are the right ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.errors import BenchError
from forenbench.files.downloads import Arrived, DownloadFailed, fetch_first, mismatch
from forenbench.files.places import cache_folder

from .unwrapping import holds
from .weight_files import describe, read

if TYPE_CHECKING:
    from .checkpoint import Checkpoint

FOLDER = "FORENBENCH_WEIGHTS"
"""The environment variable that names a folder of the user's own checkpoint files."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a closer look at a file gave.

    Attributes:
        problem: What is wrong, in words that follow the file's path; empty where nothing is.
        verified: Whether its sha256 is the published one, or only its structure could be looked at.
    """

    problem: str
    verified: bool


def locate(checkpoint: Checkpoint) -> Path | None:
    """Find a checkpoint's file: shipped, in the user's folder, or in the cache; None if it is nowhere.

    Raises:
        BenchError: FORENBENCH_WEIGHTS names no folder.
    """
    if checkpoint.shipped:
        return Path(str(files(checkpoint.package) / checkpoint.file))
    return next((path for path in _places(checkpoint) if path.is_file()), None)


def cached(checkpoint: Checkpoint) -> Path:
    """Say where a download of this checkpoint goes."""
    return cache_folder() / "weights" / checkpoint.name / checkpoint.file


def names_in_folder(checkpoint: Checkpoint) -> tuple[str, ...]:
    """List the names, in order, that its file may have in a folder of checkpoints.

    Its own name goes first: several projects call their file ``open_clip_model.safetensors``.
    """
    suffix = Path(checkpoint.file).suffix
    return f"{checkpoint.name}/{checkpoint.file}", f"{checkpoint.name}{suffix}", checkpoint.file


def instructions(checkpoint: Checkpoint, *, tried: bool = False) -> str:
    """Say in words that a file is missing, and how to get it here.

    Args:
        checkpoint: What is missing.
        tried: A download has just failed, and is no advice.
    """
    missing = f"weights '{checkpoint.name}' ({checkpoint.file}) are not here"
    own = f"--weights {checkpoint.name}=PATH, or put the file into the folder that {FOLDER} names"
    if checkpoint.command:
        return f"{missing}, and nobody has published them. Train them: {checkpoint.command}; then add {own}"
    origin = f"{checkpoint.source} (licence: {checkpoint.licence})"
    if tried or not checkpoint.urls:
        return f"{missing}. Get them by hand from {origin}, then add {own}"
    return f"{missing}. Get them with 'bench weights fetch {checkpoint.name}', or from {origin} and add {own}"


def inspect(checkpoint: Checkpoint, path: Path) -> Verdict:
    """Compare a file with all that is known of the checkpoint; no code from it is run.

    Where the whole sha256 is not known, its structure is read too: the shapes that tell it from others.
    """
    problem = mismatch(path, checkpoint.sha256, checkpoint.size)
    if problem or checkpoint.sha256:
        return Verdict(problem, verified=not problem)
    try:
        with path.open("rb") as file:
            content = read(file, "meta")
    except ValueError as error:
        return Verdict(str(error), verified=False)
    if not holds(content, checkpoint):
        return Verdict(f"is another file: it seems to be {describe(content, (checkpoint,))}", verified=False)
    return Verdict("", verified=False)


def addresses(checkpoint: Checkpoint, mirror: str = "") -> tuple[str, ...]:
    """List where to download a checkpoint from: its published addresses, or a mirror in their place.

    Args:
        checkpoint: What is wanted.
        mirror: An address or a folder that keeps files under the names of `names_in_folder`.
    """
    if not mirror:
        return checkpoint.urls
    base = mirror if "://" in mirror else Path(mirror).expanduser().resolve().as_uri()
    return tuple(f"{base.rstrip('/')}/{name}" for name in names_in_folder(checkpoint))


def download(
    checkpoint: Checkpoint, mirror: str = "", advance: Arrived = lambda done, total: None
) -> Verdict:
    """Bring a checkpoint into the cache, and look at what came; nothing wrong stays or remains there.

    Raises:
        DownloadFailed: No address has it, or what came is another file.
    """
    target = cached(checkpoint)
    if target.is_file() and inspect(checkpoint, target).problem:
        target.unlink()
    urls = addresses(checkpoint, mirror)
    url = fetch_first(urls, target, sha256=checkpoint.sha256, size=checkpoint.size, advance=advance)
    verdict = inspect(checkpoint, target)
    if verdict.problem:
        target.unlink()
        raise DownloadFailed(f"{url}: '{target}' {verdict.problem}; it was removed")
    return verdict


def _places(checkpoint: Checkpoint) -> Iterator[Path]:
    """List where a file may lie, in order."""
    named = os.environ.get(FOLDER)
    if named:
        folder = Path(named).expanduser()
        if not folder.is_dir():
            raise BenchError(f"{FOLDER}='{named}' is no folder; correct it or unset it")
        yield from (folder / name for name in names_in_folder(checkpoint))
    yield cached(checkpoint)
