"""What of a request can be had here: detectors loaded, datasets opened.

Imports stand inside functions where they would make a command that only looks something up load torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.errors import BenchError, NotHere

from .requested import open_weights
from .run_request import Means, Portion, Request

if TYPE_CHECKING:
    from forenbench.data.dataset import Dataset
    from forenbench.plugins.loaded import LoadedDetector
    from forenbench.plugins.network_room import Room
    from forenbench.types import Advance, TestSet

    from .plan import Job


@dataclass(slots=True)
class Gathered:
    """Jobs ready to run, and what could not be had.

    Attributes:
        request: What it was gathered for.
        jobs: One a dataset.
        absent: What could not be had, in words.
        kinds: Of checkpoints, one a job.
        loaded: The detectors, by kind; if there are several rounds, stand-ins for them.
    """

    request: Request
    jobs: list[Job] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    loaded: dict[str, list[LoadedDetector]] = field(default_factory=dict)
    _digests: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def datasets(self) -> list[Dataset]:
        """List the datasets of the jobs."""
        return [job.dataset for job in self.jobs]

    @property
    def rounds(self) -> int:
        """Say how many there are: in each score the detectors that fit into memory together."""
        return 1 + max((one.round for some in self.loaded.values() for one in some), default=0)

    def load_round(self, number: int, means: Means) -> Gathered:
        """Load a round's detectors alone, for datasets that are open already.

        Raises:
            BenchError: One can no longer be loaded.
        """
        portions = {}
        for kind, loaded in self.loaded.items():
            places = [place for place, one in enumerate(loaded) if one.round == number]
            requests = dict.fromkeys(loaded[place].request for place in places)
            portions[kind] = Portion(min(places, default=0), tuple(requests))
        found = _load(replace(self.request, portions=portions), self.kinds, means)
        found.kinds = self.kinds
        found.jobs = [
            replace(job, detectors=found.loaded[kind], first=portions[kind].first)
            for job, kind in zip(self.jobs, self.kinds, strict=True)
        ]
        return found

    def add(self, datasets: Iterable[Dataset], kind: str) -> None:
        """Add a job for each dataset, with those of its test sets that no earlier job has.

        Raises:
            BenchError: An earlier one has the same name and other images, so that rows would mix.
        """
        from .plan import Job

        for dataset in datasets:
            fresh: list[TestSet] = []
            for testset in dataset.testsets:
                # Suites overlap, and a cell is stored under these names: a test set that is here already is
                # scored once, but one with the same names and other images would displace its rows.
                names = testset.dataset, testset.name
                if names not in self._digests:
                    self._digests[names] = testset.digest
                    fresh.append(testset)
                elif self._digests[names] != testset.digest:
                    raise BenchError(
                        f"two datasets are called '{testset.dataset}' and differ in test set "
                        f"'{testset.name}'; rename the folder of one, or run them one by one"
                    )
            first = self.request.portions[kind].first if kind in self.request.portions else 0
            self.jobs.append(Job(replace(dataset, testsets=tuple(fresh)), self.loaded[kind], first))
            self.kinds.append(kind)


def kinds_of(request: Request, means: Means) -> dict[str, str]:
    """Say with which kind of checkpoints each dataset is scored, where detectors do not say it."""
    from forenbench.data.requests import find_spec

    if request.table:
        return dict.fromkeys(request.datasets, means.checkpoints or "published")
    return {name: means.checkpoints or find_spec(name, means.rules).checkpoints for name in request.datasets}


def gather(request: Request, means: Means, advance: Advance, room: Room | None = None) -> Gathered:
    """Load the detectors and open the datasets.

    Args:
        request: What is wanted.
        means: What it is carried out with.
        advance: Told of files that are made or read.
        room: What networks have in memory. Where it is not enough for all at once, each is loaded once and
            let go again, so that what a run of hours needs is seen now: see `Gathered.load_round`.

    Raises:
        BenchError: Something is not there; for a published table, if nothing can be run at all.
    """
    from forenbench.data.finding import MissingDataset

    kinds = kinds_of(request, means)
    gathered = _load(request, kinds.values(), means, room)
    for name, kind in kinds.items():
        wanted = request.datasets[name]
        try:
            opened = means.open(name, wanted, advance)
        except MissingDataset as error:
            if not request.table:
                raise
            gathered.absent.append(str(error))
            continue
        gathered.add(opened, kind)
        found = {testset.name for dataset in opened for testset in dataset.testsets}
        for testset in wanted:
            if testset not in found:
                gathered.absent.append(f"test set '{name}/{testset}': not in the data")
    if gathered.absent and not (any(gathered.loaded.values()) and gathered.jobs):
        what = f"of table '{request.table}' " if request.table else ""
        raise BenchError(f"nothing {what}can be run here:\n" + "\n".join(gathered.absent))
    return gathered


def _load(request: Request, kinds: Iterable[str], means: Means, room: Room | None = None) -> Gathered:
    """Load the detectors, with each kind of checkpoints.

    Raises:
        BenchError: One cannot be loaded that has to be there.
    """
    from forenbench.plugins.loading import load_available
    from forenbench.plugins.network_room import Room

    gathered, room = Gathered(request), room or Room()
    # Once for each kind of checkpoints: a network may take gigabytes, and datasets mostly want one kind.
    for kind in dict.fromkeys(kinds):
        wanted = request.portions[kind].requests if request.portions else request.detectors
        if request.portions and not wanted:  # none of this kind in this round
            gathered.loaded[kind] = []
            continue
        loaded, absent = load_available(wanted, open_weights(kind, means.files, means.device), room)
        # Of a published table, or of a line-up, is run what has here what it needs.
        needed = [one.lack for one in absent if one.is_needed and not request.table]
        if needed:
            raise NotHere("\n".join(needed))
        gathered.loaded[kind] = loaded
        gathered.absent += [one.brief for one in absent]
    if room.round:  # the last round's networks, too: they are loaded again when it is their turn
        gathered.loaded = {kind: [one.let_go() for one in some] for kind, some in gathered.loaded.items()}
    return gathered


def reloading(gathered: Gathered, means: Means) -> Callable[[str], list[LoadedDetector]]:
    """Say how another process, on this or another machine, loads the detectors of all jobs on a device."""
    from forenbench.plugins.prefixed import absolute

    # That process may be started in another folder, so paths are made absolute here.
    pairs = []
    for pair in means.files.pairs:
        checkpoint, _, path = pair.partition("=")
        pairs.append(f"{checkpoint}={Path(path).expanduser().resolve()}")
    portions = {
        kind: Portion(
            0, [absolute(one.request) if isinstance(one.request, str) else one.request for one in some]
        )
        for kind, some in gathered.loaded.items()
    }
    # A partial of a module's function, for a closure could not be pickled. Of a request only what is loaded.
    request = Request((), {}, (), portions=portions)
    return partial(
        _reload, request, tuple(gathered.kinds), replace(means, files=replace(means.files, pairs=pairs))
    )


def _reload(request: Request, kinds: Sequence[str], means: Means, device: str) -> list[LoadedDetector]:
    """Load the detectors of each job, job after job."""
    loaded = _load(request, kinds, replace(means, device=device)).loaded
    return [detector for kind in kinds for detector in loaded[kind]]
