"""zip and tar files as they were downloaded: images are read member by member, and nothing is unpacked."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Lock

from forenbench.printable import readable
from forenbench.types import Stamp

from .findings import Findings
from .folder import read_labels, refuse_empty
from .members import Member, open_members
from .rules import NO_RULES, Rules
from .stamping import refuse_size, stamp_file

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")


class Archive:
    """A zip or tar file as a source; paths are those in the archive, below `inside`.

    Threads share one open file in turns; another process (a pickled copy, a fork) opens its own.
    """

    def __init__(self, file: Path, inside: str = "") -> None:
        self.file, self.inside = file, inside
        self._lock = Lock()
        self._open, self._process = ExitStack(), 0
        self._members: dict[str, Member] = {}
        self._stamp = Stamp(b"", "")

    def __reduce__(self) -> tuple[type[Archive], tuple[Path, str]]:
        """Pickle without the open file."""
        return Archive, (self.file, self.inside)

    def __del__(self) -> None:
        """Let go of the file."""
        # else Python warns of an unclosed file whenever its garbage collector comes by
        self._open.close()

    def members(self) -> dict[str, Member]:
        """Read the archive's directory, once in each process.

        Raises:
            BenchError: See `open_members`.
        """
        # A forked process shares the parent's file offset: each would seek away under the other's reads.
        if self._process != os.getpid():
            # An open file stays what it was when another is put in its place: what is read from it must not
            # be remembered under the stamp of the other one.
            self._stamp = stamp_file(self.file.resolve())
            with ExitStack() as opening:  # closes the file again if its directory cannot be read
                self._members = open_members(self.file, opening)
                self._open, self._process = opening.pop_all(), os.getpid()
        return self._members

    def read(self, path: str) -> bytes:
        """Return one member's bytes; whatever is wrong with it becomes an `OSError`."""
        with self._lock:
            try:
                member = self.members()[self.inside + path]
                refuse_size(member.size)
                opened = member.open()
                if opened is None:
                    raise OSError("it is no regular file")
                with opened:
                    return opened.read()
            except Exception as error:  # broken bytes lead decoders to errors of any kind
                reason = f"{type(error).__name__}: {error}"
                raise OSError(f"cannot read {readable(path)} in '{self.file}': {reason}") from error

    def stamps(self, paths: Sequence[str]) -> dict[str, Stamp]:
        """Look up sizes and checksums in the archive's directory, beside the archive's own stamp."""
        with self._lock:
            members, whole = self.members(), self._stamp
        # The archive's stamp is part of each member's: CRC-32 and time are too little to tell content by.
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


def find_members(
    archive: Archive, otherwise: int | None = None, classes: Collection[str] = (), rules: Rules = NO_RULES
) -> Findings:
    """List the labelled files of an archive, by the rules for folders (see `folder.read_labels`).

    Raises:
        BenchError: See `Archive.members`; or nothing in it has a label.
    """
    names = (name.removeprefix(archive.inside) for name in archive.members())
    findings = read_labels(names, stem_of(archive.file), otherwise, classes, rules)
    return refuse_empty(archive.file, findings, rules)


def is_archive(location: Path) -> bool:
    """Say whether a file's name is one of an archive that can be read."""
    return location.name.lower().endswith(SUFFIXES)


def stem_of(file: Path) -> str:
    """Return an archive's name without its suffix."""
    suffix = next(suffix for suffix in SUFFIXES if file.name.lower().endswith(suffix))
    return file.name[: -len(suffix)]
