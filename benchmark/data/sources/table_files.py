"""Tables of text in CSV, JSON Lines and Parquet files, for any file name that a file system allows."""

from __future__ import annotations

import codecs
import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from forenbench.errors import BenchError
from forenbench.files.atomic import replacing
from forenbench.files.regular import irregular

SUFFIXES = (".csv", ".jsonl", ".parquet")
_HEAD = 1 << 16
_BLOCK = 1 << 14
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
_QUOTED = re.compile('"[^"]*"')

Row = Mapping[str, Any]
_Line = tuple[Sequence[str], Sequence[str]]
"""Names of columns, and what stands in them."""


def read_rows(file: Path) -> Iterator[dict[str, str]]:
    """Yield a table's rows by lower-case column name; what is absent is empty, and numbers become text.

    Raises:
        BenchError: There is no such file, it is broken, or two of its columns have one name, in any case.
    """
    for names, texts in _lines(file):
        yield dict(zip(names, texts, strict=True))


def read_texts(file: Path, columns: Iterable[str]) -> dict[str, list[str]]:
    """Read some of a table's columns, by lower-case name; where a row lacks one, its text is empty.

    Raises:
        BenchError: See `read_rows`.
    """
    read: dict[str, list[str]] = {name: [] for name in columns}
    lines = _lines(file)
    while block := list(islice(lines, _BLOCK)):
        for names, rows in groupby(block, itemgetter(0)):  # only rows of JSON differ in theirs
            there = dict(zip(names, zip(*(texts for _, texts in rows), strict=True), strict=True))
            absent = ("",) * len(next(iter(there.values())))
            for name, texts in read.items():
                texts += there.get(name, absent)
    return read


def _lines(file: Path) -> Iterator[_Line]:
    """Yield lower-case names and texts of each row: one list of names, until a row has others."""
    if why := irregular(file):
        raise BenchError(f"no manifest at '{file}' ({why})")
    # Not by pandas, which makes the number 1 of a file called 0001, and NaN of one called null.
    read = {".csv": _read_csv, ".jsonl": _read_jsonl, ".parquet": _read_parquet}[file.suffix.lower()]
    try:
        there: Sequence[str] = ()
        lowered: list[str] = []
        for names, texts in read(file):
            if names != there:  # only rows of JSON differ in theirs
                there, lowered = names, [str(name).strip().lower() for name in names]
                if len(set(lowered)) < len(lowered):
                    raise BenchError(f"'{file}' has two columns of one name: {', '.join(map(str, names))}")
            yield lowered, texts
    except (OSError, ValueError, csv.Error) as error:  # pyarrow's errors are among these
        raise BenchError(f"'{file}' cannot be read as {file.suffix.lower()}: {error}") from error


def _typed(row: Row) -> _Line:
    """Make texts of a row's values, as tables without types hold them."""
    texts = []
    for value in row.values():
        # a Parquet column of file names that are not all valid text holds bytes (see `write_rows`)
        text = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
        texts.append("" if text is None else str(text))
    return tuple(row), texts


def look_through(file: Path, column: str) -> tuple[list[str], list[str]]:
    """Return the names of a table's columns, and the words of one of them, row by row, empty where it lacks.

    Raises:
        BenchError: See `read_rows`.
    """
    # Not all rows at once: a million of them, with columns that nobody reads, would fill gigabytes.
    columns, words = dict[str, None](), list[str]()
    known: Sequence[str] = ()
    at = -1
    for names, texts in _lines(file):
        if names is not known:  # rows of JSON may differ in theirs
            known, at = names, names.index(column) if column in names else -1
            columns.update(dict.fromkeys(names))
        words.append("" if at < 0 else sys.intern(texts[at]))
    return list(columns), words


