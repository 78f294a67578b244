"""The papers' tables as files: one TOML describes a table, layout and experiment in one.

A column says what its cells have in common, for instance their test set, and a row does, for instance their
detector; with what the whole table has in common that makes a cell. The CSV beside it (see `published`)
holds the numbers in print.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import product
from typing import Any

from .cell_frame import TESTSET, key
from .paper import Heading, PaperTable

_NO_CELL = ("label", "take", "testset", "testsets", "of", "among")
"""Words of a row or column that do not go into its cells as they are."""


@cache  # dozens of files, some of several hundred lines, asked for again and again within a command
def paper_tables() -> Mapping[str, PaperTable]:
    """Read the description of every paper's table, by name."""
    described = {
        name: tomllib.loads(file.read_text(encoding="utf-8"))
        for file in sorted(folder().iterdir(), key=lambda file: file.name)
        for name, _, suffix in [file.name.rpartition(".")]
        if suffix == "toml"
    }
    return {
        name: PaperTable(
            name=name,
            title=values["title"],
            source=values["source"],
            decimals=values["decimals"],
            protocol=values.get("protocol", ""),
            notes=tuple(values.get("notes", ())),
            index=tuple(values["index"]),
            header=tuple(values["header"]),
            rows=tuple(_heading(entry) for entry in values["rows"]),
            columns=tuple(_columns(values, described)),
        )
        for name, values in described.items()
    }


def folder() -> Traversable:
    """Return where descriptions and published numbers lie."""
    return files("forenbench.results") / "published"


def _columns(values: Mapping[str, Any], described: Mapping[str, Mapping[str, Any]]) -> Iterator[Heading]:
    """Read a table's columns; those of several metrics are stated once, and widened here."""
    for entry, (label, metric) in product(values["columns"], values.get("metrics", {"": ""}).items()):
        widened = {**values.get("common", {}), **entry}
        if metric:
            widened |= {"label": [*entry["label"], label], "metric": metric}
        over: list[Mapping[str, str]] = [_place(one) for one in entry.get("testsets", ())]
        if "of" in entry:  # a table of set means: what it is over is printed in a table of its own
            for one in _columns(described[entry["of"]], described):
                if not one.sums_up and one.cell["metric"] == widened["metric"]:
                    over += one.over or [{name: one.cell[name] for name in TESTSET}]
        # The mean and the deviation of one table are over the same test sets: each counts once.
        distinct = {key(place, TESTSET): place for place in over}
        yield _heading(widened, tuple(distinct.values()))


def _heading(entry: Mapping[str, Any], over: tuple[Mapping[str, str], ...] = ()) -> Heading:
    """Read a row, or a column as it is for one metric."""
    cell = {name: value for name, value in entry.items() if name not in _NO_CELL}
    if "testset" in entry:
        cell |= _place(entry["testset"])
    return Heading(tuple(entry["label"]), cell, entry.get("take", ""), over, entry.get("among", ""))


def _place(testset: str) -> dict[str, str]:
    """Take ``dataset/testset`` apart; without a dataset, that is said elsewhere."""
    dataset, _, name = testset.rpartition("/")
    return {"dataset": dataset, "testset": name} if dataset else {"testset": name}
