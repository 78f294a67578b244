"""Rows of tables that were read by somebody's words → samples."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from forenbench.errors import BenchError
from forenbench.printable import readable
from forenbench.types import REAL, Sample

from .columns import UnusedColumns
from .findings import Findings
from .labels import DROP, TableWords
from .splits import split_of, split_of_table

OF_IMAGES = ("label", "generator", "class", "real_source", "origin", "split")
"""What is read of a table that holds the images itself."""


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


class ReadColumns(NamedTuple):
    """What was read of a table.

    Attributes:
        names: The table's names of columns by ours.
        words: Of each column, by the table's name, one for each image. Of a column without a name of ours
            nothing is taken, but it may be mentioned.
    """

    names: Mapping[str, str]
    words: Mapping[str, Sequence[str]]


def find_columns(there: Sequence[str], words: TableWords, where: str) -> dict[str, str]:
    """Find the columns that say what images are; the hub's tables may call the label ``labels``.

    Args:
        there: The table's columns, in lower case.
        words: What they are called.
        where: The table, for messages.

    Returns:
        The table's names by ours.

    Raises:
        BenchError: See `TableWords.find`; the label is always needed.
    """
    if "label" not in words.columns and "label" not in there and "labels" in there:
        words = replace(words, columns={**words.columns, "label": "labels"})
    found = words.find(there, where, ("label",))
    return {name: found[name] for name in OF_IMAGES if name in found}


def read_columns(
    paths: Sequence[str], columns: ReadColumns, words: TableWords, where: str, stem: str
) -> Findings:
    """Make samples of images and what a table's columns say of them.

    Args:
        paths: One for each image; a path may say the split (see `split_of_table`).
        columns: What was read.
        words: What it means.
        where: The table, for messages.
        stem: See `read_sample`.

    Raises:
        BenchError: See `TableWords.meanings`; or nothing has a label.
    """
    read = {name: columns.words[theirs] for name, theirs in columns.names.items()}
    meant, notes = words.meanings(read["label"], where, columns.names["label"], ("", "-1"))
    samples: list[Sample] = []
    unlabelled = []
    for path, *values in zip(paths, *read.values(), strict=True):
        row = dict(zip(read, values, strict=True))
        label = meant[row["label"]]
        if label is None:
            unlabelled.append(path)
        elif label != DROP:
            row |= {"path": path, "split": row.get("split", split_of_table(path))}
            samples.append(read_sample(row, words.name or stem, label))
    if not samples:
        raise BenchError("; ".join([f"'{where}' holds no row with a label", *notes]))
    if "generator" in words.columns:
        samples, more = share_reals(samples)
        notes += more
    unused = UnusedColumns(columns.names)
    unused.see(columns.words)
    return Findings(tuple(samples), tuple(unlabelled), (*notes, *unused.notes()))
