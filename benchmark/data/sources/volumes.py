"""Archives cut into several files: one of them cannot be read alone, so that it is refused by its name."""

from __future__ import annotations

import re
import shlex
import struct
from pathlib import Path

from forenbench.errors import BenchError

_ZIPPED_PART = re.compile(r"\.z\d\d+$", re.IGNORECASE)
_CUT = re.compile(r"\.(?P<part>part[-_]?)?(?P<number>\d{2,}|(?!bz|br)[a-f][a-z])$")
"""As 7-Zip and the command split count: x.zip.001, x.tar.gz.aa; .bz and .br are compressed files."""
_ARCHIVE = re.compile(r"\.(?:zip|7z|tar|tgz|tar\.\w+)$", re.IGNORECASE)
_END = b"PK\x05\x06"
_END_SIZE = 22
_LONGEST_COMMENT = 0xFFFF
_LOCATOR = b"PK\x06\x07"
_LOCATOR_SIZE = 20
_IN_LOCATOR = 0xFFFF


def refuse_volume(file: Path) -> None:
    """Refuse one volume of several, with the command that makes a whole of them.

    Args:
        file: A regular file, or nothing.

    Raises:
        BenchError: Its name is that of a volume, or it is a zip file whose directory begins in another file.
    """
    name = file.name
    if _ZIPPED_PART.search(name):
        raise _of_zip(file.with_suffix(".zip"), file)
    if (cut := _CUT.search(name)) and _ARCHIVE.search(name[: cut.start()]):
        whole, digits = file.with_name(name[: cut.start()]), len(cut["number"])
        command = f"cat {_quoted(whole)}.{cut['part'] or ''}{'?' * digits} > {_quoted(whole)}"
        if whole.suffix.lower() == ".7z":  # no archive that is read here: it must be unpacked anyway
            command = f"7z x {_quoted(whole)}.{'1'.zfill(digits)}"
        raise BenchError(f"'{file}' is one piece of '{whole.name}'. Join the pieces first: {command}")
    if name.lower().endswith(".zip") and _is_last_volume(file):
        raise _of_zip(file, file)


def _of_zip(last: Path, file: Path) -> BenchError:
    """Return the error for a volume of a split zip file, whose last one ends in .zip."""
    whole = last.with_name(f"{last.stem}-whole.zip")
    words = f"'{file}' is one volume of a zip file in several ({last.stem}.z01, …, {last.name})"
    joined = f"zip -s 0 {_quoted(last)} --out {_quoted(whole)}"
    if file == last and not any(last.with_suffix(suffix).exists() for suffix in (".z01", ".Z01")):
        return BenchError(
            f"{words}, and the others are not beside it; 'cat' does not make a whole zip file of them. Put "
            f"them there and join them: {joined}"
        )
    return BenchError(f"{words}. Join them first: {joined}")


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _is_last_volume(file: Path) -> bool:
    """Say whether a zip file's end says that there are others before it."""
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, 2)
            opened.seek(max(0, size - _END_SIZE - _LONGEST_COMMENT - _LOCATOR_SIZE))
            tail = opened.read()
    except OSError:
        return False
    # APPNOTE.TXT, 4.3.16: the end record, whose fields count volumes. A comment of any length follows it, in
    # which its mark may occur again only by chance: the last one counts.
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        return False
    this, first = struct.unpack_from("<HH", tail, at + len(_END))
    if this != _IN_LOCATOR and first != _IN_LOCATOR:
        return bool(this or first)
    # APPNOTE.TXT, 4.3.15: numbers that do not fit are in the zip64 locator just before the end record
    locator = tail[max(0, at - _LOCATOR_SIZE) : at]
    if not locator.startswith(_LOCATOR):
        return False
    (volumes,) = struct.unpack_from("<I", locator, len(_LOCATOR) + 12)
    return bool(volumes > 1)
