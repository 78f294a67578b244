"""Labelled image files whose properties are known, because they were planted."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from forenbench.types import FAKE, REAL

FOLDERS = {REAL: "0_real", FAKE: "1_fake"}


def picture(seed: int, width: int = 64, height: int = 48) -> Image.Image:
    """Coarse random blocks, each seed another picture."""
    blocks = np.random.RandomState(seed).randint(0, 256, (6, 6, 3)).astype(np.uint8)
    return Image.fromarray(blocks).resize((width, height), Image.Resampling.BICUBIC)


def write(folder: Path, label: int, seeds: Iterable[int], suffix: str, **options: Any) -> None:  # noqa: ANN401
    """Write pictures of one label in one format."""
    (folder / FOLDERS[label]).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        picture(seed).save(folder / FOLDERS[label] / f"{seed:03}{suffix}", **options)


def rows(number: int, **columns: Any) -> pd.DataFrame:  # noqa: ANN401
    """Audited files of one test set, half of them fake, all alike but for the columns given."""
    common = {
        "dataset": "d",
        "testset": "t",
        "label": np.arange(number) % 2,
        "path": [f"{at}.png" for at in range(number)],
        "origin": "",
        "container": "PNG",
        "mode": "RGB",
        "width": 64,
        "height": 64,
        "bytes": 4096,
        "quality": np.nan,
        "table": "",
        "subsampling": "",
        "exif": False,
        "icc": False,
        "sha256": [f"{at:064x}" for at in range(number)],
        "looks": np.arange(number, dtype=np.uint64),
        "problem": "",
        "aspect": 1.0,
        "bytes_per_pixel": 1.0,
        "metadata_score": np.nan,
    }
    return pd.DataFrame({**common, **columns})
