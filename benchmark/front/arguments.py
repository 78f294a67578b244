"""Keywords that functions of the front door share, each declared, explained and read once.

A function takes them as ``**options: Unpack[…]`` (PEP 692): type checkers know every one of them by name and
type. `forenbench.front.keywords.taking` shows them in its signature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypedDict

from forenbench.data.descriptions import check_places
from forenbench.data.sources.splits import chosen
from forenbench.scoring.devices import choose_device
from forenbench.scoring.requested import Files
from forenbench.scoring.run_request import Means, run_folder
from forenbench.scoring.working import EngineChoice
from forenbench.types import Advance

from .rule_options import RuleChoice, RuleOptions
from .rule_options import several as several

if TYPE_CHECKING:
    from forenbench.data.dataset import Dataset
    from forenbench.tables.required import Limits

PathName: TypeAlias = str | PathLike[str]
WeightFiles: TypeAlias = Mapping[str, PathName] | Sequence[str]
"""The user's checkpoint files, by name, or as NAME=PATH."""


class ImageOptions(RuleOptions, total=False):
    """Which images of datasets count, and where they are; options of several functions, as `RuleOptions`.

    Attributes:
        generators: Only these test sets.
        protocol: Which files count, and what is done to them first: "all" (by default), "dda", and others
            that ``bench list protocols`` shows.
        split: Which split counts: test, val, train or all; by default test, else val, else train.
        limit: At most so many images of each label and test set.
        listed: A table of paths (perhaps with their sha256): of the dataset's files, these alone count.
        data_root: Where downloaded datasets lie; by default ``data``.
        places: Where datasets lie that are not there, by name.
    """

    generators: str | Sequence[str]
    protocol: str
    split: str
    limit: int | None
    listed: PathName | None
    data_root: PathName
    places: Mapping[str, PathName] | None


class LoadOptions(TypedDict, total=False):
    """How detectors are loaded, and where they compute: options of `evaluate` and `score`.

    Attributes:
        checkpoints: "published" or "sample", of detectors without an @; by default sample on the sample
            dataset, else published.
        weights: The user's checkpoint files, by name, or as NAME=PATH.
        unverified: Take weights of another sha256 than the published one; tables say so.
        allow_network: Let detectors that state ``network = True`` send images to the services they ask.
        device: "auto" (a GPU if there is one), "cpu", "cuda:1", "mps". For `evaluate` also several with
            commas between, each with a process of its own: a script then needs
            ``if __name__ == "__main__":``.
    """

    checkpoints: str
    weights: WeightFiles
    unverified: bool
    allow_network: bool
    device: str


class RunOptions(ImageOptions, LoadOptions, total=False):
    """How a run is made; options of `evaluate`, beside those of `ImageOptions` and `LoadOptions`.

    Attributes:
        seed: Of random perturbations.
        trained_on: What weights that are not the published ones have seen, as test sets are called.
        precision: "fp32" (by default), "tf32" or "bf16".
        keep_going: Try detectors that fail on everything on the rest, too.
        readers: Processes that read files; by default as many as help.
        feature_cache: Room for features of encoders: "20GB"; "0": keep none.
        engine: "local", "ray" (replicas on a Ray cluster), or one that a package adds.
        address: Of the Ray cluster; "local" starts one on this machine.
        replica_cpus: Cores of each replica on the cluster; by default one a thread.
        fail_below: How low metrics may be, by name: ``{"ap": 0.9}`` in each cell, ``{"mean:ap": 0.9}`` in
            each detector's mean over test sets. A lower value, or none, raises `RequirementMissed` once all
            is scored and written.
        fail_above: How high those may be of which lower is better: ``{"ece": 0.1}``.
    """

    seed: int
    trained_on: str | Sequence[str]
    precision: str
    keep_going: bool
    readers: int | None
    feature_cache: str
    engine: str
    address: str
    replica_cpus: int | None
    fail_below: Limits
    fail_above: Limits


