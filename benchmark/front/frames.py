"""Images that a program lists, in a frame or as pairs: kept as a manifest, so that they are found again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from forenbench.data.sources.table_files import write_rows
from forenbench.errors import BenchError

Pairs: TypeAlias = Sequence[tuple[str | PathLike[str], object]]
NAME = "images"
"""What tables call a list of images that has no name."""


def as_listed(data: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a program hands over
    """Return lists of images by name; none where names or paths of datasets are given."""
    if isinstance(data, Mapping):
        return {str(name): listed for name, listed in data.items()}
    is_list = isinstance(data, Sequence) and not isinstance(data, str)
    # A list of paths is one of datasets, a list of tuples one of images; a tuple of two paths is the former.
    is_pairs = is_list and all(isinstance(one, tuple | list) for one in data)
    return {NAME: data} if is_pairs or isinstance(data, pd.DataFrame) else {}


@contextmanager
def keeping(listed: Mapping[str, pd.DataFrame | Pairs], folder: Path | None) -> Iterator[list[str]]:
    """Write a manifest of each list into a run folder (see `keep`), which may be None where there is no list.

    Nothing is left of them where no row came of it.
    """
    files: list[Path] = []
    if not listed or folder is None:
        yield []
        return
    try:
        for name, images in listed.items():
            files.append(keep(name, images, folder))
        yield [str(file) for file in files]
    except BaseException:  # Ctrl-C, too: a folder with a list and no rows would pass for a run
        if not (folder / "scores").is_dir():
            for file in files:
                file.unlink(missing_ok=True)
            with suppress(OSError):  # others are in it
                (folder / "datasets").rmdir()
                folder.rmdir()
        raise


def keep(name: str, listed: pd.DataFrame | Pairs, folder: Path) -> Path:
    """Write a dataset's manifest into a run folder; its paths begin where the program runs.

    Raises:
        BenchError: The name cannot be a file's, or the manifest cannot be written.
    """
    if name != Path(name).name or not name.isprintable():
        raise BenchError(f"dataset name {name!r} cannot be a file's: use letters, digits, '-' and '_'")
    frame = (
        listed if isinstance(listed, pd.DataFrame) else pd.DataFrame(list(listed), columns=["path", "label"])
    )
    columns = [str(column) for column in frame.columns]
    rows = []
    for values in frame.itertuples(index=False):
        row = {}
        for column, value in zip(columns, values, strict=True):
            # Python's None, pandas' NA, and NaN, which alone differs from itself, are an empty cell.
            is_missing = value is None or value is pd.NA or value != value
            row[column] = "" if is_missing else str(fspath(value) if isinstance(value, PathLike) else value)
        # Absolute: the manifest lies in the run folder, and readers take paths as relative to it.
        row["location"] = str(Path.cwd() / row.get("location", ""))
        rows.append(row)
    file = folder / "datasets" / f"{name}.csv"
    write_rows(file, [*dict.fromkeys([*columns, "location"])], rows)
    return file
