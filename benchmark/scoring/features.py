"""Features of frozen encoders on disk, so that a new head, or another k, costs no forward pass.

What is kept is a *block*: the features of one group of a batch, n images of equal tensor shape encoded
together. Floating-point results depend on the batch's shape, so features of single images would not be bit
for bit what a run without the cache computes; those of the whole group are. A block's address is made from
everything it rests on and nothing else: another data set with the same run of images finds it too.

Files appear whole, by renaming, and carry a checksum. Several processes may use one folder without locks: all
that can happen to a file is that it vanishes, and then it is computed again. A file's modification time says
when it was last of use.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.filesize import decimal

from forenbench.errors import BenchError
from forenbench.files.atomic import replacing, write_text
from forenbench.files.places import cache_folder
from forenbench.files.sizes import parse_size

from .feature_files import Address as Address
from .feature_files import address as address
from .feature_files import numerics as numerics
from .feature_files import read, to_bytes

if TYPE_CHECKING:
    from torch import Tensor

SIZE = "FORENBENCH_FEATURES"
"""The environment variable that says how large the cache may grow."""

_LIMIT = "10GB"
_NOTE = "encoder.txt"
_ENCODERS = "*-" + "[0-9a-f]" * 12  # nothing else in the cache's folder is ever touched
_SUFFIXES = (".npy", ".part")  # what a killed run left half-written counts, and goes, as blocks do
_AFTER_EVICTION = 0.9
"""Share of the limit that is left after an eviction: looking at every file pays only now and then."""
_UNSEEN = 1 / 16
"""Share of the limit that one process may write before it looks at what the others wrote."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one encoder's features take.

    Attributes:
        encoder: Name of its folder: the encoder's own name, a dash and a digest of its identity.
        blocks: Number of files.
        size: In bytes.
    """

    encoder: str
    blocks: int
    size: int

    @property
    def name(self) -> str:
        """What people know the encoder by."""
        return self.encoder.rpartition("-")[0]


class FeatureCache:
    """Blocks of features in a folder, the least recently used of which go when it gets too large.

    Attributes:
        folder: Of the cache; made when the first block is put.
        limit: Its size in bytes; 0: nothing is kept or looked up.
        problem: Why nothing more is kept (a full disk, a folder that cannot be written), in words; or empty.
            Blocks that are there are still found.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit, self.problem = folder, limit, ""
        # Infinite until the folder was looked at, which the first `put` does: a run that finds all it needs
        # never goes through the files.
        self._size, self._unseen = math.inf, 0

    def get(self, address: Address) -> Tensor | None:
        """Return a block's features, memory-mapped, on the CPU; None where they are not (or no longer) kept.

        A file that is cut short or damaged is removed and counts as absent. Writing to the tensor does not
        change the file.
        """
        if not self.limit:
            return None
        path = self._path(address)
        try:
            features = read(path)
        except OSError:
            return None
        except ValueError:
            with suppress(OSError):
                path.unlink()
            return None
        # By hand, as the time of change: with the usual mount options (relatime, noatime) the time of access
        # is not kept. Where this may not be written, the block is of use all the same.
        now = time.time_ns()
        with suppress(OSError):
            os.utime(path, ns=(now, now))
        return features

    def put(self, address: Address, features: Tensor) -> None:
        """Keep a block's features of any shape; what goes wrong becomes `problem` and stops no run."""
        if self.problem or not self.limit:
            return
        note = self.folder / address.folder / _NOTE
        try:
            content = to_bytes(features)
            # A larger block could not stay: an eviction goes down to that share of the limit.
            if len(content) > self.limit * _AFTER_EVICTION:
                raise ValueError(f"{decimal(len(content))} do not fit into {decimal(self.limit)}")
            if not note.is_file():
                write_text(note, f"{address.encoder}\n")
            # Not durable: an fsync a block would wait for the disk, and the checksum tells a torn file.
            with replacing(self._path(address), durable=False) as partial:
                partial.write_bytes(content)
            self._size, self._unseen = self._size + len(content), self._unseen + len(content)
            if self._size > self.limit or self._unseen > self.limit * _UNSEEN:
                self._make_room()
        except (OSError, TypeError, ValueError) as error:
            # Another process may clear the cache between any two of these steps, also while `mkdir` looks.
            cleared = isinstance(error, FileNotFoundError) or (
                isinstance(error, FileExistsError) and self.folder.is_dir()
            )
            if not cleared:
                self.problem = f"features are no longer kept in {self.folder}: {error}"

    def usage(self) -> list[Usage]:
        """List what is kept by encoder, largest first."""
        found = []
        for encoder in self.folder.glob(_ENCODERS):
            sizes = [size for _, size, _ in _files(encoder)]
            found.append(Usage(encoder.name, len(sizes), sum(sizes)))
        return sorted(found, key=lambda usage: (-usage.size, usage.encoder))

    def clear(self, encoders: Iterable[str]) -> None:
        """Remove the features of encoders as `usage` names them, as far as they can be removed."""
        for encoder in encoders:
            shutil.rmtree(self.folder / encoder, ignore_errors=True)
        self._size = math.inf

    def _path(self, address: Address) -> Path:
        return self.folder / address.folder / address.digest[:2] / f"{address.digest}.npy"

    def _make_room(self) -> None:
        """Count what is there; above the limit, remove what was not used for longest."""
        # Sorted by time, the first of the three: the least recently used come first.
        files = sorted(file for encoder in self.folder.glob(_ENCODERS) for file in _files(encoder))
        size = sum(size for _, size, _ in files)
        enough = self.limit * _AFTER_EVICTION if size > self.limit else math.inf
        for _, freed, path in files:
            if size <= enough:
                break
            path.unlink(missing_ok=True)
            size -= freed
        self._size, self._unseen = size, 0


def user_cache(limit: int | None = None) -> FeatureCache:
    """Open the cache in the user's cache folder.

    Args:
        limit: In bytes; None: what FORENBENCH_FEATURES says, or 10 GB.

    Raises:
        BenchError: FORENBENCH_FEATURES is no size.
    """
    if limit is None:
        try:
            limit = parse_size(os.environ.get(SIZE) or _LIMIT)
        except BenchError as error:
            raise BenchError(f"{SIZE}: {error}") from error
    return FeatureCache(cache_folder() / "features", limit)


def _files(encoder: Path) -> Iterator[tuple[int, int, Path]]:
    """Yield each file's time of last use (nanoseconds), size and path; files may vanish meanwhile."""
    for parent, _, names in os.walk(encoder):
        for name in names:
            path = Path(parent, name)
            # The note is neither counted nor evicted: without it nobody knows what the blocks are.
            if path.suffix in _SUFFIXES:
                with suppress(FileNotFoundError):
                    status = path.stat()
                    yield status.st_mtime_ns, status.st_size, path
