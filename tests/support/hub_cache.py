"""Models in the cache of the hub's library, as a download leaves them there."""

from __future__ import annotations

from pathlib import Path


def in_hub_cache(folder: Path, repository: str) -> Path:
    """Make the place for a model's files in `folder`/cache."""
    model = folder / "cache" / f"models--{repository.replace('/', '--')}"
    (model / "refs").mkdir(parents=True)
    (model / "refs/main").write_text("0" * 40)
    snapshot = model / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    return snapshot
