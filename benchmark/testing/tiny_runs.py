"""A run of a few tiny images, for contracts that need rows."""

from __future__ import annotations

from pathlib import Path

from forenbench.perturbations import parse
from forenbench.plugins.loaded import LoadedDetector
from forenbench.records.store import Store
from forenbench.scoring.engines import EngineRequest, make_engine
from forenbench.scoring.outcome import Silent
from forenbench.scoring.plan import Job, RunSettings
from forenbench.scoring.runner import run
from forenbench.types import OWN

from .tiny import Brightness, write_tiny_dataset


class Darkness(Brightness):
    """Has it the wrong way round."""

    name = "darkness"
    threshold = -0.5

    def score(self, batch):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - as its base
        """Map (n, 1) to (n,)."""
        return -super().score(batch)


def tiny_detectors(device: str = "cpu") -> list[LoadedDetector]:
    """Make two detectors, as a run has them; picklable, so that engines can load them elsewhere."""
    return [LoadedDetector(detector, OWN) for detector in (Brightness(), Darkness())]


def tiny_run(folder: Path, engine: str = "local") -> Store:
    """Score the tiny dataset with two detectors under two perturbations.

    Args:
        folder: Empty, or with an earlier call's dataset; gets a run folder called like the engine.
        engine: What scores.
    """
    from forenbench.data.catalogue import open_dataset  # most contracts open no dataset

    data = folder / "tiny"
    if not data.exists():
        write_tiny_dataset(data)
    detectors = tiny_detectors()
    # A protocol that re-encodes files: an engine has to pass on what is done to them before a perturbation.
    opened = open_dataset(str(data), data_root=folder, protocol="cospy")
    jobs = [Job(one, detectors) for one in opened]
    store = Store(folder / engine)
    settings = RunSettings([parse("none"), parse("jpeg:50")])
    # Without readers: a few tiny files are read before a process has started.
    asked = EngineRequest(tiny_detectors(), tiny_detectors, "cpu", "fp32", 0, readers=0, address="local")
    with make_engine(engine, asked) as scoring:
        run(jobs, settings, store, scoring, Silent())
    return store
