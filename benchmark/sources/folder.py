"""Any folder as a labelled dataset: ``0_real``/``1_fake`` or ``real``/``fake`` folders at any depth."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from forenbench.types import FAKE, REAL, BenchError, Sample

LABELS = {"0_real": REAL, "real": REAL, "reals": REAL, "1_fake": FAKE, "fake": FAKE, "fakes": FAKE}
_SYSTEM_FILES = {"thumbs.db", "desktop.ini"}


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of image files; paths are relative to it."""

    root: Path

    def read(self, path: str) -> bytes:
        """Return one file's bytes."""
        file = self.root / path
        if not file.is_file():  # reading a pipe would wait for ever
            raise FileNotFoundError(f"no file at {readable(str(file))} (a broken link, or no regular file)")
        return file.read_bytes()


@dataclass(frozen=True, slots=True)
class Findings:
    """What a folder holds: labelled files, and files that stand in no label folder."""

    samples: tuple[Sample, ...]
    unlabelled: tuple[str, ...]


def find_samples(root: Path) -> Findings:
    """List the labelled files below a folder, in the order of their paths.

    The innermost folder with a label's name gives the label. Above it stand generator and class
    (``biggan/0_real/x.png``, ``progan/horse/1_fake/x.png``); where it is the outermost folder, what follows
    it is the generator (``fake/sdxl/x.png``), and reals are then shared by all generators. Every file counts,
    whatever its name, except hidden ones and those of the operating system.

    Raises:
        BenchError: The folder does not exist, is empty, or has no label folder.
    """
    if not root.is_dir():
        raise BenchError(f"no folder at '{root}'")
    files = sorted(list_files(root))
    labelled = [(path, _sample(path, root.resolve().name)) for path in files]
    samples = tuple(sample for _, sample in labelled if sample is not None)
    if not files:
        raise BenchError(f"'{root}' is empty: there is no file to score")
    if not samples:
        raise BenchError(
            f"'{root}' holds {len(files)} files, none below a folder named 0_real, 1_fake, real or fake, "
            f"so there are no labels. Sort them into such folders, or score them without: bench score {root}"
        )
    return Findings(samples, tuple(path for path, sample in labelled if sample is None))


def readable(name: str) -> str:
    """Make a file name that is no valid text one: a stray byte 0xff shows as ``udcff`` behind a backslash."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def list_files(root: Path) -> Iterator[str]:
    """Yield paths of files below root, hidden and system ones aside; links to folders are followed, once."""
    seen: set[str] = set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        subfolders[:] = [] if real in seen else [name for name in subfolders if not name.startswith(".")]
        if real in seen:
            continue
        seen.add(real)
        for name in names:
            if not name.startswith(".") and name.lower() not in _SYSTEM_FILES:
                yield (Path(folder) / name).relative_to(root).as_posix()


def _sample(path: str, root_name: str) -> Sample | None:
    """Read label, generator and class off a path, or return None where no folder is a label."""
    folders = path.split("/")[:-1]
    at = next((i for i in reversed(range(len(folders))) if folders[i].lower() in LABELS), None)
    if at is None:
        return None
    label, above, below = LABELS[folders[at].lower()], folders[:at], folders[at + 1 :]
    if above:
        generator, class_name = above[0], "/".join(above[1:] + below)
    elif label == FAKE:
        generator, class_name = (below[0], "/".join(below[1:])) if below else (root_name, "")
    else:
        generator, class_name = "", ""
    real_source = ("/".join(below) or generator or root_name) if label == REAL else ""
    return Sample(path, label, *map(readable, (generator, class_name, real_source)))
