"""Per-image rows in Parquet, one file a cell, beside a JSON record of what made them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from filelock import FileLock, Timeout

from .atomic import replacing
from .types import BenchError, Cell

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "dataset",
    "testset",
    "generator",
    "class",
    "real_source",
    "path",
    "label",
    "detector",
    "perturbation",
    "score",
    "logit",
    "status",
    "error",
)
STATUSES = ("ok", "unreadable", "failed", "nonfinite")


@dataclass(frozen=True, slots=True)
class Store:
    """The rows of one run, below ``<root>/scores/<dataset>/<testset>/<perturbation>/<detector>.parquet``.

    A cell counts as done when its record is there, for the record is written last. Files appear by atomic
    rename. A record that differs from what is asked for moves, with its rows, to ``<root>/superseded``.
    """

    root: Path

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the run folder for one writer.

        Raises:
            BenchError: Another process is writing to it, or the folder cannot be made.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with FileLock(self.root / ".lock", timeout=0):
                yield
        except Timeout:
            raise BenchError(
                f"another bench run is writing to '{self.root}'; wait for it or choose another --out"
            ) from None
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
        self, cell: Cell, rows: pd.DataFrame, identity: Mapping[str, Any], made: Mapping[str, Any]
    ) -> None:
        """Store a finished cell; older rows of another identity are kept under ``superseded``."""
        old = self.record(cell)
        if old is not None and old["identity"] != identity:
            self._supersede(cell)
        counts = {status: int((rows["status"] == status).sum()) for status in STATUSES}
        record = {"cell": _as_dict(cell), "identity": identity, "counts": counts, "made": made}
        parquet = self._path(cell, ".parquet")
        self._path(cell, ".json").unlink(missing_ok=True)
        with replacing(parquet, durable=False) as partial:
            rows[list(COLUMNS)].to_parquet(partial, index=False)
        with replacing(self._path(cell, ".json"), durable=False) as partial:
            partial.write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")

    def records(self) -> list[dict[str, Any]]:
        """Return the records of all finished cells, in the order their run listed them."""
        found = map(_read_record, sorted(self.root.glob("scores/*/*/*/*.json")))
        return sorted(filter(None, found), key=lambda record: record["made"]["position"])

    def rows(self, record: Mapping[str, Any]) -> pd.DataFrame:
        """Read the rows behind one record."""
        import pandas as pd

        return pd.read_parquet(self._path(Cell(**record["cell"]), ".parquet"))

    def _path(self, cell: Cell, suffix: str) -> Path:
        """Say where a cell's file is."""
        parts = [_file_name(part) for part in (cell.dataset, cell.testset, cell.perturbation, cell.detector)]
        return self.root.joinpath("scores", *parts[:3], parts[3] + suffix)

    def _supersede(self, cell: Cell) -> None:
        """Move a cell's files aside, below the time of their removal."""
        for suffix in (".json", ".parquet"):
            path = self._path(cell, suffix)
            kept = self.root / "superseded" / str(time.time_ns()) / path.relative_to(self.root)
            kept.parent.mkdir(parents=True)
            path.rename(kept)


def _read_record(path: Path) -> dict[str, Any] | None:
    """Read a record; without its rows, or cut short by a power failure, it does not count."""
    if not path.is_file() or not path.with_suffix(".parquet").is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return found


def _file_name(name: str) -> str:
    """Map any name to one file name, readably and without collisions; ':' becomes '='."""
    quoted = quote(name, safe="+ ,@", errors="surrogateescape").replace("%3A", "=")
    return f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted


def _as_dict(cell: Cell) -> dict[str, str]:
    """Return a cell's fields by name."""
    return {name: getattr(cell, name) for name in Cell.__dataclass_fields__}
