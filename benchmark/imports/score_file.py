"""Score files that other tools made: a table with a path, a label and a score in each row."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from forenbench.data.sources.columns import UnusedColumns
from forenbench.data.sources.labels import DROP, OF_SCORES, TableWords
from forenbench.data.sources.table_files import check_suffix, look_through, read_rows, remarks
from forenbench.data.sources.table_rows import as_text
from forenbench.errors import BenchError
from forenbench.files.checksums import sha256_of
from forenbench.files.regular import irregular

from .row_texts import Scored, normal, read_path, read_score


@dataclass(frozen=True, slots=True)
class Reading:
    """How a score file is to be understood.

    Attributes:
        columns: See `forenbench.data.sources.labels.TableWords`.
        labels: See there.
        prefix: What the file's paths begin with and the images' do not.
        threshold: In the file's own scale; a score beyond it is a decision for "generated".
        real_is_high: A high score means a real image.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    prefix: str = ""
    threshold: float | None = None
    real_is_high: bool = False


_Said = tuple[int, str, int | None, str, str, str, str]
"""Of a row, whatever its score: the first fields of `ForeignRow`."""


class ForeignRow(NamedTuple):
    """One row; `score` is NaN unless `status` is "ok", and `label` is None where there is no such column."""

    number: int
    path: str
    label: int | None
    generator: str
    class_name: str
    real_source: str
    origin: str
    score: float
    status: str
    error: str


@dataclass(frozen=True, slots=True)
class ForeignScores:
    """A column of scores that was read, oriented so that higher means generated.

    Attributes:
        reading: How.
        file: Where it is.
        sha256: Of its content.
        rows: In the file's order.
        threshold: A float32 number, as the scores are: one that equals the threshold is not above it.
        notes: What was done to the scores.
        unread: Which columns seem to hold generators, where none is read.
    """

    reading: Reading
    file: Path
    sha256: str
    rows: Sequence[ForeignRow]
    threshold: float
    notes: tuple[str, ...]
    unread: tuple[str, ...] = ()


def read_scores(file: Path, readings: Sequence[Reading]) -> list[ForeignScores]:
    """Read a CSV, JSON Lines or Parquet file of scores in one pass.

    A row whose score is missing or no number is `failed`; NaN, infinity, and what float32 cannot hold are
    `nonfinite`. A row with a status of its own keeps it. There is a reading for each column of scores; they
    differ in nothing else.

    Raises:
        BenchError: The file or a column is not there, a label or status is unknown, a path is missing, no row
            has a score, or scores outside [0, 1] come without a threshold.
    """
    if why := irregular(file):
        raise BenchError(f"no score file at '{file}' ({why})")
    check_suffix(file)
    told: list[str] = []
    unread: list[str] = []
    rows = list(_rows(file, readings, told, unread))
    found, written, sha256 = [], (*remarks(file), *told), sha256_of(file)
    for at, reading in enumerate(readings):
        column = [scored[at] for _, scored in rows]
        if not any(status == "ok" for _, status, _ in column):
            why = f" (row {rows[0][0][0]}: {column[0][2]})" if column else ""
            where = f"in column '{TableWords(reading.columns).theirs('score')}'{why}"
            raise BenchError(f"'{file}' holds no score {where}; say which column holds the scores")
        oriented, limit, notes = _orient(file, [said for said, _ in rows], column, reading)
        found.append(ForeignScores(reading, file, sha256, oriented, limit, (*notes, *written), tuple(unread)))
    return found


def refuse(what: str, found: Sequence[str], way_out: str) -> BenchError:
    """Word an error that names the first few of what is wrong."""
    some = ", ".join(found[:3]) + (", …" if len(found) > 3 else "")
    return BenchError(f"{what}: {len(found)} ({some}); {way_out}")


