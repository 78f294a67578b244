"""Names of cells and of their parts → file names, on any file system: no two ever share a file."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from urllib.parse import quote

from forenbench.types import Cell

RECORD = ".json"
_LONGEST = 100
"""Of 255 bytes: a suffix, and the marks of a temporary file, still have to fit."""
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
"""What Windows takes for a device, whatever follows behind a dot."""


def file_name(name: str) -> str:
    """Map any name to one file name, readably; ':' becomes '='.

    What is not plain ASCII is quoted, so it does not matter how a file system normalises Unicode. Where the
    name has capitals, their places follow as a number behind '~', in hexadecimal: ``GAN`` is ``GAN~7``. So
    `GAN` and `gan` have two files also where file systems take them for one. A long name is cut, and ends in
    a digest of the whole.
    """
    quoted = legacy_name(name).replace("~", "%7E")
    if quoted[-1:] in (" ", "."):  # Windows drops them
        quoted = f"{quoted[:-1]}%{ord(quoted[-1]):X}"
    capitals = sum(1 << at for at, letter in enumerate(name) if letter.isascii() and letter.isupper())
    # '~' cannot come from a name, in which it is quoted: so no name spells the end of another's
    whole = f"{quoted}~{capitals:x}" if capitals else quoted
    if _DEVICES.match(whole):
        whole = f"%{ord(whole[0]):X}{whole[1:]}"
    if len(whole) <= _LONGEST:
        return whole
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return f"{quoted[: _LONGEST - len(digest)]}~{digest}"


@lru_cache(maxsize=1 << 12)
def cell_names(cell: Cell) -> tuple[str, str]:
    """Say where this version, and where earlier ones, put a cell's record below the run folder."""
    names = cell.dataset, cell.testset, cell.perturbation, cell.detector
    new, old = ("/".join(spell(name) for name in names) for spell in (file_name, legacy_name))
    whose = "" if cell.weights in ("", "published") else f" ({cell.weights})"
    return f"scores/{new}{whose}{RECORD}", f"scores/{old}{RECORD}"


def legacy_name(name: str) -> str:
    """Name a file as earlier versions did, whose runs are still read."""
    quoted = quote(name, safe="+ ,@", errors="surrogateescape").replace("%3A", "=")
    return f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted
