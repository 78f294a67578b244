"""What a run is asked for, by its options or by a published table, and what of it can be had here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.data.sources.splits import chosen, split_of
from forenbench.errors import BenchError

from .requested import Files, load_detectors, open_weights

if TYPE_CHECKING:
    from forenbench.data.dataset import Dataset
    from forenbench.plugins.loaded import LoadedDetector
    from forenbench.plugins.own import OwnDetector
    from forenbench.types import Advance, Perturbation, TestSet

    from .plan import Job


@dataclass(frozen=True, slots=True)
class Request:
    """Detectors over test sets and perturbations.

    Attributes:
        detectors: As on the command line, or what a program hands over.
        datasets: The test sets wanted, by dataset; none named means all.
        perturbations: As on the command line.
        table: The published table that needs all this. Of such a request, what can be had is run and the
            rest is named; of any other, all must be there.
    """

    detectors: Sequence[str | OwnDetector]
    datasets: Mapping[str, list[str]]
    perturbations: Sequence[str]
    table: str = ""


@dataclass(frozen=True, slots=True)
class Means:
    """What a request is carried out with: the command's other options."""

    data_root: Path
    files: Files
    checkpoints: str
    device: str
    limit: int | None
    protocol: str
    split: str = ""
    places: Mapping[str, Path] = field(default_factory=dict)


@dataclass(slots=True)
class Gathered:
    """Jobs ready to run, the kind of each one's checkpoints, and what could not be had, in words."""

    jobs: list[Job] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    _digests: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def datasets(self) -> list[Dataset]:
        """List the datasets of the jobs."""
        return [job.dataset for job in self.jobs]

    def add(self, datasets: Iterable[Dataset], detectors: list[LoadedDetector], kind: str) -> None:
        """Add a job for each dataset, with those of its test sets that no earlier job has.

        Raises:
            BenchError: An earlier one has the same name and other images, so that rows would mix.
        """
        from .plan import Job

        for dataset in datasets:
            fresh = tuple(one for one in dataset.testsets if self._is_fresh(one))
            self.jobs.append(Job(replace(dataset, testsets=fresh), detectors))
            self.kinds.append(kind)

    def _is_fresh(self, testset: TestSet) -> bool:
        """Remember a test set; say whether it is new."""
        place = testset.dataset, testset.name
        if place not in self._digests:
            self._digests[place] = testset.digest
            return True
        if self._digests[place] != testset.digest:
            raise BenchError(
                f"two datasets are called '{testset.dataset}' and differ in test set '{testset.name}'; "
                "rename the folder of one, or run them one by one"
            )
        return False


def parse_perturbations(request: Request) -> list[Perturbation]:
    """Parse the perturbations and suites of them, each distinct one once."""
    from forenbench.perturbations import parse_all

    found = parse_all(request.perturbations)
    if not found:
        raise BenchError("--perturbations names none; write 'none' for the images as they are")
    return found


def joint_name(datasets: Iterable[str]) -> str:
    """Name what rests on several datasets by all their names."""
    from forenbench.data.requests import find_spec

    return "+".join(find_spec(name).name for name in datasets)


def run_folder(name: str, protocol: str, limit: int | None, split: str = "", precision: str = "fp32") -> Path:
    """Name the run folder of one or several datasets.

    A run over some of the files, or over a split that was named, or of less precision, has a folder of its
    own, so that it never displaces a whole one.
    """
    protocols = [] if protocol == "all" else [protocol]
    limits = [] if limit is None else [f"limit{limit}"]
    less = [] if precision == "fp32" else [precision]
    splits = [split_of(split) or split] if split else []
    return Path("results/runs") / "-".join([name, *protocols, *limits, *splits, *less])


def gather(request: Request, means: Means, advance: Advance) -> Gathered:
    """Load the detectors and open the datasets.

    Raises:
        BenchError: Something is not there; for a published table, if nothing can be run at all.
    """
    if request.table:
        return _gather_available(request, means, advance)
    from forenbench.data.requests import find_spec

    kinds = {name: means.checkpoints or find_spec(name).checkpoints for name in request.datasets}
    loaded = {
        kind: load_detectors(request.detectors, kind, means.files, means.device)
        for kind in dict.fromkeys(kinds.values())
    }
    gathered = Gathered()
    for name in request.datasets:
        gathered.add(_open(name, request, means, gathered, advance), loaded[kinds[name]], kinds[name])
    return gathered


def reloading(request: Request, means: Means, gathered: Gathered) -> Callable[[str], list[LoadedDetector]]:
    """Say how another process, on this or another machine, loads the detectors of all jobs on a device."""
    files = replace(means.files, pairs=[_absolute(pair) for pair in means.files.pairs])
    detectors = [
        str(Path(one).resolve()) if isinstance(one, str) and one.endswith(".py") else one
        for one in request.detectors
    ]
    return partial(_reload, detectors, tuple(gathered.kinds), files)


def _reload(
    detectors: Sequence[str | OwnDetector], kinds: Sequence[str], files: Files, device: str
) -> list[LoadedDetector]:
    """Load the detectors of each job, job after job."""
    from forenbench.plugins.loading import load_available

    loaded = {
        kind: load_available(detectors, open_weights(kind, files, device))[0] for kind in dict.fromkeys(kinds)
    }
    return [one for kind in kinds for one in loaded[kind]]


def _absolute(pair: str) -> str:
    """Make the path of NAME=PATH one that holds in any folder."""
    name, _, path = pair.partition("=")
    return f"{name}={Path(path).expanduser().resolve()}"


def _gather_available(request: Request, means: Means, advance: Advance) -> Gathered:
    """Gather what of a published table can be run here."""
    from forenbench.data.finding import MissingDataset
    from forenbench.plugins.loading import load_available

    kind = means.checkpoints or "published"
    loaded, missing = load_available(request.detectors, open_weights(kind, means.files, means.device))
    gathered = Gathered(absent=missing)
    for name in request.datasets:
        try:
            gathered.add(_open(name, request, means, gathered, advance), loaded, kind)
        except MissingDataset as error:
            gathered.absent.append(str(error))
    if not (loaded and gathered.jobs):
        raise BenchError(
            f"nothing of table '{request.table}' can be run here:\n" + "\n".join(gathered.absent)
        )
    return gathered


def _open(name: str, request: Request, means: Means, gathered: Gathered, advance: Advance) -> list[Dataset]:
    """Open one dataset, or the several that a suite selects from; note the test sets that are not there."""
    from forenbench.data.catalogue import open_dataset

    wanted = request.datasets[name]
    opened = open_dataset(
        name,
        data_root=means.data_root,
        generators=wanted,
        limit=means.limit,
        protocol=means.protocol,
        splits=chosen(means.split),
        places=means.places,
        advance=advance,
    )
    found = {testset.name for one in opened for testset in one.testsets}
    gathered.absent += [f"test set '{name}/{one}': not in the data" for one in wanted if one not in found]
    return opened
