"""What a path leads to, looked at before it is opened: opening a named pipe can wait for ever."""

from __future__ import annotations

import os
import stat
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
