"""What is in a zip or tar file: its members by the paths they would have if it were unpacked."""

from __future__ import annotations

import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import IO, NamedTuple, cast

from forenbench.errors import BenchError
from forenbench.files.regular import irregular
from forenbench.printable import readable

from .gzipped import SeekableGzip
from .links import Entry, follow, walk
from .names import is_passed_over, with_slashes
from .volumes import refuse_volume

_UNIX = (3, 19)
"""Systems on which a backslash is part of a name, as a zip file numbers them; 19 is a Mac."""
_LONGEST_PATH = 4096
_NOWHERE = "/"
"""In place of what a link says: out of the archive, as all that begins so."""


class Member(NamedTuple):
    """One file of an archive.

    Attributes:
        size: In bytes.
        mark: What else the directory says of its content.
        open: Opens it; gives None for what is no regular file.
        at: Where its bytes begin in the archive's file; None where they do not lie there as they are.
    """

    size: int
    mark: str
    open: Callable[[], IO[bytes] | None]
    at: int | None = None


class _Listed(NamedTuple):
    """A member as the archive's directory has it; `target` is what a link says."""

    name: str
    member: Member
    target: str | None = None


def open_members(file: Path, opening: ExitStack) -> dict[str, Member]:
    """Open an archive and list its files, hidden and system ones aside.

    Links lead to other members, and to all files of a folder; one that leads out of the archive, or to
    nothing, is a file that cannot be read.

    Raises:
        BenchError: There is no such file, it is no readable archive, one part of several, encrypted, holds a
            path twice, or dangerous names.
    """
    if why := irregular(file):
        raise BenchError(f"no archive at '{file}' ({why})")
    refuse_volume(file)
    listed = _list_zip if file.name.lower().endswith(".zip") else _list_tar
    members: dict[str, Member] = {}
    links: dict[str, str] = {}
    try:
        for raw, member, target in listed(file, opening):
            name = _safe(raw, file)
            # unpacked, the later one would overwrite the earlier; which of them is meant nobody knows
            if name in members and not _is_hidden(name):
                raise BenchError(f"'{file}' holds '{readable(name)}' twice; unpack it and name the folder")
            members[name] = member
            if target is not None:
                links[name] = target
        if links:  # few archives have any, and the folders are a second table of all paths
            return _linked(file, members, links)
        return {name: member for name, member in members.items() if not _is_hidden(name)}
    except BenchError:
        raise
    except Exception as error:  # broken bytes lead decoders to errors of any kind
        raise BenchError(
            f"'{file}' cannot be read as an archive, it is broken, cut off or one part of several "
            f"({type(error).__name__}: {error}). Get it again"
        ) from error


def _linked(file: Path, members: Mapping[str, Member], links: Mapping[str, str]) -> dict[str, Member]:
    """Walk through an archive with links as through the folder that would come out of it."""
    # Each folder by its path with a slash at the end; in it, by name, the path of what is really there.
    folders: dict[str, dict[str, str]] = {"": {}}
    for path in members:
        at = path
        while at:  # up to the top, for archives need not list folders
            folder, slash, last = at.rstrip("/").rpartition("/")
            known = folders.setdefault(folder + slash, {}).setdefault(last, at)
            if known != at:
                raise BenchError(
                    f"'{file}' holds '{readable(at.rstrip('/'))}' twice, once as a folder; unpack it"
                )
            at = folder + slash
    for name in links:
        target = follow(name, links)
        folder, slash, last = name.rpartition("/")
        if target == "":
            # A link to the top leads to a folder above itself, which is never walked through twice.
            del folders[folder + slash][last]
        elif target is not None and f"{target}/" in folders:
            folders[folder + slash][last] = f"{target}/"
        elif target is not None and target in members:
            folders[folder + slash][last] = target

    def entries(folder: str) -> list[Entry]:
        return [Entry(name, at) for name, at in folders[folder].items() if not is_passed_over(name)]

    return {path: members[real] for path, real in walk("", entries)}


def _is_hidden(name: str) -> bool:
    """Say whether a path leads through a hidden or system folder."""
    return any(map(is_passed_over, name.split("/")))


def _list_zip(file: Path, opening: ExitStack) -> Iterator[_Listed]:
    """List a zip file's members; its directory is read at once."""
    archive = opening.enter_context(zipfile.ZipFile(file))
    for info in archive.infolist():
        name = info.filename if info.create_system in _UNIX else with_slashes(info.filename)
        if info.flag_bits & 1:  # APPNOTE.TXT, 4.4.4: bit 0, encrypted
            raise BenchError(
                f"'{file}' is encrypted, '{readable(name)}' for one; unpack it and name the folder"
            )
        if name.endswith("/"):
            continue
        # Info-ZIP keeps the Unix mode in the upper half; a link's content is where it leads to.
        if not stat.S_ISLNK(info.external_attr >> 16):
            yield _Listed(name, Member(info.file_size, f"{info.CRC:08x}", partial(archive.open, info)))
            continue
        target = _NOWHERE
        if info.file_size <= _LONGEST_PATH:  # else it is no path, and might be gigabytes of zeros
            with suppress(Exception):  # broken bytes lead decoders to errors of any kind
                target = archive.read(info).decode("utf-8", "surrogateescape")
        yield _Listed(name, _nothing(), target)


def _list_tar(file: Path, opening: ExitStack) -> Iterator[_Listed]:
    """List a tar file's members, from header to header through the whole file."""
    opened: IO[bytes] = opening.enter_context(file.open("rb"))
    is_plain = file.name.lower().endswith(".tar")
    if not is_plain:
        opened = cast("IO[bytes]", opening.enter_context(BufferedReader(SeekableGzip(opened))))
    archive = opening.enter_context(tarfile.open(fileobj=opened, mode="r:"))  # noqa: SIM115 - it is one
    infos = [info for info in archive.getmembers() if not info.isdir()]
    # tarfile takes a file that ends between two members for a whole one: only the block of zeros that ends an
    # archive (POSIX ustar) shows that nothing is lacking
    opened.seek(archive.offset)
    if opened.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
        raise EOFError("the mark that ends a tar file is missing")
    for info in infos:
        if info.issym():
            yield _Listed(info.name, _nothing(), info.linkname)
        elif info.islnk():  # a hard link's target is a path from the top, a symbolic one's from where it is
            yield _Listed(info.name, _nothing(), "../" * _safe(info.name, file).count("/") + info.linkname)
        else:
            at = info.offset_data if is_plain and not info.issparse() else None
            opener = partial(archive.extractfile, info)
            yield _Listed(info.name, Member(info.size, str(info.mtime), opener, at))


def _nothing() -> Member:
    """Stand for a link that leads to no member."""

    def refuse() -> IO[bytes]:
        raise OSError("it is a link that leads out of the archive, or to nothing in it")

    return Member(0, "", refuse)


def _safe(name: str, file: Path) -> str:
    """Refuse a name that would lead out of the folder the archive is unpacked in; drop ``./``."""
    names = [folder for folder in name.split("/") if folder not in ("", ".")]
    if name.startswith("/") or ".." in names:
        raise BenchError(
            f"'{file}' is not to be trusted: it holds '{readable(name)}', which leads out of the folder it "
            "would be unpacked in"
        )
    return "/".join(names)
