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
    spec = specs()["sample"]
    name = f"{spec.name}-{spec.version}"
    place = (cache_folder() / name).resolve()
    if otherwise and not (place / spec.folder).is_dir():
        place = otherwise
        place.mkdir(exist_ok=True)
    if place.is_dir():
        (mine / name).symlink_to(place)
        if not (place / spec.folder).is_dir():
            # One lock by several names: of caches that share the place, one makes what the others wait for.
            lock = place.with_name(f"{place.name}.lock")
            lock.touch()
            (mine / f"{name}.lock").hardlink_to(lock)
    return folder
