"""A replica: a run's detectors on one node of a cluster, and the check that they are the run's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

import torch

from forenbench.errors import BenchError
from forenbench.files.sealed import from_arrow, to_arrow
from forenbench.plugins.loaded import LoadedDetector
from forenbench.records.environment import versions
from forenbench.records.rows import as_arrow, result_schema
from forenbench.scoring.batches import CellColumns, CellIndex, CellResults
from forenbench.scoring.budget import BUDGET, Budget, guesses
from forenbench.scoring.features import user_cache
from forenbench.scoring.kept_memory import keeping_memory
from forenbench.scoring.lineup import Lineup
from forenbench.scoring.numerics import Numerics
from forenbench.scoring.pipeline import Scorer
from forenbench.scoring.plan import Shard
from forenbench.scoring.preparing import Reader
from forenbench.types import Source

from .replicas import Lost

Load = Callable[[str], list[LoadedDetector]]
"""Makes the run's detectors on a device, on whatever node it is called."""
Identity = tuple[str, str, dict[str, str]]


class Setup(NamedTuple):
    """What a replica is made of.

    Attributes:
        load: Makes its detectors.
        lineup_without_detectors: What they are run under.
        sources: Where the shards' files are, by the index in their requests.
        numerics: Its device and precision.
        features: Bytes of encoders' features that its node may keep.
        threads: That it computes with.
        expected: The detectors of the driver.
        versions: Of the driver's packages.
    """

    load: Load
    lineup_without_detectors: Lineup
    sources: Sequence[Source]
    numerics: Numerics
    features: int
    threads: int
    expected: Sequence[Identity]
    versions: Mapping[str, str]


class Sent(NamedTuple):
    """A shard's results on their way to the driver: sealed Arrow, for objects take a hundred times as long.

    Attributes:
        cells: Whose they are.
        columns: One batch of columns for each.
        notes: The replica's, so far.
    """

    cells: Sequence[CellIndex]
    columns: bytes
    notes: Sequence[str]

    @classmethod
    def of(cls, scored: CellResults, notes: Iterable[str]) -> Sent:
        """Pack results."""
        return cls(tuple(scored), to_arrow(map(as_arrow, scored.values()), result_schema()), tuple(notes))

    def open(self) -> CellColumns:
        """Unpack them.

        Raises:
            Lost: They are not what was packed.
        """
        try:
            return dict(zip(self.cells, from_arrow(self.columns), strict=True))
        except ValueError as error:
            raise Lost("what it sent arrived damaged") from error


class Replica:
    """Detectors on one node; may be called by several threads, of which one scores while others read."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.notes: list[str] = []
        self.turn = threading.Lock()
        self.lasting = ExitStack()  # what holds for as long as this replica lives

    def ready(self) -> None:
        """Load everything; what cannot be had is raised here, where it reaches the driver.

        Raises:
            BenchError: The node has other packages, detectors or weights than the driver.
        """
        setup = self.setup
        compare_versions(versions(), setup.versions)
        torch.set_num_threads(setup.threads)  # as in the driver: rounding depends on it
        loaded = setup.load(setup.numerics.device)
        # A file of a detector, or a checkpoint, may be another one on this node though it has the same path.
        found = [identity(detector) for detector in loaded]
        for expected in setup.expected:
            if expected not in found:
                same = [other for other in found if other[0] == expected[0]] or "nothing of that name"
                raise BenchError(f"a node lacks a detector of the run: it has {same}, not {expected}")
        chosen = setup.lineup_without_detectors
        lineup = Lineup([one.detector for one in loaded], chosen.perturbations, chosen.seed)
        self.scorer = Scorer(lineup, setup.numerics, user_cache(setup.features), self.notes.append)
        self.reader = Reader.of(lineup, setup.sources)
        self.budget = Budget(BUDGET, guesses(lineup.detectors))
        self.lasting.enter_context(keeping_memory(setup.numerics.device))

    def score(self, shard: Shard) -> Sent:
        """Score a shard; reads while another call scores."""
        scored: CellResults = {}
        for request in (piece for whole in shard.requests for piece in self.budget.cut(whole)):
            # No limit of time holds here: this thread reads beside others that score, and the alarm of
            # `forenbench.scoring.patience` would end them all.
            batch = self.reader[request]
            self.budget.learn(batch)
            # One at a time: networks are not made for several threads, and would share the memory.
            with self.turn:
                for index, results in self.scorer.score(batch, shard.todo).items():
                    scored.setdefault(index, []).extend(results)
        return Sent.of(scored, self.notes)


def identity(loaded: LoadedDetector) -> Identity:
    """Say what a detector is, for comparison between machines."""
    return loaded.name, f"{loaded.detector.version} {loaded.code}", dict(loaded.checkpoints)


def compare_versions(found: Mapping[str, str], expected: Mapping[str, str]) -> None:
    """Refuse a node whose packages would make other rows than those of the driver."""
    unlike = [
        f"{name} {found.get(name, 'absent')} instead of {expected.get(name, 'absent')}"
        for name in sorted({*found, *expected})
        if found.get(name) != expected.get(name)
    ]
    if unlike:
        raise BenchError(f"node {socket.gethostname()} has {', '.join(unlike)}")
