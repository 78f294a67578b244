"""Files that are whole or not there, whatever kills the process that writes them."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from socket import gethostname
from typing import Any

from forenbench.errors import RunFailed

_SUFFIX = ".part"


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a temporary name beside `path`; what was written there is moved into its place.

    Args:
        path: The file that appears.
        durable: Wait until the disk has it, against power failures.
    """
    path = path.absolute()  # for "." has no name
    # Machine and process: those that share a run folder write one file at a time each, never one together,
    # and `sweep` can tell whose writer is dead. The dot hides the file from whoever lists the folder.
    partial = path.with_name(f".{path.name}.{_numbering()}.{os.getpid()}{_SUFFIX}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
        if durable:
            # A rename can reach the disk before the bytes do (ext4 delays their allocation): after a power
            # failure the file would be there under its name, and empty.
            with partial.open("rb+") as file:  # Windows flushes no file that is open for reading alone
                os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def explaining(root: Path) -> Iterator[None]:
    """Turn what a disk has against being written to into an error that says how to go on."""
    try:
        yield
    except OSError as error:
        way_out = "make room" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "mend that"
        raise RunFailed(
            f"cannot write to '{root}': {error}. What is finished is kept: {way_out}, and the same command "
            "goes on from there"
        ) from error


def sweep(folder: Path) -> None:
    """Remove temporary files that processes left below a folder when they were killed.

    Only of processes that are numbered as this one is; what those of other machines, of other containers or
    from before a restart of the machine left stays, for nobody here can tell whether they are dead. Nor can
    it be told on Windows, where all of them stay.
    """
    if sys.platform == "win32":
        return  # there `os.kill` would not ask for a process but send Ctrl-C to it, with all that it started
    for partial in folder.rglob(f".*.{_numbering()}.*{_SUFFIX}"):
        try:
            os.kill(int(partial.name.split(".")[-2]), 0)  # signal 0 only asks whether the process exists
        except ProcessLookupError:
            partial.unlink(missing_ok=True)
        except (PermissionError, ValueError, OverflowError):
            # It runs under another user; or the name ends in no process number, and the file is not ours.
            continue


@cache
def _numbering() -> str:
    """Name what counts processes as this one is counted: elsewhere their numbers mean other processes."""
    parts = [gethostname()]
    # Containers, on one machine or several, may all have one host name: each has numbers of its own there,
    # and so has each start of a machine. Where the system is not Linux, the name has to do.
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        parts += [boot, str(Path("/proc/self/ns/pid").stat().st_ino)]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]


def remove_partials(path: Path) -> None:
    """Remove what killed processes left of this file; only for who knows that no other writes it now."""
    for partial in path.parent.iterdir():
        if partial.name.startswith(f".{path.name}.") and partial.name.endswith(_SUFFIX):
            partial.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a text file in one go."""
    with replacing(path, durable=False) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file in one go."""
    with replacing(path) as partial:
        partial.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON file, or return None where there is none."""
    if not path.is_file():
        return None
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
