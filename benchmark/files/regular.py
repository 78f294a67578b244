"""What a path leads to, looked at before it is opened: opening a named pipe can wait for ever."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_KERNEL = ("/proc/", "/sys/")


def irregular(path: Path) -> str:
    """Say what a path is that is no regular file, for instance "a named pipe"; empty for one that is.

    Files that the kernel makes up as they are read (/proc, /sys) are none: some never end.
    """
    try:
        found = path.stat()
    except OSError as error:
        return "a broken link" if path.is_symlink() else error.strerror or str(error)
    except ValueError:  # a zero byte
        return "no name of a file"
    if not stat.S_ISREG(found.st_mode):
        return _KINDS.get(stat.S_IFMT(found.st_mode), "no regular file")
    return "a file of the kernel's" if os.path.realpath(path).startswith(_KERNEL) else ""


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file to read it.

    Raises:
        OSError: It is none, as its ``strerror`` says in the words of `irregular`; or it cannot be opened.
    """
    # Without waiting for whoever would write into a pipe; Windows has no such files.
    at_once = getattr(os, "O_NONBLOCK", 0)
    # What was opened is looked at, not the path, which may lead to something else by then.
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | at_once))  # noqa: SIM115
    mode = os.fstat(file.fileno()).st_mode
    if not stat.S_ISREG(mode):
        file.close()
        raise OSError(errno.EINVAL, _KINDS.get(stat.S_IFMT(mode), "no regular file"), str(path))
    return file


def read_regular(path: Path) -> bytes:
    """Read a regular file; errors are those of `open_regular`."""
    with open_regular(path) as file:
        return file.read()
