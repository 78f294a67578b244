"""Score files that other tools made: a table with a path, a label and a score in each row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from forenbench.data.sources.columns import UnusedColumns, is_likely
from forenbench.data.sources.labels import DROP, OF_SCORES, TableWords
from forenbench.data.sources.table_files import check_suffix, look_through, read_texts, remarks
from forenbench.data.sources.table_rows import as_text
from forenbench.errors import BenchError
from forenbench.files.checksums import sha256_of
from forenbench.files.regular import irregular
from forenbench.records.rows import columns_as_arrow

from .row_texts import ReadScores, normal, read_column, read_paths

if TYPE_CHECKING:
    import pyarrow as pa


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


class Said(NamedTuple):
    """What a score file says of its images: columns with one entry for each row that was read.

    Attributes:
        numbers: Of the rows in the file, from 1.
        paths: As they are compared.
        labels: None in every row where there is no such column.
        generators: Empty where a row names none, as are the others.
        classes: Of the images, such as ``horse``.
        real_sources: Where real images come from.
        origins: What images are pieces of.
    """

    numbers: Sequence[int]
    paths: Sequence[str]
    labels: Sequence[int | None]
    generators: Sequence[str]
    classes: Sequence[str]
    real_sources: Sequence[str]
    origins: Sequence[str]


@dataclass(frozen=True, slots=True)
class ForeignScores:
    """A column of scores that was read, oriented so that higher means generated.

    Attributes:
        reading: How.
        file: Where it is.
        sha256: Of its content.
        said: Of the images, in the file's order.
        results: Of these (see `forenbench.records.rows.columns_as_arrow`).
        threshold: A float32 number, as the scores are: one that equals the threshold is not above it.
        notes: What was done to the scores.
        unread: Which columns seem to hold generators, where none is read.
    """

    reading: Reading
    file: Path
    sha256: str
    said: Said
    results: pa.RecordBatch
    threshold: float
    notes: tuple[str, ...]
    unread: tuple[str, ...] = ()


def read_scores(file: Path, readings: Sequence[Reading]) -> list[ForeignScores]:
    """Read a CSV, JSON Lines or Parquet file, all of its columns of scores at once.

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
    said, columns = _read(file, readings, told, unread)
    found, written, sha256 = [], (*remarks(file), *told), sha256_of(file)
    for reading, column in zip(readings, columns, strict=True):
        if len(column.flaws) == len(column.values):
            first = [f" (row {number}: {error})" for number, (_, error) in column.flaws.items()][:1]
            where = f"in column '{TableWords(reading.columns).theirs('score')}'{''.join(first)}"
            raise BenchError(f"'{file}' holds no score {where}; say which column holds the scores")
        results, limit, notes = _orient(file, said.numbers, column, reading)
        notes = (*notes, *written)
        found.append(ForeignScores(reading, file, sha256, said, results, limit, notes, tuple(unread)))
    return found


def refuse(what: str, found: Sequence[str], way_out: str) -> BenchError:
    """Word an error that names the first few of what is wrong."""
    some = ", ".join(found[:3]) + (", …" if len(found) > 3 else "")
    return BenchError(f"{what}: {len(found)} ({some}); {way_out}")


