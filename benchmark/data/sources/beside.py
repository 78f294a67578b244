"""Files that lie beside a table which only names them: in its folder, or in an archive there."""

from __future__ import annotations

import re
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from forenbench.files.regular import read_regular
from forenbench.printable import readable

from .stamping import refuse_size, stamp_file

if TYPE_CHECKING:
    from .archive import Archive

_IN_ARCHIVE = re.compile(r"(?:zip|tar)://(?P<inside>.+?)::(?:.*/)?(?P<archive>[^/]+)")
"""As fsspec spells a member: ``zip://a/1.jpg::https://example.org/images.zip``."""


class Beside:
    """Files in a folder, or in the archives that lie there.

    Attributes:
        folder: That of the table.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._archives: list[tuple[Archive, str]] | None = None

    def read(self, path: str) -> bytes:
        """Return one file's bytes.

        Raises:
            OSError: It is not there, or its path leads out of the folder.
        """
        archive, inside = self._find(path)
        if archive is not None:
            return archive.read(inside)
        refuse_size((self.folder / inside).stat().st_size)
        return read_regular(self.folder / inside)

    def mark(self, path: str) -> str:
        """Say what changes whenever the file may have; empty where it is not there."""
        try:
            archive, inside = self._find(path)
        except OSError:
            return ""
        found = archive.stamps([inside])[inside] if archive else stamp_file(self.folder / inside)
        return found.mark

    def _find(self, path: str) -> tuple[Archive | None, str]:
        """Find the archive that holds a file, if any, and the file's path there or in the folder."""
        member = _IN_ARCHIVE.fullmatch(path)
        wanted = member["inside"] if member else path
        # A table comes from anywhere: its paths lead to no other files of this machine.
        if wanted.startswith("/") or ".." in wanted.split("/") or "\0" in wanted:
            raise OSError(f"'{readable(path)}' leads out of '{self.folder}', the folder of its table")
        if not member and (self.folder / wanted).is_file():
            return None, wanted
        from .archive import Archive, is_archive, stem_of  # few tables need it

        with self._lock:
            if self._archives is None:
                files = sorted(file for file in self.folder.iterdir() if file.is_file() and is_archive(file))
                self._archives = [(Archive(file), stem_of(file)) for file in files]
        for archive, stem in self._archives:
            for name in (wanted, f"{stem}/{wanted}"):
                if archive.stamps([name])[name].mark:
                    return archive, name
        raise FileNotFoundError(
            f"'{readable(path)}' is neither beside its table, in '{self.folder}', nor in an archive there"
        )
