"""Rows of tables that were read by somebody's words → samples."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from forenbench.printable import readable
from forenbench.types import REAL, Sample

from .splits import split_of


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


def share_reals(samples: Sequence[Sample]) -> tuple[list[Sample], list[str]]:
    """Put reals into every test set where what they have for a generator is none: no other image has it.

    Taken for generators, each such name would be a test set of reals only, beside others without any. In a
    table of reals alone they divide the reals.

    Returns:
        The samples, and a note where there are such reals.
    """
    of_reals = dict.fromkeys(one.generator for one in samples if one.label == REAL and one.generator)
    of_others = {one.generator for one in samples if one.label != REAL}
    if not of_reals or not of_others or not of_others.isdisjoint(of_reals):
        return list(samples), []
    shared = [replace(one, generator="") if one.label == REAL else one for one in samples]
    some = ", ".join(list(of_reals)[:3]) + (", …" if len(of_reals) > 3 else "")
    return shared, [
        f"what real images have for a generator ({some}) no generated image has: it is taken for their "
        "source, and they are in every test set"
    ]
