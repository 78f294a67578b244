"""Where files of the user lie on this machine."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Return the user's cache folder for this package, whether it is there or not."""
    return user_cache_path("forenbench")
