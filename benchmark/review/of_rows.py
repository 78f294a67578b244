"""Rows and their records: whole, complete, scored, and nobody else's."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from forenbench.audit import metadata_only
from forenbench.errors import BenchError
from forenbench.files.file_names import RECORD
from forenbench.records.record import DetectorKey
from forenbench.records.record_files import ROWS
from forenbench.records.rows import COLUMNS
from forenbench.records.store import Damaged, Store
from forenbench.types import FOREIGN

from .result import ReviewResult, some

Scores = tuple[str, str, str]
"""What tells one column of scores from another: the images, what was done to them, the numbers."""


def cells(store: Store) -> ReviewResult:
    """Read every cell, and compare it with the digests and counts that its record holds."""
    check = "rows and records are what was written"
    try:
        records = store.records()
    except BenchError as error:
        return ReviewResult(check, str(error))
    if not records:
        return ReviewResult(check, f"there is no finished cell in '{store.root}'")
    problems = [
        f"'{file.relative_to(store.root)}' has no record"
        for file in sorted(store.root.glob(f"scores/*/*/*/*{ROWS}"))
        if not file.with_name(file.name.removesuffix(ROWS) + RECORD).is_file()
    ]
    for record in records:
        cell = f"cell {record.cell}"
        if record.rows_sha256 is None:
            problems.append(f"{cell} is of an earlier version, and nothing vouches for its rows")
            continue
        try:
            rows = store.rows(record, COLUMNS)
        except Damaged as error:
            problems.append(str(error))
            continue
        stated = {status: number for status, number in vars(record.counts).items() if number}
        if Counter(rows["status"]) != stated:
            problems.append(f"{cell} has other numbers of rows by status than its record says")
        if twice := [path for path, number in Counter(rows["path"]).items() if number > 1]:
            problems.append(f"{cell} has '{twice[0]}' twice")
        if not np.isfinite(rows["score"][rows["status"] == "ok"].to_numpy(float)).all():
            problems.append(f"{cell} has rows that are ok and have no finite score")
    return ReviewResult(check, some(problems), f"{len(records)} cells")


def grid(store: Store) -> ReviewResult:
    """Look for cells that a detector lacks and another one of the run has.

    Scores that were brought along, or made without a pixel, are of what their makers had.
    """
    there: dict[DetectorKey, set[tuple[str, ...]]] = defaultdict(set)
    for record in store.records():
        cell = record.cell
        there[record.detector].add((cell.dataset, cell.testset, cell.perturbation, record.protocol))
    every = sorted(set().union(*there.values()))
    absent = defaultdict[bool, list[str]](list)
    for (detector, weights), found in there.items():
        for one in every:
            if one not in found:
                lacks = "{} ({}) lacks {}/{} under {}, protocol {}".format(detector, weights, *one)
                absent[weights == FOREIGN or detector == metadata_only.NAME].append(lacks)
    return ReviewResult(
        "every detector has every cell that another one has", some(absent[False]), some(absent[True])
    )


def scores(store: Store) -> ReviewResult:
    """Say which images have no score: they are part of the result, and no fault."""
    lost: Counter[str] = Counter()
    for record in store.records():
        lost.update(
            {f"{status} {record.detector[0]}": number for status, number in record.counts.lost.items()}
        )
    failed = sum(number for name, number in lost.items() if name.startswith("failed "))
    said = some([f"{number} {name}" for name, number in lost.items()])
    return ReviewResult(
        "no detector failed on an image",
        f"{failed} rows failed: the same command tries them again" if failed else "",
        f"without a score: {said}" if said and not failed else "",
    )


def copies(store: Store, beside: Sequence[Store]) -> ReviewResult:
    """Look for the same scores of the same images under another detector's name."""
    own = {record.identity.testset for record in store.records()}
    known: dict[Scores, list[tuple[str, Store]]] = defaultdict(list)
    for one in (store, *beside):
        for record in one.records(beside_damaged=one is not store):
            # Rows of other images are not read: results may hold millions.
            if record.identity.testset not in own:
                continue
            try:
                rows = one.rows(record, ["path", "score"]).sort_values("path")
            except Damaged:
                continue
            numbers = rows["score"].to_numpy(np.float32)
            # A column of one number is like any other such one.
            if len(np.unique(numbers[np.isfinite(numbers)])) > 1:
                digest = hashlib.sha256(numbers.tobytes()).hexdigest()
                key = record.identity.testset, record.cell.perturbation, digest
                known[key].append((f"{record.detector[0]} ({record.detector[1]})", one))
    problems, repeated = list[str](), 0
    for several in known.values():
        mine = [name for name, one in several if one is store]
        problems += [
            f"the scores of {mine[0]} are those of {name} in '{one.root}'"
            for name, one in several
            if mine and name not in mine
        ]
        repeated += sum(one is not store for name, one in several if name in mine)
        if len(set(mine)) > 1:
            problems.append(f"{' and '.join(dict.fromkeys(mine))} have the same scores")
    said = f"{repeated} cells are in another run too, under the same name" if repeated else ""
    return ReviewResult("its scores are nobody else's", some(list(dict.fromkeys(problems))), said)
