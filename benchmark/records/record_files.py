"""Records as files of one run: where each is, and what it says, parsed and verified once."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from forenbench.errors import BenchError
from forenbench.files.atomic import replacing
from forenbench.files.file_names import cell_names
from forenbench.files.regular import open_regular
from forenbench.files.sealed import from_json, to_json
from forenbench.types import Cell

from .record import Record, stated_weights

ROWS = ".parquet"
"""What the name of a file of rows ends in; its record is beside it."""
_Stamp = tuple[int, ...]
"""What differs once a file was written again."""


class Damaged(BenchError):
    """A stored cell is not what was written."""


@dataclass(frozen=True, slots=True)
class RecordFiles:
    """The records below one run folder.

    A record that was read is known for as long as its file is the same one: a run asks for each several
    times, and to parse one and compare its digest takes ten times as long as to see that nobody wrote it.
    """

    root: Path
    _known: dict[Path, tuple[_Stamp, Record]] = field(default_factory=dict, repr=False, compare=False)

    def place(self, cell: Cell) -> Path:
        """Say where a cell's record is, or will be; its rows are beside it."""
        name, earlier_name = cell_names(cell)
        new = self.root / name
        if name == earlier_name:
            return new
        old = self.root / earlier_name
        with suppress(OSError):  # earlier names were not cut: one may be too long for the file system
            if old.is_file() and not new.is_file():
                # The earlier name did not say whose weights: it may be another cell's, as the content says.
                # Where damage has taken even that, the record is of whoever asks: or else no run would name
                # it and move it aside, and it would stand in the way of every table.
                stated = stated_weights(old.read_bytes())
                if not cell.weights or stated in (cell.weights, None):
                    return old
        return new

    def read(self, file: Path) -> Record | None:
        """Read a record, or return None where there is none.

        Raises:
            Damaged: It is not what was written, or its rows are gone.
            BenchError: It cannot be read.
        """
        try:
            # Opened each time, though it be known: a network disk answers `stat` from memory, and asks its
            # server only when a file is opened.
            with open_regular(file) as opened:
                status = os.fstat(opened.fileno())
                stamp = status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size
                known, record = self._known.get(file, ((), None))
                data = b"" if known == stamp else opened.read()
            if record is None or known != stamp:
                content, sealed = from_json(data)
                record = Record.from_json(content)
                # Both digests or none: else whoever takes one out of a file has the rest believed. And a
                # folder that was renamed by hand would give one test set's numbers another's name.
                whole = sealed == (record.rows_sha256 is not None)
                if not whole or file.relative_to(self.root).as_posix() not in cell_names(record.cell):
                    raise ValueError("it is not of this cell")
        except FileNotFoundError:
            return None
        except OSError as error:
            # not damage, for which the cell would be made anew: a network disk may be there again in a minute
            raise BenchError(f"record '{file}' cannot be read: {error.strerror or error}") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise Damaged(f"'{file}' is damaged; {way_out(file)}") from error
        # another process may have moved both aside since the record was read
        if not file.with_suffix(ROWS).is_file() and file.is_file():
            raise Damaged(f"cell {record.cell} has lost its rows; {way_out(file)}")
        self._known[file] = stamp, record
        return record

    def write(self, file: Path, record: Record) -> None:
        """Write a record, sealed but for those of earlier versions."""
        content = record.to_json()
        # a seal on a record without a digest of rows would make believe that somebody vouches for these
        sealed = record.rows_sha256 is not None
        text = to_json(content) if sealed else json.dumps(content, indent=1, sort_keys=True)
        with replacing(file, durable=False) as partial:
            partial.write_text(text, encoding="utf-8")


def way_out(file: Path) -> str:
    """Say how to get rid of the damage to a record or its rows."""
    return f"the command that made it makes it anew; or delete '{file}' to do without it"
