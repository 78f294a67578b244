"""Settings for the whole suite."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import normals
import numpy as np
import pytest
import torch
from caches import cache_with_sample
from hypothesis import settings
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from forenbench.metrics.metric_catalogue import METRICS

settings.register_profile(
    "forenbench",
    deadline=None,  # a loaded machine is no defect
    derandomize="CI" in os.environ,  # new examples are looked for where somebody can look at what they find
)
settings.load_profile("forenbench")
# A shell starts what it has in the background without Ctrl-C, which tests wait for.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_by_processes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that pytest's processes share."""
    place = tmp_path_factory.getbasetemp()
    return place.parent if "PYTEST_XDIST_WORKER" in os.environ else place


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, shared_by_processes: Path) -> Iterator[None]:
    """Hide the user's checkpoints from the tests; of the cache, only the sample dataset is shared."""
    own = cache_with_sample(tmp_path_factory.mktemp("cache"), otherwise=shared_by_processes / "sample")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "XDG_CACHE_HOME", str(own))
        patch.delenv("FORENBENCH_WEIGHTS", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _formula_weights_are_drawn_once(shared_by_processes: Path) -> Iterator[None]:
    """Have pytest's processes share the numbers that formula weights are made of."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normals, "folder", shared_by_processes)
        yield


@pytest.fixture(scope="session", autouse=True)
def _dead_readers_are_missed_soon() -> Iterator[None]:
    """Have PyTorch look twice a second whether readers live: of itself it does so every five seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_MultiProcessingDataLoaderIter._try_get_data, "__defaults__", (0.5,))
        yield


@pytest.fixture(autouse=True)
def _the_same_in_any_order(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Seed what a test draws, and forget what it imported from folders of tests: another has the same names.

    Which tests ran before in a process depends on the machine.
    """
    random.seed(0)
    np.random.seed(0)
    torch.default_generator.manual_seed(0)  # `torch.manual_seed` asks all devices, which takes a millisecond
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if (vars(sys.modules[name]).get("__file__") or "").startswith(str(tmp_path_factory.getbasetemp())):
            del sys.modules[name]


@pytest.fixture
def _own_metrics() -> Iterator[None]:
    """Take the metrics out again that a test adds: tests share a process, and with it the catalogue."""
    before = dict(METRICS)
    yield
    METRICS.clear()
    METRICS.update(before)
