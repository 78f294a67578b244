"""What checkpoints of recipes are called: as the variants of the detectors that read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.cli.console import split

if TYPE_CHECKING:
    from .shared_options import Options

HORSES = {"horse": "1class", "chair,horse": "2class", "car,cat,chair,horse": "4class"}
"""The class settings of LGrad's paper."""


def trained_on(options: Options) -> str:
    """Say in a word what a checkpoint has seen, for the end of its name: ``4class``, ``progan``, ``photos``.

    Other classes than those of LGrad's paper are named.
    """
    classes = sorted(split(options.classes))
    if classes:
        return HORSES.get(",".join(classes), "-".join(classes))
    stem = Path(options.data).stem.removesuffix("-train")
    return "progan" if stem == "forensynths" else stem
