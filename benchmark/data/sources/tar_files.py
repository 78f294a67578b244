"""The shards of WebDataset: tar files side by side, read as if each were a folder of its own name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from forenbench.errors import BenchError
from forenbench.printable import readable
from forenbench.types import Stamp

from .members import open_members
from .stamping import refuse_size, stamp_file

_END = re.compile(r"[.]tar(?=/)", re.IGNORECASE)


class _Piece(NamedTuple):
    """Where a member's bytes are in its tar file: `at` is None for what does not lie there as it is."""

    at: int | None
    size: int
    mark: str


class TarFiles:
    """Members of tar files; a path is ``<tar file>/<member>``.

    There may be thousands of files: none is held open, and each is gone through from header to header once,
    after which a member is read where it begins.
    """

    def __init__(self, root: Path, files: Sequence[str]) -> None:
        self.root, self.files = root, tuple(files)
        self._lock = Lock()
        self._known = frozenset(files)
        self._pieces: dict[str, dict[str, _Piece]] = {}
        self._stamps: dict[str, Stamp] = {}

    def __reduce__(self) -> tuple[type[TarFiles], tuple[Path, tuple[str, ...]]]:
        """Pickle without what was read; another process goes through the files that it needs."""
        return TarFiles, (self.root, self.files)

    def paths(self) -> Iterator[str]:
        """Yield the paths of all members, one file after the other.

        Raises:
            BenchError: A tar file cannot be read; see `open_members`.
        """
        for file in self.files:
            yield from (f"{file}/{name}" for name in self._listed(file))

    def read(self, path: str) -> bytes:
        """Return one member's bytes; whatever is wrong with it becomes an `OSError`."""
        file, name = self._split(path)
        try:
            piece = self._listed(file).get(name) if file else None
        except BenchError as error:
            raise OSError(str(error)) from error
        if piece is None or piece.at is None:
            raise FileNotFoundError(f"no member {readable(path)} in the tar files of '{self.root}'")
        refuse_size(piece.size)
        with (self.root / file).open("rb") as opened:
            opened.seek(piece.at)
            data = opened.read(piece.size)
        # A file that grows, or that another was put in place of, has other bytes here.
        if stamp_file(self.root.resolve() / file) != self._stamps[file]:
            raise OSError(f"'{self.root / file}' was changed while it was in use")
        return data

    def stamps(self, paths: Sequence[str]) -> dict[str, Stamp]:
        """Look at sizes and times in the tar files' headers, beside each file's own stamp."""
        found = {}
        for path in paths:
            file, name = self._split(path)
            piece = self._listed(file).get(name) if file else None
            whole = self._stamps[file] if file else stamp_file(self.root.resolve() / path)
            mark = f"{piece.size} {piece.mark} {piece.at} in {whole.mark}" if piece else ""
            # no path of the file system has two slashes
            found[path] = Stamp(whole.key + b"//" + os.fsencode(name), mark)
        return found

    def _split(self, path: str) -> tuple[str, str]:
        """Split a path into tar file and member; without a tar file of ours both are empty."""
        ends = (found.end() for found in _END.finditer(path))
        at = next((end for end in ends if path[:end] in self._known), -1)
        return ("", "") if at < 0 else (path[:at], path[at + 1 :])

    def _listed(self, file: str) -> dict[str, _Piece]:
        """Go through a tar file, once."""
        with self._lock:
            if file not in self._pieces:
                place = self.root.resolve() / file
                # first, for what is read now must not be remembered under a later stamp
                self._stamps[file] = stamp_file(place)
                with ExitStack() as opening:
                    members = open_members(place, opening)
                self._pieces[file] = {
                    name: _Piece(member.at, member.size, member.mark) for name, member in members.items()
                }
            return self._pieces[file]
