"""Names of files and folders: paths that Windows wrote, and names that are passed over."""

from __future__ import annotations

_SYSTEM_FILES = {"thumbs.db", "desktop.ini", "lost+found", "$recycle.bin", "system volume information"}


def with_slashes(path: str) -> str:
    """Spell a path that Windows wrote, with backslashes between folders."""
    return path.replace("\\", "/")


def is_passed_over(name: str) -> bool:
    """Say whether a file's or folder's name marks it as hidden, or as the operating system's own."""
    return name.startswith(".") or name == "__MACOSX" or name.lower() in _SYSTEM_FILES