# None of these has slots: a class with slots cannot have two such bases.
@dataclass(frozen=True, kw_only=True)
class ImageChoice(RuleChoice):
    """`ImageOptions` with their defaults, and what is made of them."""

    generators: str | Sequence[str] = ()
    protocol: str = "all"
    split: str = ""
    limit: int | None = None
    listed: PathName | None = None
    data_root: PathName = "data"
    places: Mapping[str, PathName] | None = None

    @property
    def paths(self) -> dict[str, Path]:
        """Where datasets lie, by name.

        Raises:
            BenchError: One is no described dataset, or nothing is there.
        """
        return check_places({name: Path(path) for name, path in (self.places or {}).items()})

    @property
    def list_file(self) -> Path | None:
        """The table of the files that count, if one is asked for."""
        return Path(self.listed) if self.listed else None

    @property
    def takes_all(self) -> bool:
        """Whether no image is left out, but for those of another split than the one that is scored."""
        return not (self.generators or self.split or self.limit or self.listed) and self.protocol == "all"

    def open(self, dataset: str, advance: Advance) -> list[Dataset]:
        """Open a dataset (see `forenbench.data.catalogue.open_dataset`)."""
        # Not at the top: commands import this module for its words, and one that is asked for its help should
        # not load what reads images.
        from forenbench.data.catalogue import open_dataset

        return open_dataset(
            dataset,
            data_root=Path(self.data_root),
            generators=several(self.generators),
            limit=self.limit,
            protocol=self.protocol,
            splits=chosen(self.split),
            places=self.paths,
            rules=self.rules,
            listed=self.list_file,
            advance=advance,
        )

    def means(self, files: Files, checkpoints: str) -> Means:
        """Say what a run over these images is carried out with; the evaluation chooses its device.

        Args:
            files: Which weights files are taken.
            checkpoints: "published" or "sample"; empty: as goes with the dataset.
        """
        choice = (self.limit, self.protocol, self.split, self.paths, self.rules, self.list_file)
        return Means(Path(self.data_root), files, checkpoints, "", *choice)

    def folder(self, name: str) -> Path:
        """Name the run folder for rows of these images."""
        reals = str(self.reals)
        return run_folder(name, self.protocol, self.limit, self.split, listed=self.list_file, reals=reals)


@dataclass(frozen=True, kw_only=True)
class LoadChoice:
    """`LoadOptions` with their defaults, and what is made of them."""

    checkpoints: str = ""
    weights: WeightFiles = ()
    unverified: bool = False
    allow_network: bool = False
    device: str = "auto"

    @property
    def files(self) -> Files:
        """Which weights files are taken."""
        return Files(pairs(self.weights), self.unverified, allow_network=self.allow_network)


@dataclass(frozen=True, kw_only=True)
class RunChoice(ImageChoice, LoadChoice):
    """`RunOptions` with their defaults, and what is made of them."""

    seed: int = 0
    trained_on: str | Sequence[str] = ()
    precision: str = "fp32"
    keep_going: bool = False
    readers: int | None = None
    feature_cache: str = ""
    engine: str = "local"
    address: str = "auto"
    replica_cpus: int | None = None
    fail_below: Limits = ()
    fail_above: Limits = ()

    @property
    def files(self) -> Files:
        """Which weights files are taken, and what they have seen."""
        return replace(super().files, trained_on=tuple(several(self.trained_on)))

    @property
    def scoring(self) -> EngineChoice:
        """What scores, and where.

        Raises:
            BenchError: There is no such engine or device, or they do not go together.
        """
        # One GPU, where `bench run` takes all: each further device has a process that imports the program
        # anew, which a notebook has not, and a script must be written for.
        device = choose_device("auto") if (self.engine, self.device) == ("local", "auto") else self.device
        cluster = (self.address, self.replica_cpus)
        return EngineChoice(self.engine, device, self.readers, self.feature_cache, *cluster)

    def folder(self, name: str) -> Path:
        """Name the run folder of a dataset."""
        chosen_by = (self.protocol, self.limit, self.split, self.precision, self.list_file)
        return run_folder(name, *chosen_by, reals=str(self.reals))


def pairs(weights: WeightFiles) -> list[str]:
    """Word files of checkpoints as the command line does."""
    if isinstance(weights, Mapping):
        return [f"{name}={Path(path)}" for name, path in weights.items()]
    return list(weights)
