"""What a run is asked for, by its options or by a published table, and what of it can be had here.

Imports stand inside functions where they would make a command that only looks something up load torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.data.sources.splits import chosen, split_of
from forenbench.errors import BenchError

from .requested import Files, open_weights

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
        detectors: Names, variants and files, as on the command line; or objects that a program hands over.
        datasets: The test sets wanted, by dataset; none named means all.
        perturbations: As on the command line.
        table: The published table that needs all this. Of such a request, what can be had is run and the
            rest is named; of any other, all must be there but for the weights of a line-up's detectors.
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

    def open(self, name: str, testsets: list[str], advance: Advance) -> list[Dataset]:
        """Open one dataset, or the several of a suite, with those of the test sets named that are there.

        Raises:
            MissingDataset: Its files are not here.
            BenchError: It cannot be read.
        """
        from forenbench.data.catalogue import open_dataset

        return open_dataset(
            name,
            data_root=self.data_root,
            generators=testsets,
            limit=self.limit,
            protocol=self.protocol,
            splits=chosen(self.split),
            places=self.places,
            advance=advance,
        )


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
            self.jobs.append(Job(replace(dataset, testsets=tuple(fresh)), detectors))
            self.kinds.append(kind)


def parse_perturbations(request: Request) -> list[Perturbation]:
    """Parse the perturbations and suites of them, each distinct one once."""
    from forenbench.perturbations import parse_all

    found = parse_all(request.perturbations)
    if not found:
        raise BenchError("no perturbation is named; write 'none' for the images as they are")
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
    from forenbench.data.finding import MissingDataset
    from forenbench.data.requests import find_spec
    from forenbench.plugins.loading import load_available
    from forenbench.weights import MissingWeights

    if request.table:
        kinds = dict.fromkeys(request.datasets, means.checkpoints or "published")
    else:
        kinds = {name: means.checkpoints or find_spec(name).checkpoints for name in request.datasets}
    gathered = Gathered()
    loaded: dict[str, list[LoadedDetector]] = {}
    # Once for each kind of checkpoints: a network may take gigabytes, and datasets mostly want one kind.
    for kind in dict.fromkeys(kinds.values()):
        weights = open_weights(kind, means.files, means.device)
        loaded[kind], absent = load_available(request.detectors, weights)
        # Of a published table, or of a line-up, is run what has its weights here.
        needed = [one.lack for one in absent if one.is_needed and not request.table]
        if needed:
            raise MissingWeights("\n".join(needed))
        gathered.absent += [one.lack for one in absent]
    for name, kind in kinds.items():
        wanted = request.datasets[name]
        try:
            opened = means.open(name, wanted, advance)
        except MissingDataset as error:
            if not request.table:
                raise
            gathered.absent.append(str(error))
            continue
        gathered.add(opened, loaded[kind], kind)
        found = {testset.name for dataset in opened for testset in dataset.testsets}
        for testset in wanted:
            if testset not in found:
                gathered.absent.append(f"test set '{name}/{testset}': not in the data")
    if gathered.absent and not (any(loaded.values()) and gathered.jobs):
        what = f"of table '{request.table}' " if request.table else ""
        raise BenchError(f"nothing {what}can be run here:\n" + "\n".join(gathered.absent))
    return gathered


def reloading(request: Request, means: Means, gathered: Gathered) -> Callable[[str], list[LoadedDetector]]:
    """Say how another process, on this or another machine, loads the detectors of all jobs on a device."""
    from forenbench.plugins.prefixed import absolute

    # That process may be started in another folder, so paths are made absolute here.
    pairs = []
    for pair in means.files.pairs:
        checkpoint, _, path = pair.partition("=")
        pairs.append(f"{checkpoint}={Path(path).expanduser().resolve()}")
    detectors = [absolute(name) if isinstance(name, str) else name for name in request.detectors]
    # A partial of a module's function, for a closure could not be pickled.
    return partial(_reload, detectors, tuple(gathered.kinds), replace(means.files, pairs=pairs))


def _reload(
    detectors: Sequence[str | OwnDetector], kinds: Sequence[str], files: Files, device: str
) -> list[LoadedDetector]:
    """Load the detectors of each job, job after job."""
    from forenbench.plugins.loading import load_available

    # What a published table lacks here it lacked there, too; that the rest is the same is checked by whoever
    # compares the result with its own detectors (see `forenbench.scoring.engines.replica`).
    loaded = {
        kind: load_available(detectors, open_weights(kind, files, device))[0] for kind in dict.fromkeys(kinds)
    }
    return [detector for kind in kinds for detector in loaded[kind]]
