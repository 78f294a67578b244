"""Which words stand for real and fake, and rows of tables read by them."""

from __future__ import annotations

import os
from collections.abc import Mapping

from forenbench.printable import readable
from forenbench.types import FAKE, REAL, Sample

from .splits import split_of

LABELS = {"0_real": REAL, "real": REAL, "reals": REAL, "1_fake": FAKE, "fake": FAKE, "fakes": FAKE}
GENIMAGE_LABELS = {"nature": REAL, "ai": FAKE}
"""Ordinary words: as folders they count only where no folder of the path has a name from `LABELS`."""

WORDS = {**LABELS, **GENIMAGE_LABELS, "0": REAL, "1": FAKE, "generated": FAKE, "synthetic": FAKE}
WORDS |= {"0.0": REAL, "1.0": FAKE, "false": REAL, "true": FAKE}


def label_of(value: object) -> int | None:
    """Return the label that a word or number in a table stands for, in any case; None for an unknown one."""
    return WORDS.get(str(value).strip().lower())


def read_sample(row: Mapping[str, str], stem: str) -> Sample:
    """Read one row; `stem` is the generator of fakes, and the source of reals, that do not say.

    Raises:
        ValueError: Without a path or a known label.
    """
    for name in ("path", "label"):
        if not row.get(name):
            raise ValueError(f"there is no '{name}' (columns: {', '.join(row)})")
    path, label = row["path"], label_of(row["label"])
    # JSON can spell it; opened, such a path raises ValueError instead of an OSError, row by row
    if b"\0" in os.fsencode(path):
        raise ValueError("no file has a zero byte in its path")
    if label is None:
        raise ValueError(f"label '{row['label']}' of '{readable(path)}' is none of 0, 1, real, fake")
    generator = row.get("generator", "") or (stem if label == FAKE else "")
    real_source = row.get("real_source", "") or (generator or stem if label == REAL else "")
    split = split_of(row.get("split", ""))
    texts = generator, row.get("class", ""), real_source, row.get("origin", ""), split
    return Sample(path, label, *map(readable, texts))
