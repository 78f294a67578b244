"""Tables for programs: one number a line, with all that it is of, in full precision."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forenbench.errors import BenchError
from forenbench.files.json_documents import document, plain
from forenbench.printable import for_csv

from .cell_frame import as_dicts, key
from .marks import WORDS
from .perturbation_levels import family_and_level
from .values import Values

PLACES = ("detector", "weights", "dataset", "testset", "perturbation", "protocol")
"""What a number is of, as far as a table says it."""
_NUMBERS = ("value", "low", "high")
_COUNTS = ("n_real", "n_fake", "n_missing")
COLUMNS = (*PLACES, "metric", *_NUMBERS, *_COUNTS, "marks")
"""Of tidy CSV; further labels of a table come after these."""


def records(table: Values) -> list[dict[str, Any]]:
    """List what a table says, value by value: rows from top to bottom, in each from left to right.

    Returns:
        A dict each: `PLACES`, ``metric`` (as the table calls it), ``value`` (in percent where the table is; a
        text where it shows words; None where it is blank), ``low``, ``high``, ``n_real``, ``n_fake`` (images
        that count), ``n_missing`` (without a score), ``marks`` (a list of `WORDS`), and, after these, further
        levels of the table's labels by their names. What is not known is None; counts are those of numbers of
        one cell.
    """
    frame, cells = table.frame, _Cells.of(table)
    ends = (table.low, table.high) if table.look.intervals is not False else (None, None)
    # As lists, column by column: pandas takes some microseconds for each single value.
    sides = [
        [[None] * len(frame)] * frame.shape[1]
        if side is None
        else [column.tolist() for _, column in side.items()]
        for side in (frame, *ends, table.marks)
    ]
    # Where rows are of a metric, columns are what is told of it: its difference, its p-value.
    inner = "column" if "metric" in frame.index.names else "metric"
    heads = [_labels(frame.columns.names, column, inner) for column in frame.columns]
    # A leaderboard has places among its columns: they are of the row, and no values of their own.
    own = [at for at, head in enumerate(heads) if head.get("metric") in PLACES]

    def shown(text: Any) -> Any:  # noqa: ANN401 - a value or None
        return table.look.rename.get(text, text) if isinstance(text, str) else text

    found = []
    for row, labels in enumerate(frame.index):
        known = _labels(frame.index.names, labels, "row")
        known |= {heads[at]["metric"]: str(sides[0][at][row]) for at in own}
        for at in (at for at in range(len(heads)) if at not in own):
            where = cells.place(known | heads[at])
            value, low, high = (plain(side[at][row]) for side in sides[:3])
            signs = "" if value is None else str(sides[3][at][row] or "")
            further = {name: text for name, text in where.items() if name not in (*PLACES, "metric")}
            found.append(
                {name: shown(where.get(name)) for name in (*PLACES, "metric")}
                | {"value": shown(value), "low": low, "high": high}
                | cells.count({} if further else where)
                | {"marks": [WORDS[sign] for sign in signs if sign in WORDS]}
                # A level of others may be called like one of these.
                | {f"{name}_" if name in COLUMNS else name: shown(text) for name, text in further.items()}
            )
    return found


@dataclass(frozen=True, slots=True)
class _Cells:
    """What a table was made of, to find out what a number is of.

    Attributes:
        constant: What is the same for all cells, and so in no label.
        perturbations: By kind and level, as labels have them.
        counts: Of images, by `PLACES`.
    """

    constant: Mapping[str, str]
    perturbations: Mapping[tuple[str, str], str]
    counts: Mapping[tuple[str, ...], Mapping[str, int]]

    @classmethod
    def of(cls, table: Values) -> _Cells:
        lines = (
            [] if table.cells is None else as_dicts(table.cells, [*PLACES, "real", "fake", "images", "ok"])
        )
        constant = {name: lines[0][name] for name in PLACES if len({line[name] for line in lines}) == 1}
        names = {family_and_level(line["perturbation"]): line["perturbation"] for line in lines}
        counts = {
            key(line, PLACES): {
                "n_real": line["real"],
                "n_fake": line["fake"],
                "n_missing": line["images"] - line["ok"],
            }
            for line in lines
        }
        return cls(constant, names, counts)

    def place(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Say what a number is of: what all cells share, its labels, and the name of its perturbation."""
        level = labels.get("perturbation", ""), labels.get("level", "")
        named = {"perturbation": self.perturbations[level]} if level in self.perturbations else {}
        return {**self.constant, **labels, **named}

    def count(self, where: Mapping[str, str]) -> dict[str, int | None]:
        """Count the images behind a number of one cell; of any other number this is not known."""
        place = tuple(where.get(name, "") for name in PLACES)
        return {**self.counts.get(place, dict.fromkeys(_COUNTS))}


def as_tidy(table: Values) -> str:
    """Lay a table out as CSV of one header row, one number a line; words among the values are left out."""
    _refuse_transposed(table, "tidy")
    rows = []
    for one in records(table):
        try:  # p-values are texts, for they have digits of their own
            value = None if one["value"] is None else float(one["value"])
        except ValueError:
            continue
        rows.append(one | {"value": value, "marks": "; ".join(one["marks"])})
    names = list(dict.fromkeys([*COLUMNS, *(name for one in rows for name in one)]))
    written = io.StringIO()
    # For a few dozen lines a frame takes longer than all the rest.
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(names)
    for one in rows:
        texts = (one.get(name) for name in names)
        lines.writerow(for_csv(text) if isinstance(text, str) else text for text in texts)
    return written.getvalue()


def as_json(table: Values) -> str:
    """Lay a table out as JSON: name, title, decimals, notes, and its `records` as ``values``."""
    _refuse_transposed(table, "json")
    about = {"name": table.name, "title": table.title, "decimals": table.decimals, "notes": list(table.notes)}
    return document("table", **about, values=records(table))


def _labels(names: Sequence[object], labels: object, nameless: str) -> dict[str, str]:
    """Say which label is at which level; levels without a name are one, with what is called `nameless`."""
    texts, found = labels if isinstance(labels, tuple) else (labels,), dict[str, str]()
    for name, text in zip(names, map(str, texts), strict=True):
        level = str(name) if name else nameless
        found[level] = f"{found[level]} {text}" if level in found else text
    return found


def _refuse_transposed(table: Values, style: str) -> None:
    if table.look.transposed:
        raise BenchError(f"format '{style}' has one number a line, and nothing to transpose")
