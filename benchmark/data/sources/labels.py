"""Which words stand for real, fake and tampered, and rows of tables read by them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from forenbench.printable import readable
from forenbench.types import FAKE, REAL, TAMPERED, Sample

from .splits import split_of

LABELS = {"0_real": REAL, "real": REAL, "reals": REAL, "1_fake": FAKE, "fake": FAKE, "fakes": FAKE}
GENIMAGE_LABELS = {"nature": REAL, "ai": FAKE}
"""Ordinary words: as folders they count only where no folder of the path has a name from `LABELS`."""

WORDS = {**LABELS, **GENIMAGE_LABELS, "0": REAL, "1": FAKE, "generated": FAKE, "synthetic": FAKE}
WORDS |= {"false": REAL, "true": FAKE, "tampered": TAMPERED}
DROP = -1
"""In place of a label: the row is left out."""
MEANINGS = {"real": REAL, "fake": FAKE, "tampered": TAMPERED, "drop": DROP}
"""What somebody may say that a word of a table means."""
_WHOLE = re.compile(r"([+-]?\d+)\.0+")


def spelled(value: object) -> str:
    """Spell a label as it is compared: in lower case, and whole numbers without the point of floats."""
    word = str(value).strip().lower()
    whole = _WHOLE.fullmatch(word)
    return whole[1] if whole else word


def label_of(value: object) -> int | None:
    """Return the label that a word or number in a table stands for, in any case; None for an unknown one."""
    return WORDS.get(spelled(value))


def as_text(value: str) -> str:
    """Read what is no UTF-8 in a table as Windows-1252, which Latin-1 is a part of; shown, it opens no file.

    Tables hand such bytes on as lone surrogates (PEP 383).
    """
    if value.isascii():
        return value
    try:
        data = value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character, which JSON can spell
        return readable(value)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:  # five bytes stand for nothing in Windows-1252
        return data.decode("cp1252", "backslashreplace")


def read_sample(row: Mapping[str, str], stem: str, label: int) -> Sample:
    """Read one row of a known label; `stem` is the generator of fakes, and the source of reals, of no other.

    Args:
        row: By our names of columns.
        stem: See above.
        label: Of the row.

    Raises:
        ValueError: There is no path, or it cannot be one.
    """
    path = row.get("path", "")
    if not path:
        raise ValueError(f"there is no 'path' (columns: {', '.join(row)})")
    # JSON can spell it; opened, such a path raises ValueError instead of an OSError, row by row
    if b"\0" in os.fsencode(path):
        raise ValueError("no file has a zero byte in its path")
    generator = row.get("generator", "") or (stem if label != REAL else "")
    real_source = row.get("real_source", "") or (generator or stem if label == REAL else "")
    split = split_of(row.get("split", ""))
    texts = generator, row.get("class", ""), real_source, row.get("origin", ""), split
    return Sample(path, label, *map(as_text, texts))
