"""Rows: what became of each image, in columns of fixed types, as they are kept in Parquet."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forenbench.printable import readable
from forenbench.types import Cell, Sample

from .record import StatusCounts

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

COLUMNS = (
    "dataset",
    "testset",
    "generator",
    "class",
    "real_source",
    "origin",
    "path",
    "label",
    "detector",
    "perturbation",
    "drawn",
    "score",
    "logit",
    "status",
    "error",
)
_TYPES = {"label": "int8", "score": "float32", "logit": "float32"}
"""Of the columns that are not text."""
STATUSES = tuple(status.name for status in fields(StatusCounts))
_RESULT = ("score", "logit", "status", "error", "drawn")
"""The columns of an `ImageResult`."""


@dataclass(frozen=True, slots=True)
class ImageResult:
    """What one detector made of one image under one perturbation.

    Attributes:
        status: "ok", "unreadable" (no image in the file), "failed" (the detector raised or returned the wrong
            count) or "nonfinite" (it returned NaN or infinity).
        score: float32 value where ok, else NaN.
        logit: Raw value where the detector has one, else NaN.
        error: The reason where not ok.
        drawn: What a random perturbation drew for this image.
    """

    status: str
    score: float = math.nan
    logit: float = math.nan
    error: str = ""
    drawn: str = ""


def as_arrow(results: Sequence[ImageResult]) -> pa.RecordBatch:
    """Put results side by side, typed as in rows."""
    return columns_as_arrow({name: [getattr(result, name) for result in results] for name in _RESULT})


def columns_as_arrow(columns: Mapping[str, Sequence[Any] | NDArray[Any]]) -> pa.RecordBatch:
    """Type columns of the fields of `ImageResult`, all of one length, as in rows."""
    import pyarrow as pa

    typed = dict(columns)
    for name in ("status", "error", "drawn"):
        # Parquet's text is UTF-8; file names and messages of the system may hold bytes that are none. Most of
        # a column's texts are equal.
        known = {text: readable(text) for text in set(columns[name])}
        typed[name] = [known[text] for text in columns[name]]
    return pa.record_batch(typed, result_schema())


def result_schema() -> pa.Schema:
    """Type the columns of results alone."""
    import pyarrow as pa

    return pa.schema([_field(name) for name in _RESULT])


def samples_as_arrow(samples: Sequence[Sample]) -> pa.Table:
    """Put what rows say of samples side by side: the same for every cell of their test set."""
    import pyarrow as pa

    columns: dict[str, list[Any]] = {
        name: [getattr(sample, "class_name" if name == "class" else name) for sample in samples]
        for name in ("generator", "class", "real_source", "origin", "path")
    }
    for name, texts in columns.items():
        if not all(map(str.isascii, texts)):
            columns[name] = list(map(readable, texts))
    columns["label"] = [sample.label for sample in samples]
    return pa.table(columns, pa.schema([_field(name) for name in columns]))


def as_rows(cell: Cell, samples: pa.Table, results: pa.Table | pa.RecordBatch) -> pa.Table:
    """Put samples (see `samples_as_arrow`) beside their results (see `as_arrow`), in all columns."""
    import pyarrow as pa

    columns = {name: results[name] for name in _RESULT}
    columns |= {name: samples[name] for name in samples.column_names}
    for name in ("dataset", "testset", "detector", "perturbation"):
        columns[name] = pa.repeat(readable(getattr(cell, name)), len(samples))
    return pa.table({name: columns[name] for name in COLUMNS})


class RowFile:
    """A Parquet file that is written piece by piece, and what was counted of its rows."""

    def __init__(self, file: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._schema = pa.schema([_field(name) for name in COLUMNS])
        self._writer = pq.ParquetWriter(file, self._schema)
        self._counts: Counter[str] = Counter()

    def add(self, piece: pa.Table) -> None:
        """Write some rows."""
        import pyarrow as pa
        import pyarrow.compute as pc

        table = piece.select(COLUMNS)
        for name in ("score", "logit"):
            column, at = table[name], table.schema.get_field_index(name)
            # A score that is not there is null: DuckDB and Spark sort NaN above all numbers, and Arrow's
            # own mean of a column that holds one is NaN.
            if pa.types.is_floating(column.type):
                table = table.set_column(at, name, pc.if_else(pc.is_nan(column), None, column))
        self._writer.write_table(table.cast(self._schema))
        for status in piece["status"].value_counts().to_pylist():
            self._counts[status["values"]] += status["counts"]

    def close(self) -> None:
        """Write what ends the file."""
        self._writer.close()

    @property
    def counts(self) -> StatusCounts:
        """Say how many rows there are of each status."""
        return StatusCounts(**self._counts)


def _field(name: str) -> pa.Field[Any]:
    """Type a column; equal rows are equal files."""
    import pyarrow as pa

    return pa.field(name, pa.type_for_alias(_TYPES.get(name, "string")))
