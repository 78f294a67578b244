"""All that is kept in the user's cache folder: what it is, how much, and how to get rid of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from forenbench.data.descriptions import specs
from forenbench.errors import BenchError
from forenbench.files.in_use import is_in_use
from forenbench.files.places import cache_folder
from forenbench.scoring.features import user_cache

_PARTS = (".part", ".part.json")
_ASIDE = ".removed"


@dataclass(frozen=True, slots=True)
class CacheKind:
    """One kind of what is kept.

    Attributes:
        name: What ``bench cache clear`` calls it.
        what: It is, in words.
        then: What happens where it is wanted again.
        find: Lists its files and folders in the cache folder.
        may_vanish: Also beneath a run that is going on.
    """

    name: str
    what: str
    then: str
    find: Callable[[Path], Iterable[Path]]
    may_vanish: bool = False

    def paths(self) -> list[Path]:
        """List its files and folders."""
        return sorted(self.find(cache_folder()))

    def usage(self) -> tuple[int, int]:
        """Count its files, and their bytes."""
        files = [file for path in self.paths() for file in _files(path)]
        size = 0
        for file in files:
            with suppress(FileNotFoundError):  # it may vanish meanwhile
                size += file.lstat().st_size
        return len(files), size

    def clear(self) -> list[Path]:
        """Remove it.

        Returns:
            What stays because another process writes it.

        Raises:
            BenchError: A run that is going on may need it, or it cannot be removed.
        """
        if not self.may_vanish and is_in_use(cache_folder()):
            raise BenchError(f"a run is going on that may need {self.name}: wait for it, or stop it")
        kept = []
        for path in self.paths():
            with _locked(path) as is_ours:
                if is_ours:
                    _remove(path)
                else:
                    kept.append(path)
        if left := [path for path in self.paths() if path not in kept]:
            raise BenchError(f"'{left[0]}' and {len(left) - 1} more are there still: may they be removed?")
        return kept


def _files_below(folder: Path, *, half: bool) -> Iterator[Path]:
    """Yield the downloaded files in a folder: whole ones, or what has arrived of others."""
    for file in _files(folder):
        if file.suffix != ".lock" and file.name.endswith(_PARTS) == half:
            yield file


def _built(cache: Path) -> Iterator[Path]:
    """Yield datasets that were made here, of earlier versions, too, and what is left of removed ones."""
    for spec in specs().values():
        if spec.builder:
            yield from (path for path in cache.glob(f"{spec.name}-*") if path.is_dir())
            yield from cache.glob(f".{spec.name}-*{_ASIDE}")


KINDS = (
    CacheKind(
        "features",
        "what encoders made of images",
        "computed again",
        lambda cache: (user_cache().folder / one.encoder for one in user_cache().usage()),
        may_vanish=True,
    ),
    CacheKind(
        "weights",
        "downloaded checkpoints",
        "to be fetched again",
        lambda cache: _files_below(cache / "weights", half=False),
    ),
    CacheKind(
        "downloads",
        "checkpoints half downloaded",
        "fetched anew",
        lambda cache: _files_below(cache / "weights", half=True),
        may_vanish=True,
    ),
    CacheKind("datasets", "datasets made here: sample", "made again", _built),
    CacheKind(
        "inventory",
        "sha256 and sizes of files",
        "files are read again",
        lambda cache: cache.glob("inventory.sqlite*"),
    ),
    CacheKind(
        "answers",
        "what services answered",
        "asked, and paid, again",
        lambda cache: cache.glob("answers"),
    ),
)
"""By what may be removed with the least regret: features first."""


def _files(path: Path) -> Iterator[Path]:
    """Yield all files of a folder, or the file itself."""
    if not path.is_dir() or path.is_symlink():
        yield from [path] if path.exists() or path.is_symlink() else []
        return
    for parent, _, names in os.walk(path):
        yield from (Path(parent, name) for name in names)


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Hold the lock under which a path is written, and say whether that can be had."""
    name = path.name
    for suffix in reversed(_PARTS):
        name = name.removesuffix(suffix)
    lock = FileLock(path.with_name(f"{name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    except OSError:  # nothing can be written there; removing it will say so
        yield True
        return
    try:
        yield True
    finally:
        with suppress(OSError):
            Path(lock.lock_file).unlink()
        lock.release()
        with suppress(OSError):  # other files are in it
            for parent in path.relative_to(cache_folder()).parents[:-1]:
                (cache_folder() / parent).rmdir()


def _remove(path: Path) -> None:
    with suppress(OSError):  # what is still there is named afterwards
        if path.is_dir() and not path.is_symlink():
            # Aside first: a dataset of which half is there would be taken for a whole one.
            aside = path
            if not path.name.endswith(_ASIDE):
                aside = path.with_name(f".{path.name}{_ASIDE}")
                shutil.rmtree(aside, ignore_errors=True)
                path.rename(aside)
            shutil.rmtree(aside)
        else:
            path.unlink()
