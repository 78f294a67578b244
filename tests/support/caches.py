"""Cache folders of tests' own."""

from __future__ import annotations

from pathlib import Path

from forenbench.files.places import cache_folder


def cache_with_sample(folder: Path) -> Path:
    """Put the sample dataset of the cache in use, if it is there, into a new one: it takes a minute to make.

    Returns:
        The folder, as XDG_CACHE_HOME wants it.
    """
    mine = folder / "forenbench"
    mine.mkdir(parents=True)
    for built in filter(Path.is_dir, cache_folder().glob("sample-*")):
        (mine / built.name).symlink_to(built.resolve())
    return folder
