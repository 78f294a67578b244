"""Per-image rows in Parquet, one file a cell, beside a JSON record of what made them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.errors import BenchError
from forenbench.files.atomic import explaining, replacing, sweep
from forenbench.files.file_names import RECORD, cell_names
from forenbench.files.sealed import from_json, to_json
from forenbench.types import Cell

from .record import Identity, Provenance, Record, StatusCounts, weights_of
from .rows import COLUMNS, write_rows

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


_ROWS = ".parquet"


class Damaged(BenchError):
    """A stored cell is not what was written."""


@dataclass(frozen=True, slots=True)
class Store:
    """The rows of one run, below ``<root>/scores/<dataset>/<testset>/<perturbation>/<detector>.parquet``.

    Where the detector was filled with other files than the published ones, whose they are follows its name:
    ``<detector> (own).parquet``.

    A cell counts as done when its record is there, for the record is written last. It holds the sha256 of the
    rows and of itself; what is read is compared with them. Records of earlier versions hold neither, and are
    believed as they are. Files appear by atomic rename. A record that differs from what is asked for, or is
    damaged, moves with its rows to ``<root>/superseded``.
    """

    root: Path

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
            return self._read_record(self._place(cell))
        return None

    def is_done(self, cell: Cell, identity: Identity) -> bool:
        """Say whether rows made by exactly this are there, undamaged, none of them failed in the detector.

        Failed images are tried again: the cause may have been the machine's. Unreadable files are not, for
        a repaired file changes the test set's digest.
        """
        record = self._kept(cell, identity)
        return record is not None and not record.counts.failed

    def damage(self, cell: Cell) -> str:
        """Say in words what is wrong with a cell's files; empty where nothing is, or nothing is there."""
        try:
            record = self._read_record(self._place(cell))
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
        with explaining(self.root):
            place = self._place(cell)
            if place.exists() and self._kept(cell, identity) is None:
                self.supersede(cell)
                place = self._place(cell)
            place.unlink(missing_ok=True)
            with replacing(place.with_suffix(_ROWS), durable=False) as partial:
                counts = write_rows(partial, rows)
                with partial.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            self._write_record(place, Record(cell, identity, counts, provenance, digest))
        return counts

    def restate(self, cell: Cell, *, trained_on: tuple[str, ...]) -> None:
        """Correct what the record of a finished cell says beside its rows, which stay as they are."""
        record = self.record(cell)
        if record is not None and record.provenance.trained_on != trained_on:
            provenance = replace(record.provenance, trained_on=trained_on)
            with explaining(self.root):
                self._write_record(self._place(cell), replace(record, provenance=provenance))

    def records(self, *, beside_damaged: bool = False) -> list[Record]:
        """Return the records of all finished cells, in the order their run listed them.

        Args:
            beside_damaged: Leave damaged records out; else no number may be made without them.

        Raises:
            Damaged: A record is.
        """
        found = []
        for place in sorted(self.root.glob(f"scores/*/*/*/*{RECORD}")):
            with suppress(*[Damaged] * beside_damaged):
                found.append(self._read_record(place))
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
            rows: pd.DataFrame = file.read([name for name in wanted if name in there]).to_pandas()
        return rows.assign(**dict.fromkeys(set(wanted) - there, ""))[wanted]

    def stamp(self, record: Record) -> tuple[int, int]:
        """Give what changes, time or size, when the rows behind one record are written again."""
        status = self._place(record.cell).with_suffix(_ROWS).stat()
        return status.st_mtime_ns, status.st_size

    def supersede(self, cell: Cell) -> None:
        """Move a finished cell's files aside, below the time of their removal."""
        place = self._place(cell)
        for path in (place, place.with_suffix(_ROWS)):
            kept = self.root / "superseded" / str(time.time_ns()) / path.relative_to(self.root)
            kept.parent.mkdir(parents=True)
            with suppress(FileNotFoundError):  # of a damaged cell one may be gone
                path.rename(kept)

    def _kept(self, cell: Cell, identity: Identity) -> Record | None:
        """Return the record of rows that were made by exactly this, if they are there, undamaged."""
        record = self.record(cell)
        with suppress(Damaged):
            if record is not None and record.identity == identity and self._content(record):
                return record
        return None

    def _place(self, cell: Cell) -> Path:
        """Say where a cell's record is, or will be; its rows are beside it."""
        new, old = (self.root / name for name in cell_names(cell))
        with suppress(
            OSError, ValueError, LookupError, TypeError
        ):  # the old name may be too long to be there
            if old.is_file() and not new.is_file() and (not cell.weights or cell.weights == _whose(old)):
                return old
        return new

    def _write_record(self, place: Path, record: Record) -> None:
        """Write a record, sealed but for those of earlier versions: nobody vouches for their rows."""
        content = record.to_json()
        sealed = record.rows_sha256 is not None
        text = to_json(content) if sealed else json.dumps(content, indent=1, sort_keys=True)
        with replacing(place, durable=False) as partial:
            partial.write_text(text, encoding="utf-8")

    def _read_record(self, place: Path) -> Record | None:
        """Read a record, or return None where there is none."""
        try:
            content, sealed = from_json(place.read_bytes())
            record = Record.from_json(content)
            whole = sealed == (record.rows_sha256 is not None)
            if not whole or place.relative_to(self.root).as_posix() not in cell_names(record.cell):
                raise ValueError("it is not of this cell")
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, AttributeError) as error:
            raise Damaged(f"'{place}' is damaged; {_anew(place)}") from error
        if not place.with_suffix(_ROWS).is_file() and place.is_file():  # else it was moved aside just now
            raise Damaged(f"cell {record.cell} has lost its rows; {_anew(place)}")
        return record

    def _content(self, record: Record) -> bytes:
        """Read a cell's file of rows, as it was written."""
        place = self._place(record.cell)
        content = place.with_suffix(_ROWS).read_bytes()
        if record.rows_sha256 not in (None, hashlib.sha256(content).hexdigest()):
            raise Damaged(f"cell {record.cell} is damaged: its rows are not what was written; {_anew(place)}")
        return content


def _whose(place: Path) -> str:
    """Say whose weights an earlier version's record is of: its name did not say it."""
    return weights_of(json.loads(place.read_bytes()))


def _anew(place: Path) -> str:
    """Say how to get rid of damage."""
    return f"the command that made it makes it anew; or delete '{place}' to do without it"
