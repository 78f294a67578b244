"""Any folder as a labelled dataset: ``0_real``/``1_fake`` or ``real``/``fake`` folders at any depth."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from forenbench.types import FAKE, REAL, BenchError, Sample, Stamp

LABELS = {"0_real": REAL, "real": REAL, "reals": REAL, "1_fake": FAKE, "fake": FAKE, "fakes": FAKE}
GENIMAGE_LABELS = {"nature": REAL, "ai": FAKE}
"""Ordinary words: as folders they count only where no folder of the path has a name from `LABELS`."""

_WORDS = {**LABELS, **GENIMAGE_LABELS, "0": REAL, "1": FAKE, "generated": FAKE, "synthetic": FAKE}
_SYSTEM_FILES = {"thumbs.db", "desktop.ini"}


MAX_BYTES = 1 << 30
"""No image file is that large, but a few kilobytes of archive can claim to be."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of image files; paths are relative to it."""

    root: Path

    def read(self, path: str) -> bytes:
        """Return one file's bytes."""
        file = self.root / path
        if not file.is_file():  # reading a pipe would wait for ever
            raise FileNotFoundError(f"no file at {readable(str(file))} (a broken link, or no regular file)")
        refuse_size(file.stat().st_size)
        return file.read_bytes()

    def stamps(self, paths: Sequence[str]) -> dict[str, Stamp]:
        """Look at files' sizes and times of change."""
        root = self.root.resolve()
        return {path: stamp_file(root / path) for path in paths}


@dataclass(frozen=True, slots=True)
class Findings:
    """What a source holds: labelled files, and files that have no label."""

    samples: tuple[Sample, ...]
    unlabelled: tuple[str, ...]


def find_samples(root: Path, otherwise: int | None = None) -> Findings:
    """List the labelled files below a folder, in the order of their paths (see `read_labels`).

    Every file counts, whatever its name, except hidden ones and those of the operating system.

    Raises:
        BenchError: The folder does not exist, is empty, or has no label folder.
    """
    if not root.is_dir():
        raise BenchError(f"no folder at '{root}'")
    findings = read_labels(list_files(root), root.resolve().name, otherwise)
    if not findings.samples:
        raise without_labels(root, findings)
    return findings


def read_labels(paths: Iterable[str], root_name: str, otherwise: int | None = None) -> Findings:
    """Read labels, generators and classes off the folders in paths.

    The innermost folder with a label's name gives the label. Above it stand generator and class
    (``biggan/0_real/x.png``, ``progan/horse/1_fake/x.png``); where it is the outermost folder, what follows
    it is the generator (``fake/sdxl/x.png``), and reals are then shared by all generators. Where there is
    none, the label is `otherwise`, as if all such files lay in a folder called so.
    """
    found = [(path, _sample(path, root_name, otherwise)) for path in sorted(paths)]
    samples = tuple(sample for _, sample in found if sample is not None)
    return Findings(samples, tuple(path for path, sample in found if sample is None))


def label_of(value: object) -> int | None:
    """Return the label that a word or number in a table stands for, in any case; None for an unknown one."""
    return _WORDS.get(str(value).strip().lower())


def without_labels(location: Path, findings: Findings) -> BenchError:
    """Word the error for a folder or archive in which nothing has a label."""
    if not findings.unlabelled:
        return BenchError(f"'{location}' is empty: there is no file to score")
    score = f", or score them without: bench score '{location}'" if location.is_dir() else ""
    return BenchError(
        f"'{location}' holds {len(findings.unlabelled)} files, none below a folder named 0_real, 1_fake, "
        f"real or fake, so there are no labels. Sort them into such folders, or list them with one: "
        f"bench data index '{location}' --label real{score}"
    )


def readable(name: str) -> str:
    """Make a file name that is no valid text one: a stray byte 0xff shows as ``udcff`` behind a backslash."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def list_files(root: Path) -> Iterator[str]:
    """Yield paths of files below root, hidden and system ones aside; links to folders are followed, once."""
    seen: set[str] = set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        subfolders[:] = [] if real in seen else [name for name in subfolders if not is_passed_over(name)]
        if real in seen:
            continue
        seen.add(real)
        for name in names:
            if not is_passed_over(name):
                yield (Path(folder) / name).relative_to(root).as_posix()


def is_passed_over(name: str) -> bool:
    """Say whether a file's or folder's name marks it as hidden, or as the operating system's own."""
    return name.startswith(".") or name == "__MACOSX" or name.lower() in _SYSTEM_FILES


def refuse_size(size: int) -> None:
    """Refuse a file that is too large to be an image, before it takes memory.

    Raises:
        OSError: It is.
    """
    if size > MAX_BYTES:
        raise OSError(f"it has {size} bytes, more than the limit of {MAX_BYTES}")


def stamp_file(file: Path) -> Stamp:
    """Look at one file of the file system."""
    key = os.fsencode(file)
    try:
        found = file.stat()
    except OSError:
        return Stamp(key, "")
    return Stamp(key, f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}")


def _sample(path: str, root_name: str, otherwise: int | None) -> Sample | None:
    """Read label, generator and class off a path, or return None where nothing says the label."""
    label, above, below = _split(path.split("/")[:-1], otherwise)
    if label is None:
        return None
    if above:
        generator, class_name = above[0], "/".join(above[1:] + below)
    elif label == FAKE:
        generator, class_name = (below[0], "/".join(below[1:])) if below else (root_name, "")
    else:
        generator, class_name = "", ""
    real_source = ("/".join(below) or generator or root_name) if label == REAL else ""
    return Sample(path, label, *map(readable, (generator, class_name, real_source)))


def _split(folders: list[str], otherwise: int | None) -> tuple[int | None, list[str], list[str]]:
    """Return the label, the folders above it and those below it."""
    at = _find_label(folders)
    if at is None:
        return otherwise, [], folders
    return _WORDS[folders[at].lower()], folders[:at], folders[at + 1 :]


def _find_label(folders: Sequence[str]) -> int | None:
    """Find the innermost folder whose name is a label, by its place."""
    for names in (LABELS, GENIMAGE_LABELS):
        for at in reversed(range(len(folders))):
            if folders[at].lower() in names:
                return at
    return None
