"""When generators were released: by a dataset's description, or by the list of known ones."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

from forenbench.errors import BenchError

from .sources.names import plain

_FAMILIES = {"midjourney", "stablediffusion"}
"""Names of many versions: a test set that is called so and no more may be of any of them."""


@cache
def _rows() -> Mapping[str, Mapping[str, str]]:
    """Read ``datasets/released.csv``: a generator's line by all of its names, as `plain` spells them."""
    found: dict[str, Mapping[str, str]] = {}
    with (files("forenbench.datasets") / "released.csv").open(encoding="utf-8") as text:
        for row in csv.DictReader(text):
            for name in (row["generator"], *row["also"].split()):
                # "ZITS++" is "ZITS" to `plain`: the earlier line keeps the name
                found.setdefault(plain(name), row)
    return found


@cache
def listed() -> Mapping[str, date]:
    """Return the list's dates by every name of a generator, as `plain` spells it."""
    return {name: date.fromisoformat(row["released"]) for name, row in _rows().items()}


def one_name(generator: str) -> str:
    """Return one name for all that a generator is called by: ``sd14`` and ``stable_diffusion_v_1_4`` are one.

    Of those that ``datasets/released.csv`` does not list it is the name itself, as `plain` spells it.
    """
    key = plain(generator)
    return plain(_rows()[key]["generator"]) if key in _rows() else key


def read_dates(file: str, values: Mapping[str, object]) -> dict[str, date]:
    """Read a description's table ``[released]``: a date, or another name of the generator in the list.

    Args:
        file: For messages.
        values: By the name of a test set.

    Raises:
        BenchError: One is neither.
    """
    found = {}
    for name, value in values.items():
        known = value if isinstance(value, date) else listed().get(plain(str(value)))
        try:
            found[name] = known or date.fromisoformat(str(value))
        except ValueError as error:
            raise BenchError(
                f"{file}: '{name}' was released '{value}', which is neither a date like 2024-08-01 nor a "
                "generator of datasets/released.csv"
            ) from error
    return found


def when(generator: str, said: Mapping[str, date]) -> date | None:
    """Return when a generator was released; None where nobody knows.

    Args:
        generator: As a test set, or what a detector was trained on, is called.
        said: What descriptions of datasets declare, which comes first.
    """
    known = {plain(name): day for name, day in said.items()}
    key = plain(generator)
    return known.get(key) or (None if key in _FAMILIES else listed().get(key))
