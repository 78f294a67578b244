"""What files are: sha256, format and size of each, remembered between runs by (size, time of change)."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import astuple, dataclass
from pathlib import Path

from platformdirs import user_cache_path

from .images import UnreadableImage, header
from .sources.folder import Folder

_READERS = 4
_TABLE = """CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, bytes INTEGER, changed INTEGER,
    sha256 TEXT, format TEXT, mode TEXT, width INTEGER, height INTEGER)"""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file: content digest and what its header says (format empty where it is no image)."""

    sha256: str
    format: str = ""
    mode: str = ""
    width: int = 0
    height: int = 0


def cache_folder() -> Path:
    """Return the user's cache folder for this package, made if needed."""
    return user_cache_path("forenbench", ensure_exists=True)


def take_stock(
    root: Path, paths: Iterable[str], advance: Callable[[int], None] = lambda done: None
) -> dict[str, FileFacts]:
    """Read the facts of files below a folder; files unchanged since the last time are not read again.

    A file that cannot be opened gets an empty sha256: it becomes an `unreadable` row, not an error here.
    """
    paths = list(paths)
    with closing(sqlite3.connect(cache_folder() / "inventory.sqlite", timeout=60)) as memory:
        memory.execute(_TABLE)
        facts, missing = _recall(memory, root, paths)
        advance(len(facts))
        with ThreadPoolExecutor(_READERS) as readers:
            for path, stamp, fact in readers.map(lambda item: (*item, _examine(root / item[0])), missing):
                facts[path] = fact
                _remember(memory, root, path, stamp, fact)
                advance(1)
        memory.commit()
    return {path: facts[path] for path in paths}


def _recall(
    memory: sqlite3.Connection, root: Path, paths: list[str]
) -> tuple[dict[str, FileFacts], list[tuple[str, tuple[int, int]]]]:
    """Split paths into those whose facts are known and those to read, with their (bytes, changed) stamps."""
    facts, missing = {}, []
    for path in paths:
        stamp = _stamp(root / path)
        row = memory.execute("SELECT * FROM files WHERE path = ?", (_key(root, path),)).fetchone()
        if row and (row[1], row[2]) == stamp and row[3]:
            facts[path] = FileFacts(*row[3:])
        else:
            missing.append((path, stamp))
    return facts, missing


def _remember(
    memory: sqlite3.Connection, root: Path, path: str, stamp: tuple[int, int], fact: FileFacts
) -> None:
    """Store the facts of one file."""
    row = (_key(root, path), *stamp, *astuple(fact))
    memory.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def _key(root: Path, path: str) -> bytes:
    """Name a file absolutely; as bytes, since file names need not be valid text."""
    return str(root.resolve() / path).encode("utf-8", "surrogateescape")


def _stamp(path: Path) -> tuple[int, int]:
    """Return (bytes, time of change in ns), or (-1, -1) for what cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return -1, -1
    return found.st_size, found.st_mtime_ns


def _examine(path: Path) -> FileFacts:
    """Read one file's facts."""
    try:
        data = Folder(path.parent).read(path.name)
    except OSError:
        return FileFacts("")
    digest = hashlib.sha256(data).hexdigest()
    try:
        found = header(data)
    except UnreadableImage:
        return FileFacts(digest)
    return FileFacts(digest, found.format, found.mode, found.width, found.height)


def formats(facts: Iterable[FileFacts]) -> Iterator[str]:
    """Yield each file's format, ``not an image`` where it has none."""
    return (fact.format or "not an image" for fact in facts)
