"""Folders of parquet files with the images inside, as the Hugging Face hub keeps datasets (extra ``hf``)."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from forenbench.errors import BenchError
from forenbench.files.regular import irregular
from forenbench.types import Stamp

from .columns import UnusedColumns, is_likely
from .findings import Findings
from .folder import stamp_file
from .labels import DROP, PLAIN, TableWords
from .splits import split_of_table
from .table_rows import read_sample, share_reals

if TYPE_CHECKING:
    from datasets import Dataset

_TEXTS = ("label", "generator", "class", "real_source", "origin", "split")


class HuggingFace:
    """Rows of parquet files; a path is ``<file>#<row>``, with rows counted from 0 in each file.

    The `datasets` library copies them into its own cache once; there it finds any row at once.
    """

    def __init__(self, root: Path, files: Sequence[str]) -> None:
        self.root, self.files = root, tuple(files)
        self._lock = Lock()
        self._rows: Dataset | None = None
        self._images: Dataset | None = None
        self._row_ranges: dict[str, range] = {}
        self._stamps: dict[str, Stamp] = {}

    def __reduce__(self) -> tuple[type[HuggingFace], tuple[Path, tuple[str, ...]]]:
        """Pickle without open files."""
        return HuggingFace, (self.root, self.files)

    def read(self, path: str) -> bytes:
        """Return the undecoded bytes of one row's image."""
        file, _, row = path.rpartition("#")
        with self._lock:  # readers are threads, and the tables are opened on first use
            if self._images is None:
                rows = self.rows()
                # as Arrow: the library would decode an image, and the file's own bytes be gone
                self._images = rows.select_columns([_image_column(rows, self.root)]).with_format("arrow")
        numbers = self._row_ranges.get(file, range(0))
        if not row.isdecimal() or int(row) >= len(numbers):
            raise FileNotFoundError(f"no row {path} in '{self.root}'")
        (value,) = self._images[numbers[int(row)]].column(0).to_pylist()
        data = value["bytes"] if isinstance(value, dict) else value
        if data is None:
            raise OSError(f"row {path} in '{self.root}' holds no bytes")
        return bytes(data)

    def stamps(self, paths: Sequence[str]) -> dict[str, Stamp]:
        """Look at each parquet file's size and time of change; all its rows change together."""
        files = self._stamps or {file: self._stamp(file) for file in self.files}
        found = {}
        for path in paths:
            file, _, row = path.rpartition("#")
            whole = files.get(file) or self._stamp(file)
            found[path] = Stamp(whole.key + b"#" + os.fsencode(row), whole.mark)
        return found

    def _stamp(self, file: str) -> Stamp:
        return stamp_file(self.root.resolve() / file)

    def rows(self) -> Dataset:
        """Open the parquet files as one table, their rows one after the other.

        Raises:
            BenchError: The library is not installed, or a file is broken or unlike the first one.
        """
        if self._rows is not None:
            return self._rows
        start = 0
        for file, number in self.lengths().items():
            self._row_ranges[file] = range(start, start + number)
            start += number
        try:
            import datasets
        except ImportError:
            raise BenchError(
                "folders of parquet files are read by the package 'datasets', which is not installed: "
                "pip install 'forenbench[hf]'"
            ) from None
        if not sys.stderr.isatty():  # the library's bars would fill a log
            datasets.disable_progress_bars()
        # Before anything is read: what is read now must not be remembered under a later stamp.
        stamps = {file: self._stamp(file) for file in self.files}
        # The library (5.2) knows a local file by its path and time of change alone: of what `cp -p` or
        # `rsync -t` puts in another's place it would read the copy of that other one. So each state of the
        # files has copies of its own.
        state = hashlib.sha256("\n".join(stamp.mark for stamp in stamps.values()).encode())
        copies = Path(datasets.config.HF_DATASETS_CACHE) / "forenbench" / state.hexdigest()[:32]
        files = [str(self.root / file) for file in self.files]
        try:
            self._rows = datasets.Dataset.from_parquet(files, cache_dir=str(copies))
        except Exception as error:  # the library wraps whatever went wrong in errors of many kinds
            reason = f"{type(error).__name__}: {error.__cause__ or error}"
            raise BenchError(f"'{files[0]}' and the files beside it cannot be read: {reason}") from error
        self._stamps = stamps
        return self._rows

    def lengths(self) -> dict[str, int]:
        """Return each file's number of rows."""
        import pyarrow.parquet as pq

        lengths = {}
        for file in self.files:
            if why := irregular(self.root / file):
                raise BenchError(f"no parquet file at '{self.root / file}' ({why})")
            try:
                lengths[file] = pq.read_metadata(self.root / file).num_rows
            except (OSError, ValueError) as error:  # pyarrow's errors are among these
                raise BenchError(f"'{self.root / file}' is no readable parquet file: {error}") from error
        return lengths


