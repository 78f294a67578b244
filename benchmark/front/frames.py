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
    is_pairs = is_list and all(isinstance(one, tuple | list) for one in data)
    return {NAME: data} if is_pairs or isinstance(data, pd.DataFrame) else {}


@contextmanager
def keeping(listed: Mapping[str, pd.DataFrame | Pairs], folder: Path) -> Iterator[list[str]]:
    """Write a manifest of each list into a run folder; nothing is left of them where no row came of it.

    Raises:
        BenchError: See `keep`.
    """
    files: list[Path] = []
    try:
        for name, images in listed.items():
            files.append(keep(name, images, folder))
        yield [str(file) for file in files]
    except BaseException:
        if not (folder / "scores").is_dir():
            for file in files:
                file.unlink(missing_ok=True)
            with suppress(OSError):  # others are in it
                (folder / "datasets").rmdir()
                folder.rmdir()
        raise


def keep(name: str, listed: pd.DataFrame | Pairs, folder: Path) -> Path:
    """Write a manifest of listed images into a run folder; paths in it begin where the program runs.

    Args:
        name: Of the dataset.
        listed: Columns ``path`` and ``label``, others as in a manifest; or pairs of both.
        folder: The run folder.

    Raises:
        BenchError: The name cannot be a file's, or the manifest cannot be written.
    """
    if name != Path(name).name or not name.isprintable():
        raise BenchError(f"dataset name {name!r} cannot be a file's: use letters, digits, '-' and '_'")
    frame = (
        listed if isinstance(listed, pd.DataFrame) else pd.DataFrame(list(listed), columns=["path", "label"])
    )
    columns = [str(column) for column in frame.columns]
    rows = [dict(zip(columns, map(_text, row), strict=True)) for row in frame.itertuples(index=False)]
    here = Path.cwd()
    for row in rows:
        row["location"] = str(here / row.get("location", ""))
    file = folder / "datasets" / f"{name}.csv"
    write_rows(file, [*dict.fromkeys([*columns, "location"])], rows)
    return file


def _text(value: Any) -> str:  # noqa: ANN401 - whatever a frame holds
    """Spell a value as manifests do; what is missing is empty."""
    if isinstance(value, PathLike):
        return str(fspath(value))
    return "" if value is None or value is pd.NA or value != value else str(value)