def _read(
    file: Path, readings: Sequence[Reading], notes: list[str], unread: list[str]
) -> tuple[Said, list[ReadScores]]:
    """Read what rows say, and every column of scores; rows that labels leave out are none.

    What there is to say of labels, and of columns, is added to `notes` and `unread`.
    """
    reading = readings[0]
    words = TableWords(reading.columns, reading.labels)
    there, marks = look_through(file, words.theirs("label"))
    if not there:
        return Said([], [], [], [], [], [], []), [ReadScores([], {}) for _ in readings]
    names = words.find(there, str(file), ("path",))
    scores = [TableWords(one.columns).find(there, str(file), ["score"])["score"] for one in readings]
    labels: Mapping[str, int | None] = {}
    if "label" in names:
        labels, more = words.meanings(marks, str(file), names["label"])
        notes += more
    unused = UnusedColumns({**names, **{f"score of {one}": one for one in scores}})
    texts = read_texts(file, [*names.values(), *scores, *filter(is_likely, there)])
    unused.see(texts)
    unread += unused.notes()
    numbers: Sequence[int] = range(1, len(marks) + 1)
    if DROP in labels.values():
        kept = [labels[mark] != DROP for mark in marks]
        texts = {name: list(compress(column, kept)) for name, column in texts.items()}
        marks, numbers = list(compress(marks, kept)), list(compress(numbers, kept))
    absent = [""] * len(numbers)
    ours = {name: texts[names[name]] if name in names else absent for name in OF_SCORES}
    paths = read_paths(file, numbers, ours["path"])
    if reading.prefix:
        # One that ends in a slash is whole folders: "data/" does not begin "database/a.png".
        prefix = normal(reading.prefix) + "/" * reading.prefix.endswith(("/", "\\"))
        # Where nothing would be left, a path stays whole.
        paths = [(one.startswith(prefix) and one.removeprefix(prefix).lstrip("/")) or one for one in paths]
    described = []
    for name in ("generator", "class", "real_source", "origin"):
        # One object for equal texts: of a million rows most share a few.
        read = {text: as_text(text) for text in dict.fromkeys(ours[name])}
        described.append([read[text] for text in ours[name]])
    said = Said(numbers, paths, [labels.get(mark) for mark in marks], *described)
    reasons = ours["status"], ours["error"]
    return said, [read_column(file, numbers, texts[one], *reasons) for one in scores]


def _orient(
    file: Path, numbers: Sequence[int], column: ReadScores, reading: Reading
) -> tuple[pa.RecordBatch, float, tuple[str, ...]]:
    """Turn scores so that higher means generated, and round them to the float32 that the store keeps."""
    given = np.array(column.values)
    outside = np.flatnonzero((given < 0) | (given > 1)).tolist()  # NaN is neither
    if outside and reading.threshold is None:
        number, score = numbers[outside[0]], given[outside[0]]
        raise BenchError(
            f"'{file}', row {number}: score {score:g} is outside [0, 1], so that 0.5 is no natural "
            "threshold; say above which score (threshold) an image counts as generated"
        )
    threshold = 0.5 if reading.threshold is None else reading.threshold
    if not math.isfinite(threshold):
        raise BenchError(f"threshold {threshold} is no finite number")
    turned, notes = given, ["higher means generated"]
    if reading.real_is_high:
        turned, threshold = (-given, -threshold) if outside else (1 - given, 1 - threshold)
        notes = [f"higher meant real, turned round by {'-score' if outside else '1 - score'}"]
    with np.errstate(over="ignore"):  # float32 ends at 3.4e38: infinite there, and said of the row below
        stored = turned.astype(np.float32)
    # Ties change AUROC and AP. NumPy counts each NaN as a value of its own, so that they are left out.
    lost = len(np.unique(given[~np.isnan(given)])) - len(np.unique(stored[~np.isnan(stored)]))
    if lost:
        notes.append(f"{lost} distinct scores became ties in float32")
    flaws = dict(column.flaws)
    for at in np.flatnonzero(np.isinf(stored)).tolist():
        error = f"score {given[at]:g} in row {numbers[at]} of {file.name} is too large for float32"
        stored[at], flaws[numbers[at]] = np.nan, ("nonfinite", error)
    said = [flaws.get(number, ("ok", "")) for number in numbers]
    results = columns_as_arrow(
        {
            "score": stored,
            "logit": np.full(len(stored), np.nan, np.float32),
            "status": [status for status, _ in said],
            "error": [error for _, error in said],
            "drawn": [""] * len(stored),
        }
    )
    # Rounded as the scores are: 0.3 is more than 0.3 once the one is float32 and the other is not.
    return results, float(np.float32(threshold)), tuple(notes)
