"""One Parquet file: its columns as words, and its images by row group, with no copy on the disk."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

from forenbench.errors import BenchError
from forenbench.files.regular import irregular

from .image_columns import class_names, image_column, words
from .stamping import stamp_file

_AT_ONCE = 16
"""Rows decoded at a time: a struct of more than 2 GB of bytes is beyond what Arrow makes one array of."""
KEPT = 3 << 27
"""Bytes of decoded row groups that a process keeps, at least one group. In the order of paths ("#1", "#10",
"#100", "#101", "#11") some three groups of a file take turns; the hub's are mostly of 100 rows."""


class ParquetTable:
    """What the end of a Parquet file says; the file is not held open.

    Attributes:
        file: Where it is.
        stamp: What it was when it was opened.
        rows: How many there are.
        names: Of the columns.
    """

    def __init__(self, file: Path) -> None:
        import pyarrow.parquet as pq

        if why := irregular(file):
            raise BenchError(f"no parquet file at '{file}' ({why})")
        # before anything is read: what is read now must not be remembered under a later stamp
        self.file, self.stamp = file, stamp_file(file)
        with _arrow_errors(file, BenchError), pq.ParquetFile(file) as opened:
            self._footer, self.schema = opened.metadata, opened.schema_arrow
            self._class_names = class_names(self.schema)
        groups = range(self._footer.num_row_groups)
        lengths = [self._footer.row_group(number).num_rows for number in groups]
        self._starts = list(accumulate(lengths, initial=0))
        self.rows, self.names = self._footer.num_rows, list(self.schema.names)

    def words(self, column: str) -> list[str]:
        """Read a column as text, one word a row (see `image_columns.words`).

        Raises:
            BenchError: The file is broken there.
        """
        with _arrow_errors(self.file, BenchError):
            return words(self._values(column), self._class_names.get(column, ()))

    def paths(self) -> list[str] | None:
        """Read where each row's image lies; None where all bytes are in the table, or nothing tells.

        Raises:
            BenchError: The file is broken there.
        """
        column = image_column(self.schema, f"'{self.file}'")
        if not column.path:
            return None
        if column.bytes:
            groups = range(self._footer.num_row_groups)
            chunks = [chunk for group in groups for chunk in self._chunks(group, column.bytes)]
            # where statistics do not tell, any row may be without bytes
            known = [one.statistics for one in chunks if one.is_stats_set and one.statistics.has_null_count]
            if len(known) == len(chunks) and not any(one.null_count for one in known):
                return None
        with _arrow_errors(self.file, BenchError):
            return words([value and value["path"] for value in self._values(column.path)], ())

    def find(self, row: int) -> tuple[int, int]:
        """Return the row group that a row is in, and its place there."""
        # the last of those that start here: groups without rows start where the next one does
        group = bisect_right(self._starts, row) - 1
        return group, row - self._starts[group]

    def decode(self, group: int) -> Any:  # noqa: ANN401 - pyarrow has no types
        """Decode the images of one row group: a `pyarrow.ChunkedArray` of bytes.

        Raises:
            OSError: The file is broken there, or is not what it was when it was opened.
        """
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        column = image_column(self.schema, f"'{self.file}'")
        if not column.bytes:
            return pa.chunked_array([pa.nulls(self._starts[group + 1] - self._starts[group], pa.binary())])
        self._refuse_change()  # else it might be called broken, for its footer is another's
        # Without threads and their buffers: processes that were forked from one with threads may wait for
        # these for ever, and the buffers hold the compressed bytes of the whole group a second time.
        with (
            _arrow_errors(self.file, OSError),
            pq.ParquetFile(self.file, metadata=self._footer, pre_buffer=False, buffer_size=1 << 20) as opened,
        ):
            pieces = []
            for batch in opened.iter_batches(_AT_ONCE, [group], [column.bytes], use_threads=False):
                (found,) = batch.columns
                pieces.append(found if column.bytes == column.name else pc.struct_field(found, "bytes"))
        self._refuse_change()
        return pa.chunked_array(pieces)

    def size(self, group: int) -> int:
        """Return how many bytes the images of a row group take when they are decoded."""
        leaf = image_column(self.schema, f"'{self.file}'").bytes
        return sum(chunk.total_uncompressed_size for chunk in self._chunks(group, leaf))

    def _refuse_change(self) -> None:
        if stamp_file(self.file) != self.stamp:
            raise OSError(f"'{self.file}' was changed while it was in use")

    def _values(self, leaf: str) -> list[Any]:
        """Read one column, or one leaf of a struct, as Python's values."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.file, metadata=self._footer) as opened:
            found: list[Any] = opened.read([leaf], use_threads=False).column(0).to_pylist()
        return found

    def _chunks(self, group: int, leaf: str) -> Iterator[Any]:
        """Yield what the footer says of a leaf's part in a row group."""
        found = self._footer.row_group(group)
        chunks = (found.column(at) for at in range(found.num_columns))
        return (chunk for chunk in chunks if chunk.path_in_schema == leaf)


class DecodedGroups:
    """The row groups that were decoded last, as many as fit; used by one thread at a time."""

    def __init__(self, limit: int = KEPT) -> None:
        self._limit = limit
        self._groups: OrderedDict[tuple[Path, int], Any] = OrderedDict()

    def get(self, table: ParquetTable, group: int) -> Any:  # noqa: ANN401
        """Return a row group's images as `ParquetTable.decode` does; errors are its own."""
        key = table.file, group
        if key not in self._groups:
            # room is made first, so that the groups that are let go of and the new one do not add up
            size = table.size(group)
            while self._groups and size + sum(one.nbytes for one in self._groups.values()) > self._limit:
                self._groups.popitem(last=False)
            self._groups[key] = table.decode(group)
        self._groups.move_to_end(key)
        return self._groups[key]


@contextmanager
def _arrow_errors(file: Path, kind: type[Exception]) -> Iterator[None]:
    """Turn whatever Arrow says of a broken file into one kind of error."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:  # not all are ValueErrors
        raise kind(f"'{file}' is no readable parquet file: {error}") from error
