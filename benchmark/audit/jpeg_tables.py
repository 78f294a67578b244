"""JPEG quantisation tables: which quality of the Independent JPEG Group's scale they are, and a short name.

The two base tables are those of ITU-T T.81, Annex K; libjpeg scales them by quality (`jpeg_quality_scaling`
and `jpeg_add_quant_table`, baseline), and so do most programs. Others, cameras and Photoshop among them,
have tables of their own: the nearest quality is then an estimate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

_LUMINANCE = """
    16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62
    18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99
"""
_CHROMINANCE = """
    17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99
    99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99
"""

_BASE = 50
"""The quality at which tables are the base tables."""
_QUALITY = np.arange(1, 101)
# jcparam.c's arithmetic in whole numbers, its rounding down of 5000 / quality included: a table is called IJG
# only where every entry is equal.
_SCALE = np.where(_QUALITY < _BASE, 5000 // _QUALITY, 200 - 2 * _QUALITY)
_TABLES = np.array([_LUMINANCE.split(), _CHROMINANCE.split()], np.int64)
_STANDARD = np.clip((_TABLES * _SCALE[:, None, None] + 50) // 100, 1, 255)
"""The base tables scaled to every quality: (quality - 1, table, entry)."""


@dataclass(frozen=True, slots=True)
class Quantisation:
    """What a file's quantisation tables tell.

    Attributes:
        quality: The nearest quality, 1 to 100, by the squared differences of all entries, each relative to
            its base: Photoshop caps the entries of high frequencies, and plain differences see little else.
        name: ``IJG 75`` where the tables are exactly those of this quality, else ``other`` and eight digits
            of the sha256 of their entries.
    """

    quality: int
    name: str


def read_tables(tables: Mapping[int, Sequence[int]]) -> Quantisation:
    """Read quality and name off quantisation tables as Pillow gives them.

    Args:
        tables: 64 entries each, in row order; table 0 is for luminance, others for chrominance.
    """
    return _read(tuple((number, tuple(tables[number])) for number in sorted(tables)))


@cache
def _read(tables: tuple[tuple[int, tuple[int, ...]], ...]) -> Quantisation:
    """Compare with every quality."""
    # Cached, for a data set of a million files has few distinct tables.
    distance = np.zeros(100)
    for number, entries in tables:
        scaled = _STANDARD[:, min(number, 1)]
        distance += (((scaled - np.array(entries)) / scaled[_BASE - 1]) ** 2).sum(axis=1)
    quality = int(distance.argmin()) + 1
    if not distance.min():
        return Quantisation(quality, f"IJG {quality}")
    # A name for tables that nobody named: files of one camera or program share it.
    digest = hashlib.sha256(repr(tables).encode()).hexdigest()
    return Quantisation(quality, f"other {digest[:8]}")
