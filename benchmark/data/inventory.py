"""What files are: sha256, format and size of each, remembered between runs by their source's stamps.

What is remembered is sealed: a fact that is not what was written down is read off the file again.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from functools import partial

from forenbench.errors import BenchError
from forenbench.files.places import cache_folder
from forenbench.files.threads import in_threads
from forenbench.images import UnreadableImage, header, reading
from forenbench.printable import readable
from forenbench.types import FileSource, Source, Stamp

_AT_ONCE = 500
"""Files read between two writes to the memory: a stopped run loses no more, and other runs need not wait."""

_TABLE = """CREATE TABLE IF NOT EXISTS files (
    key BLOB PRIMARY KEY, seal BLOB,
    sha256 TEXT, format TEXT, mode TEXT, width INTEGER, height INTEGER, bytes INTEGER)"""
_FIND = "SELECT seal, sha256, format, mode, width, height, bytes FROM files WHERE key = ?"
_OUTDATED = "DROP TABLE IF EXISTS facts"
"""Facts of earlier versions, without a seal."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file: content digest and what its header says (format empty where it is no image)."""

    sha256: str
    format: str = ""
    mode: str = ""
    width: int = 0
    height: int = 0
    bytes: int = 0


def take_stock(
    source: FileSource, paths: Iterable[str], advance: Callable[[int], None] = lambda done: None
) -> dict[str, FileFacts]:
    """Read the facts of a source's files; files unchanged since the last time are not read again.

    The last files are read first: where not all fit into the system's file cache, it then holds the first
    ones, with which a run begins to score. Some hundred at a time keep their order, in which archives are
    fastest.

    A file that cannot be read gets an empty sha256: it becomes an `unreadable` row, not an error here.

    Raises:
        BenchError: A file's content is not what the source says it should be, or the cache is of no use.
    """
    # Stamps come before contents: a file that changes in between is remembered under its earlier stamp, which
    # the next run does not find again.
    stamps = source.stamps(list(paths))
    with _memory() as memory:
        facts: dict[str, FileFacts] = {}
        for path, stamp in stamps.items():
            row = memory.execute(_FIND, (stamp.key,)).fetchone()
            if not row or row[0] != _seal(stamp, fact := FileFacts(*row[1:])):
                continue
            # What differs from what a manifest says is read again before anybody is told so.
            if stamp.mark and stamp.sha256 in ("", fact.sha256):
                facts[path] = fact
        advance(len(facts))
        missing = [path for path in stamps if path not in facts]
        for end in range(len(missing), 0, -_AT_ONCE):
            some = missing[max(0, end - _AT_ONCE) : end]
            for path, fact in zip(some, in_threads(partial(_examine, source), some), strict=True):
                facts[path] = fact
                advance(1)
            # A file that could not be read is tried again, and one without a mark may change unnoticed.
            kept = [(stamps[path], facts[path]) for path in some if facts[path].sha256 and stamps[path].mark]
            rows = [(stamp.key, _seal(stamp, fact), *astuple(fact)) for stamp, fact in kept]
            memory.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            memory.commit()
    for path, stamp in stamps.items():
        found = facts[path].sha256
        if stamp.sha256 and found not in ("", stamp.sha256):  # unreadable ones are rows of their own
            raise BenchError(
                f"'{readable(path)}' is not what its manifest or list says: sha256 {found}, not "
                f"{stamp.sha256}. Get the file again, or make a new manifest with 'bench data index'"
            )
    return {path: facts[path] for path in stamps}


@contextmanager
def _memory() -> Iterator[sqlite3.Connection]:
    """Open the memory of earlier runs, made if needed."""
    file = cache_folder() / "inventory.sqlite"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"the cache folder cannot be made: {error}. XDG_CACHE_HOME names another") from error
    try:
        # runs on one machine share the file and wait for each other's short writes
        with closing(sqlite3.connect(file, timeout=60)) as memory:
            memory.text_factory = partial(str, encoding="utf-8", errors="replace")  # seals tell damaged text
            memory.execute(_TABLE)
            memory.execute(_OUTDATED)
            yield memory
    except sqlite3.Error as error:
        raise BenchError(
            f"'{file}', where facts of files are remembered, is of no use: {error}. Delete it, or name "
            "another cache folder with XDG_CACHE_HOME"
        ) from error


def forget(source: FileSource, paths: Iterable[str]) -> None:
    """Have files read again by the next run, for they are not what is remembered of them.

    Raises:
        BenchError: The cache is of no use.
    """
    with _memory() as memory:
        keys = [(stamp.key,) for stamp in source.stamps(list(paths)).values()]
        memory.executemany("DELETE FROM files WHERE key = ?", keys)
        memory.commit()


def _seal(stamp: Stamp, fact: FileFacts) -> bytes:
    """Digest all that must be the same for a fact to be believed."""
    reader = "" if fact.format else reading()  # what is no image to one reader may be one to another
    return hashlib.sha256(repr((stamp.key, stamp.mark, astuple(fact), reader)).encode()).digest()


def _examine(source: Source, path: str) -> FileFacts:
    """Read one file's facts."""
    try:
        data = source.read(path)
    except OSError:
        return FileFacts("")
    digest = hashlib.sha256(data).hexdigest()
    try:
        found = header(data)
    except UnreadableImage:
        return FileFacts(digest, bytes=len(data))
    return FileFacts(digest, found.format, found.mode, found.width, found.height, len(data))


def formats(facts: Iterable[FileFacts]) -> Iterator[str]:
    """Yield each file's format, or that it has none."""
    return (fact.format or ("not an image" if fact.sha256 else "missing or not readable") for fact in facts)