def write_rows(file: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write a table by atomic rename, in the format of the file's suffix; any file name survives.

    Raises:
        BenchError: Another suffix, or the file cannot be written.
    """
    check_suffix(file)
    suffix = file.suffix.lower()
    try:
        with replacing(file, durable=False) as partial:
            if suffix == ".csv":
                # without newline="" Python would translate the line ends that are part of a name
                with partial.open("w", encoding="utf-8", errors="surrogateescape", newline="") as text:
                    writer = csv.DictWriter(text, columns)
                    writer.writeheader()
                    writer.writerows(rows)
            elif suffix == ".jsonl":
                # what is no valid text stands as an escape
                with partial.open("w", encoding="utf-8") as lines:
                    lines.writelines(json.dumps({name: row[name] for name in columns}) + "\n" for row in rows)
            else:
                import pyarrow as pa
                import pyarrow.parquet as pq

                table, arrays = list(rows), {}
                for name in columns:
                    values = [row[name] for row in table]
                    try:
                        arrays[name] = pa.array(values)
                    except UnicodeEncodeError:  # Arrow's text is UTF-8, which some file names are not
                        arrays[name] = pa.array([v.encode("utf-8", "surrogateescape") for v in values])
                pq.write_table(pa.table(arrays), partial)
    except OSError as error:
        raise BenchError(f"cannot write '{file}': {error}") from error


def check_suffix(file: Path) -> None:
    """Refuse a file whose suffix says no format that can be written.

    Raises:
        BenchError: It does not.
    """
    if file.suffix.lower() not in SUFFIXES:
        raise BenchError(f"'{file}' ends in none of {', '.join(SUFFIXES)}; the suffix says the format")


def remarks(file: Path) -> tuple[str, ...]:
    """Say how a CSV file is written, if it is not UTF-8 with commas."""
    if file.suffix.lower() != ".csv":
        return ()
    encoding, separator = _spelling(file)
    separated = f"'{file.name}': its columns are separated by {_SEPARATORS[separator]}"
    encoded = f"'{file.name}': it is read as {encoding.upper()}"
    is_other = not encoding.startswith("utf-8")
    if not is_other:
        try:
            with file.open(encoding="utf-8") as text:
                while text.read(_HEAD):  # all of it: what is no UTF-8 may be a single name
                    pass
        except UnicodeDecodeError:
            is_other, encoded = True, f"'{file.name}': what is no UTF-8 in it is read as Windows-1252"
    return (separated,) * (separator != ",") + (encoded,) * is_other


def _spelling(file: Path) -> tuple[str, str]:
    """Find out how a CSV file is written: its encoding, and what stands most often in its first line."""
    with file.open("rb") as opened:
        head = opened.read(_HEAD)
    # Excel saves "Unicode text" as UTF-16 with tabs, and CSV with semicolons where commas are decimal marks.
    encoding = next((name for mark, name in _MARKS.items() if head.startswith(mark)), "utf-8")
    if encoding == "utf-8" and 3 * head.count(0) > len(head):
        raise ValueError("a third of it are zero bytes, as in UTF-16 without its mark; save it as UTF-8")
    # in quotes, names of columns may hold any separator, and line ends
    header = _QUOTED.sub("", head.decode(encoding, "replace")).splitlines()[:1]
    return encoding, max(_SEPARATORS, key="".join(header).count)


def _read_csv(file: Path) -> Iterator[_Line]:
    """Read a CSV file, refusing rows longer than the header."""
    encoding, separator = _spelling(file)
    # Linux file names are bytes: those that are no UTF-8 pass through as surrogates (PEP 383) and still open.
    errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
    with file.open(encoding=encoding, errors=errors, newline="") as text:
        reader = csv.reader(text, strict=True, delimiter=separator)
        try:
            names = next(reader, [])
            _distinct((name, "") for name in names if name)  # a spreadsheet's edge has none
            distinct = tuple(dict.fromkeys(names))
            for row in reader:
                if len(row) > len(names):
                    raise ValueError(f"line {reader.line_num} has more fields than the header")
                if row:
                    row += [""] * (len(names) - len(row))
                    # of several columns without a name the last counts
                    is_plain = len(distinct) == len(names)
                    yield distinct, row if is_plain else [*dict(zip(names, row, strict=True)).values()]
        except csv.Error as error:
            raise ValueError(f"line {reader.line_num}: {error}") from error


def _read_jsonl(file: Path) -> Iterator[_Line]:
    """Read one JSON object a line."""
    with file.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:  # integers stay text: Python refuses those of more than 4,300 digits
                    row = json.loads(line, parse_int=str, object_pairs_hook=_distinct)
                except RecursionError as error:
                    raise ValueError(f"line {number} is nested too deeply") from error
                except ValueError as error:
                    raise ValueError(f"line {number}: {getattr(error, 'msg', error)}") from error
                if not isinstance(row, dict):
                    raise ValueError(f"line {number} is no object")
                yield _typed(row)


def _distinct(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Make a row of names and values; of two under one name, Python would keep the last without a word."""
    row: dict[str, Any] = {}
    for name, value in pairs:
        if name in row:
            raise ValueError(f"two columns are called '{name}'")
        row[name] = value
    return row


def _read_parquet(file: Path) -> Iterator[_Line]:
    """Read a Parquet file batch by batch."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as table:
            _distinct((name, "") for name in table.schema_arrow.names)
            for batch in table.iter_batches():
                yield from map(_typed, batch.to_pylist())
    except (pa.ArrowException, OverflowError) as error:  # not all of these are ValueErrors
        raise ValueError(str(error)) from error
