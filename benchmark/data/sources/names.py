"""Names: paths that Windows wrote, files and folders that are passed over, generators in any spelling."""

from __future__ import annotations

_SYSTEM_FILES = {"thumbs.db", "desktop.ini", "lost+found", "$recycle.bin", "system volume information"}


def with_slashes(path: str) -> str:
    """Spell a path that Windows wrote, with backslashes between folders."""
    return path.replace("\\", "/")


def is_passed_over(name: str) -> bool:
    """Say whether a file's or folder's name marks it as hidden, or as the operating system's own."""
    return name.startswith(".") or name == "__MACOSX" or name.lower() in _SYSTEM_FILES


def plain(name: str) -> str:
    """Spell a name without case, spaces and punctuation: ``SD v1.4`` and ``sd-v1.4`` are one."""
    return "".join(filter(str.isalnum, name.casefold()))
