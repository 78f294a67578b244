"""Folders of Parquet files with the images inside, as the Hugging Face hub keeps datasets."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from forenbench.errors import BenchError
from forenbench.files.hub_datasets import folder_name
from forenbench.types import Stamp

from .beside import Beside
from .columns import is_likely
from .findings import Findings
from .image_columns import image_column
from .labels import PLAIN, TableWords
from .row_groups import DecodedGroups, ParquetTable
from .stamping import refuse_size, stamp_file
from .table_rows import ReadColumns, find_columns, read_columns


class HuggingFace:
    """Rows of Parquet files; a path is ``<file>#<row>``, with rows counted from 0 in each file.

    They are read where they are, a row group at a time (see `row_groups.KEPT` for what that takes). A row
    that holds a path only leads to a file beside its table.
    """

    def __init__(self, root: Path, files: Sequence[str]) -> None:
        self.root, self.files = root, tuple(files)
        self._lock = Lock()
        self._tables: dict[str, ParquetTable] = {}
        self._groups = DecodedGroups()
        self._paths: dict[str, list[str] | None] = {}
        self._beside: dict[Path, Beside] = {}

    def __reduce__(self) -> tuple[type[HuggingFace], tuple[Path, tuple[str, ...]]]:
        """Pickle without what was read."""
        return HuggingFace, (self.root, self.files)

    def read(self, path: str) -> bytes:
        """Return the undecoded bytes of one row's image."""
        file, _, row = path.rpartition("#")
        with self._lock:  # readers are threads, and a row group is decoded for all of them once
            table = self.table(file) if file in self.files else None
            if table is None or not row.isdecimal() or int(row) >= table.rows:
                raise FileNotFoundError(f"no row {path} in '{self.root}'")
            group, at = table.find(int(row))
            data: bytes | None = self._groups.get(table, group)[at].as_py()
        if data is None:
            beside, name = self._lies_at(file, int(row))
            if not name:
                raise OSError(f"row {path} in '{self.root}' holds no bytes")
            return beside.read(name)
        refuse_size(len(data))
        return data

    def stamps(self, paths: Sequence[str]) -> dict[str, Stamp]:
        """Look at each Parquet file's size and time of change; all its rows change together.

        What lies beside a table changes by itself.
        """
        found = {}
        for path in paths:
            file, _, row = path.rpartition("#")
            is_row = file in self.files and row.isdecimal()
            with self._lock:
                whole = self.table(file).stamp if is_row else stamp_file(self.root.resolve() / file)
            beside, name = self._lies_at(file, int(row)) if is_row else (None, "")
            mark = f"{whole.mark} {beside.mark(name)}" if beside and name else whole.mark
            found[path] = Stamp(whole.key + b"#" + os.fsencode(row), mark)
        return found

    def table(self, file: str) -> ParquetTable:
        """Open one of the files, once.

        Raises:
            BenchError: It is not there, or broken.
        """
        if file not in self._tables:
            self._tables[file] = ParquetTable(self.root.resolve() / file)
        return self._tables[file]

    def _lies_at(self, file: str, row: int) -> tuple[Beside, str]:
        """Return where a row's image lies, if not in its table: a path in the table's folder, or nothing."""
        with self._lock:
            table = self.table(file)
            if file not in self._paths:
                self._paths[file] = table.paths()
            folder = table.file.parent
            beside = self._beside.setdefault(folder, Beside(folder))
        paths = self._paths[file]
        return beside, paths[row] if paths and row < len(paths) else ""


def open_huggingface(
    root: Path, files: Sequence[str], words: TableWords = PLAIN
) -> tuple[HuggingFace, Findings]:
    """Open Parquet files with a column of images and one of labels.

    The image column holds bytes, by themselves or as the hub stores them, or only the paths of files beside
    the table. The column ``label`` or ``labels`` says real or fake in words, as the names of its classes, or
    as 0 and 1. Columns ``generator``, ``class``, ``real_source``, ``origin`` and ``split`` count where they
    are there; a file's own name can say the split (see `split_of_table`). Rows without a label, or with -1,
    are left aside.

    Args:
        root: The folder that they are in.
        files: Relative to it.
        words: What their columns and labels are called.

    Raises:
        BenchError: A file is broken, or its columns are not the first one's; a column is missing, or a label
            is unknown.
    """
    source = HuggingFace(root, files)
    tables = [source.table(file) for file in files]
    first = tables[0]
    for table in tables:
        # of one that lacks a column, rows would lose what it says
        if differing := sorted(set(table.names) ^ set(first.names)):
            raise BenchError(
                f"'{table.file}' has other columns than '{first.file.name}': '{differing[0]}' is in one of "
                "them only. Name one of the files, or a folder of like ones"
            )
        # in files without rows a column may have no type
        if table.rows or len(tables) == 1:
            image_column(table.schema, f"'{root}'" if table is first else f"'{table.file}'")
    images = image_column(next((one for one in tables if one.rows), first).schema, f"'{root}'").name
    there = {name.strip().lower(): name for name in first.names}
    names = find_columns(list(there), words, str(root))
    # of the others only those that seem to hold generators: the rest may be long texts
    read = {
        column: [word for table in tables for word in table.words(name)]
        for column, name in there.items()
        if column in names.values() or (is_likely(column) and name != images)
    }
    paths = [f"{file}#{row}" for file, table in zip(files, tables, strict=True) for row in range(table.rows)]
    return source, read_columns(paths, ReadColumns(names, read), words, str(root), folder_name(root))