def _rows(
    file: Path, readings: Sequence[Reading], notes: list[str], unread: list[str]
) -> Iterator[tuple[_Said, list[Scored]]]:
    """Read row by row, with a score of every column of scores; rows that labels leave out are none.

    What there is to say of labels, and of columns, is added to `notes` and, at the end, to `unread`.
    """
    reading = readings[0]
    words = TableWords(reading.columns, reading.labels)
    columns, said = look_through(file, words.theirs("label"))
    if not columns:
        return
    names = words.find(columns, str(file), ("path",))
    scores = [TableWords(one.columns).find(columns, str(file), ["score"])["score"] for one in readings]
    labels: Mapping[str, int | None] = {}
    if "label" in names:
        labels, more = words.meanings(said, str(file), names["label"])
        notes += more
    # A prefix that ends in a slash is whole folders: "data/" does not begin "database/a.png".
    prefix = reading.prefix and normal(reading.prefix) + "/" * reading.prefix.endswith(("/", "\\"))
    unused = UnusedColumns({**names, **{f"score of {one}": one for one in scores}})
    column = {name: names.get(name, "") for name in OF_SCORES}
    described = [column[name] for name in ("generator", "class", "real_source", "origin")]
    for number, row in enumerate(read_rows(file), 1):
        unused.see(row)
        label = labels.get(row.get(column["label"], ""))
        if label == DROP:
            continue
        path = read_path(file, number, row.get(column["path"], ""))
        if prefix and path.startswith(prefix):  # where nothing would be left, the path stays whole
            path = path.removeprefix(prefix).lstrip("/") or path
        generator, class_name, source, origin = [
            _text(row[name]) if name in row else "" for name in described
        ]
        reason = row.get(column["status"], ""), row.get(column["error"], "")
        scored = [read_score(file, number, row.get(one, ""), *reason) for one in scores]
        yield (number, path, label, generator, class_name, source, origin), scored
    unread += unused.notes()


@lru_cache(1024)
def _text(said: str) -> str:
    """Read a text (see `as_text`) into one object for equal ones: of a million rows most share a few."""
    return as_text(said)


def _orient(
    file: Path, rows: Sequence[_Said], scored: Sequence[Scored], reading: Reading
) -> tuple[list[ForeignRow], float, tuple[str, ...]]:
    """Turn scores so that higher means generated, and round them to the float32 that the store keeps."""
    given = np.array([score for score, _, _ in scored])
    outside = np.flatnonzero((given < 0) | (given > 1))  # NaN is neither
    if len(outside) and reading.threshold is None:
        (number, *_), score = rows[outside[0]], given[outside[0]]
        raise BenchError(
            f"'{file}', row {number}: score {score:g} is outside [0, 1], so that 0.5 is no natural "
            "threshold; say above which score (threshold) an image counts as generated"
        )
    threshold = 0.5 if reading.threshold is None else reading.threshold
    if not math.isfinite(threshold):
        raise BenchError(f"threshold {threshold} is no finite number")
    turned, notes = given, ["higher means generated"]
    if reading.real_is_high:
        turned, threshold = (-given, -threshold) if len(outside) else (1 - given, 1 - threshold)
        notes = [f"higher meant real, turned round by {'-score' if len(outside) else '1 - score'}"]
    with np.errstate(over="ignore"):  # float32 ends at 3.4e38: infinite there, and said of the row below
        stored = turned.astype(np.float32)
    # Ties change AUROC and AP. NumPy counts each NaN as a value of its own, so that they are left out.
    lost = len(np.unique(given[~np.isnan(given)])) - len(np.unique(stored[~np.isnan(stored)]))
    if lost:
        notes.append(f"{lost} distinct scores became ties in float32")
    oriented = []
    for said, (before, status, error), score in zip(rows, scored, stored.tolist(), strict=True):
        if math.isinf(score):
            error = f"score {before:g} in row {said[0]} of {file.name} is too large for float32"
            oriented.append(ForeignRow(*said, math.nan, "nonfinite", error))
        else:
            oriented.append(ForeignRow(*said, score, status, error))
    # Rounded as the scores are: 0.3 is more than 0.3 once the one is float32 and the other is not.
    return oriented, float(np.float32(threshold)), tuple(notes)
