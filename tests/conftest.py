"""Settings for the whole suite."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from forenbench.files.places import cache_folder
from forenbench.metrics.metric_catalogue import METRICS

settings.register_profile("forenbench", deadline=None)  # a loaded machine is no defect
settings.load_profile("forenbench")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the user's checkpoints from the tests; of the cache, only the sample dataset is shared."""
    mine = tmp_path_factory.mktemp("cache") / "forenbench"
    mine.mkdir()
    for built in filter(Path.is_dir, cache_folder().glob("sample-*")):
        (mine / built.name).symlink_to(built)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "XDG_CACHE_HOME", str(mine.parent))
        patch.delenv("FORENBENCH_WEIGHTS", raising=False)
        yield


@pytest.fixture
def _own_metrics() -> Iterator[None]:
    """Take the metrics out again that a test adds: tests share a process, and with it the catalogue."""
    before = dict(METRICS)
    yield
    METRICS.clear()
    METRICS.update(before)
