"""Checkpoint files on this machine: where they are looked for, and whose weights they hold."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.errors import BenchError
from forenbench.files.checksums import sha256_of
from forenbench.files.downloads import Arrived, DownloadFailed, fetch_first, mismatch
from forenbench.files.places import cache_folder
from forenbench.types import OWN, PUBLISHED, SAMPLE, UNVERIFIED

from .unwrapping import holds
from .weight_files import describe, read

if TYPE_CHECKING:
    from .checkpoint import Checkpoint
    from .file_bytes import FileBytes

FOLDER = "FORENBENCH_WEIGHTS"
"""The environment variable that names a folder of the user's own checkpoint files."""

_FROM_STRONG_TO_WEAK = (PUBLISHED, SAMPLE, UNVERIFIED, OWN)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of comparing a file with everything that is known of its checkpoint.

    Attributes:
        problem: What is wrong, in words that follow the file's path; empty where nothing is.
        verified: Whether its sha256 is the published one, or only its structure could be looked at.
    """

    problem: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whose weights a file has, judged by its size and sha256.

    Attributes:
        weights: Whose they are. "published": its sha256 is a published one. "sample": it came with this
            package, or with another one that says no sha256. "unverified": no sha256 is known. "own":
            anything else.
        sha256: Of the file.
        problem: How it is not the file that its name promises, in words that follow its name; or empty.
    """

    weights: str
    sha256: str
    problem: str = ""


def locate(checkpoint: Checkpoint) -> Path | None:
    """Find a checkpoint's file: shipped, in the user's folder, or in the cache; None if it is nowhere.

    Raises:
        BenchError: FORENBENCH_WEIGHTS names no folder.
    """
    if checkpoint.shipped:
        # Never from the user's folder or the cache: rows say "sample" of what came with the package.
        return Path(str(files(checkpoint.package) / checkpoint.file))
    candidates = [cached(checkpoint)]
    if named := os.environ.get(FOLDER):
        folder = Path(named).expanduser()
        # A mistyped folder must not make the cache's file be used in silence.
        if not folder.is_dir():
            raise BenchError(f"{FOLDER}='{named}' is no folder; correct it or unset it")
        candidates = [folder / name for name in names_in_folder(checkpoint)] + candidates
    return next((path for path in candidates if path.is_file()), None)


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
    own = (
        f"--weights {checkpoint.name}=PATH (in Python: weights=['{checkpoint.name}=PATH']), "
        f"or put the file into the folder that {FOLDER} names"
    )
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
    # A whole sha256, or its leading digits where authors
    # published no more, leaves nothing to look for inside.
    if problem or checkpoint.sha256:
        return Verdict(problem, verified=not problem)
    try:
        # On the disk, not in memory as for loading: shapes are a few kilobytes of a file of gigabytes.
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
    # A wrong file is one that another version of the catalogue, or somebody's hand, put there.
    if target.is_file() and inspect(checkpoint, target).problem:
        target.unlink()
    urls = addresses(checkpoint, mirror)
    url = fetch_first(urls, target, sha256=checkpoint.sha256, size=checkpoint.size, advance=advance)
    verdict = inspect(checkpoint, target)
    # `fetch_first` compared size and sha256; where neither is known, the shapes may still be another file's.
    if verdict.problem:
        target.unlink()
        raise DownloadFailed(f"{url}: '{target}' {verdict.problem}; it was removed")
    return verdict


def judge(checkpoint: Checkpoint, path: Path, content: FileBytes) -> Judgement:
    """Compare what was read from a file with what is known of the checkpoint, without parsing it."""
    sha256, size, located = content.sha256, len(content), locate(checkpoint)
    # First, for copies have sizes of their own: OpenAI's archives of CLIP beside the safetensors of the hub.
    if sha256 in checkpoint.copies:
        return Judgement(PUBLISHED, sha256)
    known = checkpoint.sha256
    if checkpoint.shipped and not known:
        if path == located:
            return Judgement(SAMPLE, sha256)
        # The user named another file in its place: only a copy of the shipped one may still be called so.
        known = sha256_of(located) if located and located.is_file() else None
    if checkpoint.size not in (None, size):
        return Judgement(OWN, sha256, f"has {size} bytes, expected {checkpoint.size}")
    # torch's file names have the first eight digits
    # (resnet50-0676ba61.pth); of some files no more is published.
    if known and not sha256.startswith(known.lower()):
        return Judgement(OWN, sha256, f"has sha256 {sha256}, expected {known}")
    if checkpoint.command:  # nobody has published it
        return Judgement(OWN, sha256)
    if not known:
        return Judgement(UNVERIFIED, sha256)
    return Judgement(PUBLISHED if checkpoint.sha256 else SAMPLE, sha256)


def weakest(words: Iterable[str]) -> str:
    """Return the word for what rests on several files; on none, it is its author's own."""
    return max(words, key=_FROM_STRONG_TO_WEAK.index, default=OWN)
