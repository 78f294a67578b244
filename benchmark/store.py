"""Per-image rows in Parquet, one file a cell, beside a JSON record of what made them."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .atomic import replacing, sweep
from .types import BenchError, Cell, RunFailed

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

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
STATUSES = ("ok", "unreadable", "failed", "nonfinite")


@dataclass(frozen=True, slots=True)
class Store:
    """The rows of one run, below ``<root>/scores/<dataset>/<testset>/<perturbation>/<detector>.parquet``.

    Where the detector was filled with other files than the published ones, whose they are follows its name:
    ``<detector> (own).parquet``.

    A cell counts as done when its record is there, for the record is written last. Files appear by atomic
    rename. A record that differs from what is asked for moves, with its rows, to ``<root>/superseded``.
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

    def record(self, cell: Cell) -> dict[str, Any] | None:
        """Return the record of a finished cell, or None."""
        return _read_record(self._path(cell, ".json"))

    def is_done(self, cell: Cell, identity: Mapping[str, Any]) -> bool:
        """Say whether rows made by exactly this are there, none of them failed in the detector.

        Failed images are tried again: the cause may have been the machine's. Unreadable files are not, for
        a repaired file changes the test set's digest.
        """
        record = self.record(cell)
        return record is not None and record["identity"] == identity and not record["counts"]["failed"]

    def write(
        self, cell: Cell, rows: Iterable[pd.DataFrame], identity: Mapping[str, Any], made: Mapping[str, Any]
    ) -> dict[str, int]:
        """Store a finished cell; older rows of another identity are kept under ``superseded``.

        Args:
            cell: Its name.
            rows: Its rows, in pieces small enough for memory, each with `COLUMNS`.
            identity: What makes the rows what they are.
            made: What else a reader may want to know.

        Returns:
            How many rows there are of each status.

        Raises:
            RunFailed: The disk is full, or will not be written to.
        """
        with explaining(self.root):
            old = self.record(cell)
            if old is not None and old["identity"] != identity:
                self.supersede(cell)
            self._path(cell, ".json").unlink(missing_ok=True)
            with replacing(self._path(cell, ".parquet"), durable=False) as partial:
                counts = _write_rows(partial, rows)
            record = {"cell": _as_dict(cell), "identity": identity, "counts": counts, "made": made}
            with replacing(self._path(cell, ".json"), durable=False) as partial:
                partial.write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")
        return counts

    def restate(self, cell: Cell, **made: object) -> None:
        """Correct what the record of a finished cell says beside its rows, which stay as they are."""
        record = self.record(cell)
        if record is not None and any(record["made"].get(name) != value for name, value in made.items()):
            record["made"] |= made
            with explaining(self.root), replacing(self._path(cell, ".json"), durable=False) as partial:
                partial.write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")

    def records(self) -> list[dict[str, Any]]:
        """Return the records of all finished cells, in the order their run listed them."""
        found = map(_read_record, sorted(self.root.glob("scores/*/*/*/*.json")))
        return sorted(filter(None, found), key=lambda record: record["made"]["position"])

    def rows(self, record: Mapping[str, Any], columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read the rows behind one record, or some of their columns; text that older rows lack is empty."""
        import pandas as pd
        import pyarrow.parquet as pq

        path = self._path(Cell(**record["cell"]), ".parquet")
        wanted = list(COLUMNS if columns is None else columns)
        there = set(pq.read_schema(path).names)
        rows = pd.read_parquet(path, columns=[name for name in wanted if name in there])
        return rows.assign(**dict.fromkeys(set(wanted) - there, ""))[wanted]

    def stamp(self, record: Mapping[str, Any]) -> tuple[int, int]:
        """Give what changes, time or size, when the rows behind one record are written again."""
        status = self._path(Cell(**record["cell"]), ".parquet").stat()
        return status.st_mtime_ns, status.st_size

    def supersede(self, cell: Cell) -> None:
        """Move a finished cell's files aside, below the time of their removal."""
        for suffix in (".json", ".parquet"):
            path = self._path(cell, suffix)
            kept = self.root / "superseded" / str(time.time_ns()) / path.relative_to(self.root)
            kept.parent.mkdir(parents=True)
            path.rename(kept)

    def _path(self, cell: Cell, suffix: str) -> Path:
        """Say where a cell's file is."""
        parts = [file_name(part) for part in (cell.dataset, cell.testset, cell.perturbation, cell.detector)]
        whose = "" if cell.weights in ("", "published") else f" ({cell.weights})"
        return self.root.joinpath("scores", *parts[:3], f"{parts[3]}{whose}{suffix}")


@contextmanager
def explaining(root: Path) -> Iterator[None]:
    """Turn what a disk has against being written to into an error that says how to go on."""
    try:
        yield
    except OSError as error:
        raise RunFailed(
            f"cannot write to '{root}': {error}. What is finished is kept: make room, and the same command "
            "goes on from there"
        ) from error


def _write_rows(file: Path, rows: Iterable[pd.DataFrame]) -> dict[str, int]:
    """Write a Parquet file piece by piece, and count the statuses."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    counts: Counter[str] = Counter(dict.fromkeys(STATUSES, 0))
    schema = _schema()
    with pq.ParquetWriter(file, schema) as writer:
        for piece in rows:
            writer.write_table(pa.Table.from_pandas(piece[list(COLUMNS)], schema, preserve_index=False))
            counts.update(piece["status"])
    return dict(counts)


def _schema() -> pa.Schema:
    """Type the columns; equal rows are equal files."""
    import pyarrow as pa

    return pa.schema([(name, pa.type_for_alias(_TYPES.get(name, "string"))) for name in COLUMNS])


def _read_record(path: Path) -> dict[str, Any] | None:
    """Read a record; without its rows, or cut short by a power failure, it does not count."""
    if not path.is_file() or not path.with_suffix(".parquet").is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return found


def file_name(name: str) -> str:
    """Map any name to one file name, readably and without collisions; ':' becomes '='."""
    quoted = quote(name, safe="+ ,@", errors="surrogateescape").replace("%3A", "=")
    return f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted


def _as_dict(cell: Cell) -> dict[str, str]:
    """Return a cell's fields by name."""
    return {name: getattr(cell, name) for name in Cell.__dataclass_fields__}
