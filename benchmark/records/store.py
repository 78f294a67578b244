"""Per-image rows in Parquet, one file a cell, beside a JSON record of what made them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.errors import BenchError
from forenbench.files.atomic import explaining, replacing, sweep
from forenbench.files.file_names import RECORD
from forenbench.files.regular import read_regular
from forenbench.types import Cell

from .record import Identity, Provenance, Record, StatusCounts
from .record_files import ROWS, RecordFiles, way_out
from .record_files import Damaged as Damaged
from .rows import COLUMNS, RowFile

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Store:
    """The rows of one run, below ``<root>/scores/<dataset>/<testset>/<perturbation>/<detector>.parquet``.

    Where the detector was filled with other files than the published ones, whose they are follows its name:
    ``<detector> (own).parquet``.

    A cell counts as done when its record is there, for the record is written last. It holds the sha256 of the
    rows and of itself; what is read is compared with them. Records of earlier versions hold neither; of their
    rows only the number is compared. Files appear by atomic rename. A record that differs from what is asked
    for, or is damaged, moves with its rows to ``<root>/superseded``.
    """

    root: Path
    _files: RecordFiles = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Know no record yet."""
        object.__setattr__(self, "_files", RecordFiles(self.root))

    def open(self) -> None:
        """Make the run folder, and remove half-written files that killed processes left there.

        Raises:
            BenchError: It cannot be made.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            sweep(self.root)
        except OSError as error:
            raise BenchError(f"cannot write to '{self.root}': {error}") from error

    def record(self, cell: Cell) -> Record | None:
        """Return the record of a finished cell, or None; a damaged one is none."""
        with suppress(Damaged):
            return self._files.read(self._files.place(cell))
        return None

    def is_done(self, cell: Cell, identity: Identity) -> bool:
        """Say whether rows made by exactly this are there, undamaged, none of them failed in the detector."""
        # Failed images are tried again: the cause may have been the machine's. Unreadable files are not: one
        # that was mended changes the test set's digest, and with it the identity.
        record = self._kept(cell, identity)
        return record is not None and not record.counts.failed

    def damage(self, cell: Cell) -> str:
        """Say in words what is wrong with a cell's files; empty where nothing is, or nothing is there."""
        try:
            record = self._files.read(self._files.place(cell))
            if record is not None:
                self._content(record)
        except Damaged as error:
            return str(error)
        return ""

    def write(
        self, cell: Cell, rows: Iterable[pa.Table], identity: Identity, provenance: Provenance
    ) -> StatusCounts:
        """Store a finished cell; older rows of another identity are kept under ``superseded``.

        Args:
            cell: Its name.
            rows: Its rows, in pieces small enough for memory, each with `COLUMNS`.
            identity: What makes the rows what they are.
            provenance: What else a reader may want to know.

        Returns:
            How many rows there are of each status.

        Raises:
            RunFailed: The disk is full, or will not be written to.
        """
        with self.writing(cell, identity, provenance) as file:
            for piece in rows:
                file.add(piece)
        return file.counts

    @contextmanager
    def writing(self, cell: Cell, identity: Identity, provenance: Provenance) -> Iterator[RowFile]:
        """Store a cell as `write` does, whose rows are added in the block; nothing, if that raises."""
        with explaining(self.root):
            record_file = self._files.place(cell)
            if record_file.exists() and self._kept(cell, identity) is None:
                self.supersede(cell)
                record_file = self._files.place(cell)  # what was moved away may have had an earlier name
            # The record goes first and comes last: killed in between, there are rows without a record, which
            # count as nothing, and never a record beside rows that it was not written for.
            record_file.unlink(missing_ok=True)
            # Not durable: a file that a power failure cuts short is known by its digest, and a run of
            # thousands of cells need not wait for the disk after each.
            with replacing(record_file.with_suffix(ROWS), durable=False) as partial:
                with closing(RowFile(partial)) as file:
                    yield file
                with partial.open("rb") as written:
                    digest = hashlib.file_digest(written, "sha256").hexdigest()
            self._files.write(record_file, Record(cell, identity, file.counts, provenance, digest))

    def restate(self, cell: Cell, *, trained_on: tuple[str, ...]) -> None:
        """Correct what the record of a finished cell says beside its rows, which stay as they are."""
        record = self.record(cell)
        if record is not None and record.provenance.trained_on != trained_on:
            provenance = replace(record.provenance, trained_on=trained_on)
            with explaining(self.root):
                self._files.write(self._files.place(cell), replace(record, provenance=provenance))

    def records(self, *, beside_damaged: bool = False) -> list[Record]:
        """Return the records of all finished cells, in the order their run listed them.

        Args:
            beside_damaged: Leave damaged records out; else no number may be made without them.

        Raises:
            Damaged: A record is.
        """
        found = []
        for file in sorted(self.root.glob(f"scores/*/*/*/*{RECORD}")):
            with suppress(*[Damaged] * beside_damaged):
                found.append(self._files.read(file))
        return sorted(filter(None, found), key=lambda record: record.provenance.position)

    def rows(self, record: Record, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read the rows behind one record, or some of their columns; text that older rows lack is empty.

        Raises:
            Damaged: They are not what was written.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        wanted = list(COLUMNS if columns is None else columns)
        with pq.ParquetFile(pa.BufferReader(self._content(record))) as file:
            there = set(file.schema_arrow.names)
            # a column that is not asked for is neither inflated nor kept: a cell may have millions of paths
            rows: pd.DataFrame = file.read([name for name in wanted if name in there]).to_pandas()
        return rows.assign(**dict.fromkeys(set(wanted) - there, ""))[wanted]

    def files(self, cell: Cell) -> tuple[Path, Path]:
        """Say where the record of a finished cell is, and where its rows are."""
        record_file = self._files.place(cell)
        return record_file, record_file.with_suffix(ROWS)

    def stamp(self, record: Record) -> tuple[int, int]:
        """Give what changes, time or size, when the rows behind one record are written again."""
        status = self._files.place(record.cell).with_suffix(ROWS).stat()
        return status.st_mtime_ns, status.st_size

    def supersede(self, cell: Cell) -> None:
        """Move a finished cell's files aside, below the time of their removal."""
        record_file = self._files.place(cell)
        aside = self.root / "superseded" / str(time.time_ns())
        for path in (record_file, record_file.with_suffix(ROWS)):  # rows without a record count as nothing
            kept = aside / path.relative_to(self.root)
            kept.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # of a damaged cell one may be gone
                path.rename(kept)

    def _kept(self, cell: Cell, identity: Identity) -> Record | None:
        """Return the record of rows that were made by exactly this, if they are there, undamaged."""
        record = self.record(cell)
        with suppress(Damaged):
            if record is not None and record.identity == identity and self._content(record):
                return record
        return None

    def _content(self, record: Record) -> bytes:
        """Read a cell's file of rows, as it was written."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = self._files.place(record.cell)
        try:
            content = read_regular(file.with_suffix(ROWS))
            if record.rows_sha256 is None:
                whole = pq.read_metadata(pa.BufferReader(content)).num_rows == record.counts.images
            else:
                whole = hashlib.sha256(content).hexdigest() == record.rows_sha256
        except FileNotFoundError as error:
            raise Damaged(f"cell {record.cell} has lost its rows; {way_out(file)}") from error
        except pa.ArrowInvalid:
            whole = False
        if not whole:
            raise Damaged(
                f"cell {record.cell} is damaged: its rows are not what was written; {way_out(file)}"
            )
        return content
