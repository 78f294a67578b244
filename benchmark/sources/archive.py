"""zip and tar files as they were downloaded: images are read member by member, and nothing is unpacked."""

from __future__ import annotations

import os
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from io import BufferedReader
from pathlib import Path
from threading import Lock
from typing import IO, NamedTuple, cast

from forenbench.types import BenchError, Stamp

from .folder import (
    Findings,
    is_passed_over,
    read_labels,
    readable,
    refuse_size,
    stamp_file,
    without_labels,
)
from .gzipped import SeekableGzip

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")


class _Member(NamedTuple):
    """One file of an archive: its size, what else the directory says of its content, and how to read it."""

    size: int
    mark: str
    read: Callable[[], bytes]


class Archive:
    """A zip or tar file as a source; paths are those in the archive, below `inside`.

    Threads share one open file in turns; another process (a pickled copy, a fork) opens its own.
    """

    def __init__(self, file: Path, inside: str = "") -> None:
        self.file, self.inside = file, inside
        self._lock = Lock()
        self._open, self._process = ExitStack(), 0
        self._members: dict[str, _Member] = {}

    def __reduce__(self) -> tuple[type[Archive], tuple[Path, str]]:
        """Pickle without the open file."""
        return Archive, (self.file, self.inside)

    def __del__(self) -> None:
        """Let go of the file."""
        self._open.close()

    def members(self) -> dict[str, _Member]:
        """Read the archive's directory, once in each process.

        Raises:
            BenchError: There is no such file, it is no readable archive, or it holds dangerous names.
        """
        if self._process != os.getpid():
            with ExitStack() as opening:
                self._members = _open_members(self.file, opening)
                self._open, self._process = opening.pop_all(), os.getpid()
        return self._members

    def read(self, path: str) -> bytes:
        """Return one member's bytes; whatever is wrong with it becomes an `OSError`."""
        with self._lock:
            try:
                member = self.members()[self.inside + path]
                refuse_size(member.size)
                return member.read()
            except Exception as error:  # broken bytes lead decoders to errors of any kind
                reason = f"{type(error).__name__}: {error}"
                raise OSError(f"cannot read {readable(path)} in '{self.file}': {reason}") from error

    def stamps(self, paths: Sequence[str]) -> dict[str, Stamp]:
        """Look up sizes and checksums in the archive's directory, beside the archive's own stamp."""
        whole = stamp_file(self.file.resolve())
        with self._lock:
            members = self.members()
        stamps = {}
        for path in paths:
            name = self.inside + path
            key = whole.key + b"//" + os.fsencode(name)  # no path of the file system has two slashes
            found = members.get(name)
            stamps[path] = Stamp(key, f"{found.size} {found.mark} in {whole.mark}" if found else "")
        return stamps


def open_archive(file: Path) -> Archive:
    """Open an archive like the folder that would come out of it.

    Where everything lies in one folder of the archive's own name (``wild/…`` in ``wild.zip``), it is that
    folder which is opened.

    Raises:
        BenchError: See `Archive.members`.
    """
    archive, folder = Archive(file), f"{stem_of(file)}/"
    if archive.members() and all(name.startswith(folder) for name in archive.members()):
        archive.inside = folder
    return archive


def find_members(archive: Archive, otherwise: int | None = None) -> Findings:
    """List the labelled files of an archive, by the rules for folders (see `folder.read_labels`).

    Raises:
        BenchError: See `Archive.members`; or nothing in it has a label.
    """
    names = (name.removeprefix(archive.inside) for name in archive.members())
    findings = read_labels(names, stem_of(archive.file), otherwise)
    if not findings.samples:
        raise without_labels(archive.file, findings)
    return findings


def stem_of(file: Path) -> str:
    """Return an archive's name without its suffix."""
    suffix = next(suffix for suffix in reversed(SUFFIXES) if file.name.lower().endswith(suffix))
    return file.name[: -len(suffix)]


def _open_members(file: Path, opening: ExitStack) -> dict[str, _Member]:
    """Open an archive and list its files, hidden and system ones aside."""
    list_members = _zip_members if file.name.lower().endswith(".zip") else _tar_members
    try:
        found = list_members(file, opening)
    except FileNotFoundError:
        raise BenchError(f"no archive at '{file}'") from None
    except BenchError:
        raise
    except Exception as error:  # broken bytes lead decoders to errors of any kind
        raise BenchError(
            f"'{file}' cannot be read as an archive, it is broken, cut off or one part of several "
            f"({type(error).__name__}: {error}). Get it again; parts (.z01, .zip.001) must be joined first, "
            f"for instance with 'zip -s 0 {file.name} --out joined.zip'"
        ) from error
    members: dict[str, _Member] = {}
    for raw, member in found:
        name = _safe(raw, file)
        if any(map(is_passed_over, name.split("/"))):
            continue
        if name in members:
            raise BenchError(f"'{file}' holds '{readable(name)}' twice; unpack it and name the folder")
        members[name] = member
    return members


def _zip_members(file: Path, opening: ExitStack) -> list[tuple[str, _Member]]:
    """List a zip file's members; its directory is read at once."""
    archive = opening.enter_context(zipfile.ZipFile(file))
    infos = [info for info in archive.infolist() if not info.is_dir()]
    locked = next((info.filename for info in infos if info.flag_bits & 1), None)
    if locked is not None:
        raise BenchError(
            f"'{file}' is encrypted, '{readable(locked)}' for one; unpack it and name the folder"
        )
    return [
        (info.filename, _Member(info.file_size, f"{info.CRC:08x}", partial(archive.read, info)))
        for info in infos
    ]


def _tar_members(file: Path, opening: ExitStack) -> list[tuple[str, _Member]]:
    """List a tar file's members, from header to header through the whole file."""
    opened: IO[bytes] = opening.enter_context(file.open("rb"))
    if not file.name.lower().endswith(".tar"):
        opened = cast("IO[bytes]", opening.enter_context(BufferedReader(SeekableGzip(opened))))
    archive = opening.enter_context(tarfile.open(fileobj=opened, mode="r:"))  # noqa: SIM115 - it is one
    infos = [info for info in archive.getmembers() if not info.isdir()]
    opened.seek(archive.offset)
    if opened.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
        raise EOFError("the mark that ends a tar file is missing")
    return [
        (info.name, _Member(info.size, str(info.mtime), partial(_read_tarred, archive, info)))
        for info in infos
    ]


def _read_tarred(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    """Read one member, following a link to another one."""
    opened = archive.extractfile(info)
    if opened is None:
        raise OSError("it is no regular file")
    return opened.read()


def _safe(name: str, file: Path) -> str:
    """Refuse a name that would lead out of the folder the archive is unpacked in; drop ``./``."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        raise BenchError(
            f"'{file}' is not to be trusted: it holds '{readable(name)}', which leads out of the folder it "
            "would be unpacked in"
        )
    return "/".join(parts)
