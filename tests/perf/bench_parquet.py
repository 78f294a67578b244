"""Images in Parquet tables: seconds and memory against the library `datasets`, which copies them first.

The library is no part of this project: `pip install datasets` for its side.
"""

from __future__ import annotations

import os
import random
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from measuring import MIB, alternately, ratio, scaled, title, tree_memory, value, watching
from workloads import workplace

from forenbench.data.sources.huggingface import HuggingFace

IMAGES, BYTES, GROUP = scaled(2000, 8), 200_000, 100
"""As the hub's tables mostly are: row groups of a hundred images."""


def write(folder: Path) -> Path:
    """Write four tables of bytes that do not compress."""
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    numbers = random.Random(0)
    for number in range(4):
        rows = [{"bytes": numbers.randbytes(BYTES), "path": f"{row}.jpg"} for row in range(IMAGES // 4)]
        table = pa.table({"image": pa.array(rows, kind), "label": [row % 2 for row in range(len(rows))]})
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=GROUP)
    return folder


def by_row_group(folder: Path) -> None:
    """Read all images in the order of their paths, as a run does."""
    source = HuggingFace(folder, sorted(file.name for file in folder.iterdir()))
    for path in sorted(f"{file}#{row}" for file in source.files for row in range(IMAGES // 4)):
        source.read(path)


def by_copy(folder: Path, copies: Path) -> None:
    """Copy the tables as the library does, and read its copy row by row."""
    datasets = import_module("datasets")
    files = [str(file) for file in sorted(folder.iterdir())]
    rows = datasets.Dataset.from_parquet(files, cache_dir=str(copies))
    images = rows.select_columns(["image"]).with_format("arrow")
    for row in range(len(rows)):
        images[row].column(0).to_pylist()


def main() -> None:
    title(f"{IMAGES} images of {BYTES} bytes in Parquet tables, row groups of {GROUP}")
    with workplace() as place:
        (place / "tables").mkdir()
        folder, turn = write(place / "tables"), iter(range(99))
        before = tree_memory(os.getpid())
        with watching(os.getpid()) as peak:
            by_row_group(folder)
        value(
            "memory added, row groups of 384 MiB in it",
            (peak.size - before) / MIB,
            "MiB",
        )
        tasks = {"by row group": lambda: by_row_group(folder)}
        if find_spec("datasets"):
            tasks["by copy"] = lambda: by_copy(folder, place / f"copies{next(turn)}")
        seconds = alternately(3, tasks)
        value("an image, by row group", 1000 * min(seconds["by row group"]) / IMAGES, "ms")
        if "by copy" in seconds:
            ratio("a copy first / by row group", seconds["by copy"], seconds["by row group"])


if __name__ == "__main__":
    main()