def open_huggingface(
    root: Path, files: Sequence[str], words: TableWords = PLAIN
) -> tuple[HuggingFace, Findings]:
    """Open parquet files with a column of images and one of labels.

    The image column holds bytes, by themselves or as the hub stores them. The column ``label`` or ``labels``
    says real or fake in words, as the names of its classes, or as 0 and 1. Columns ``generator``, ``class``,
    ``real_source``, ``origin`` and ``split`` count where they are there; a file's own name can say the split
    (see `split_of_table`). Rows without a label, or with -1, are left aside.

    Args:
        root: The folder that they are in.
        files: Relative to it.
        words: What their columns and labels are called.

    Raises:
        BenchError: See `HuggingFace.rows`; a column is missing, or a label is unknown.
    """
    source = HuggingFace(root, files)
    rows = source.rows()
    _image_column(rows, root)
    there = {name.strip().lower(): name for name in rows.column_names}
    if "label" not in words.columns and "label" not in there and "labels" in there:
        words = replace(words, columns={**words.columns, "label": "labels"})
    names = words.find(list(there), str(root), ("label",))
    columns = {name: _words(rows, there[names[name]]) for name in _TEXTS if name in names}
    meant, notes = words.meanings(columns["label"], str(root), names["label"], ("", "-1"))
    paths = [f"{file}#{row}" for file, number in source.lengths().items() for row in range(number)]
    samples, unlabelled = [], []
    for path, *values in zip(paths, *columns.values(), strict=True):
        row = {"split": split_of_table(path), "path": path, **dict(zip(columns, values, strict=True))}
        label = meant[row["label"]]
        if label is None:
            unlabelled.append(path)
        elif label != DROP:
            samples.append(read_sample(row, words.name or root.resolve().name, label))
    if not samples:
        raise BenchError("; ".join([f"'{root}' holds no row with a label", *notes]))
    if "generator" in words.columns:
        samples, more = share_reals(samples)
        notes += more
    unused = UnusedColumns(names)
    for name in rows.column_names:  # only those: others may hold long texts, or the images
        if is_likely(name.lower()):
            for value in set(_words(rows, name)):
                unused.see({name.lower(): value})
    return source, Findings(tuple(samples), tuple(unlabelled), (*notes, *unused.notes()))


def _image_column(rows: Dataset, root: Path) -> str:
    """Find the column with the images: the one called ``image``, or the only one that holds bytes."""
    # An image is a feature `Image`; other writers leave a struct of bytes and path, or the bytes alone.
    found = []
    for name, feature in rows.features.items():
        is_struct = isinstance(feature, dict) and "bytes" in feature
        if is_struct or type(feature).__name__ == "Image" or "binary" in getattr(feature, "dtype", ""):
            found.append(name)
    named = [name for name in found if name.lower() == "image"] or found
    if len(named) != 1:
        raise BenchError(
            f"'{root}': one column must hold the images' bytes, or be called 'image'; those that hold bytes: "
            f"{found}, of {rows.column_names}"
        )
    return str(named[0])


def _words(rows: Dataset, column: str) -> list[str]:
    """Read a column as text; numbers that stand for classes become the classes' names."""
    # By the name of the class, not its number: some datasets on the hub have 0 = fake.
    names = getattr(rows.features[column], "names", None)

    def word(value: object) -> str:
        if names and isinstance(value, int) and value >= 0:
            return str(names[value])
        return "" if value is None else str(value)

    return [word(value) for value in rows.select_columns([column])[:][column]]
