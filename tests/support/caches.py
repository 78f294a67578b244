"""Cache folders of tests' own."""

from __future__ import annotations

from pathlib import Path

from forenbench.data.descriptions import specs
from forenbench.files.places import cache_folder


def cache_with_sample(folder: Path, otherwise: Path | None = None) -> Path:
    """Put the sample dataset of the cache in use, if it is there, into a new one: it takes a minute to make.

    Args:
        folder: The new cache's.
        otherwise: Where it is made, once, when a test asks for it and it is not there.

    Returns:
        The folder, as XDG_CACHE_HOME wants it.
    """
    mine = folder / "forenbench"
    mine.mkdir(parents=True)
    name = f"sample-{specs()['sample'].version}"
    built = cache_folder() / name
    if otherwise and not built.is_dir():
        built = otherwise
        built.mkdir(exist_ok=True)
    if built.is_dir():
        (mine / name).symlink_to(built.resolve())
    return folder
