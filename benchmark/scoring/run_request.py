"""What a run is asked for, by its options or by a published table, and what it is carried out with.

Imports stand inside functions where they would make a command that only looks something up load torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.data.sources.rules import NO_RULES, Rules
from forenbench.data.sources.splits import chosen, split_of
from forenbench.errors import BenchError

if TYPE_CHECKING:
    from forenbench.data.dataset import Dataset
    from forenbench.plugins.own import OwnDetector
    from forenbench.types import Advance, Perturbation

    from .requested import Files


@dataclass(frozen=True, slots=True)
class Request:
    """Detectors over test sets and perturbations.

    Attributes:
        detectors: Names, variants and files, as on the command line; or objects that a program hands over.
        datasets: The test sets wanted, by dataset; none named means all.
        perturbations: As on the command line.
        table: The published table that needs all this. Of such a request, what can be had is run and the
            rest is named; of any other, all must be there but for what a line-up's detectors need.
        portions: What came of `detectors` where it is known, by kind of checkpoints: of a round's request,
            those detectors alone.
        protocol: By which the table's images count; empty: that of the means.
    """

    detectors: Sequence[str | OwnDetector]
    datasets: Mapping[str, list[str]]
    perturbations: Sequence[str]
    table: str = ""
    portions: Mapping[str, Portion] = field(default_factory=dict)
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class Portion:
    """Some detectors of one kind of checkpoints.

    Attributes:
        first: How many come before them in tables.
        requests: For one variant, file or object each.
    """

    first: int
    requests: Sequence[str | OwnDetector]


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
    rules: Rules = NO_RULES
    listed: Path | None = None

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
            rules=self.rules,
            listed=self.listed,
            advance=advance,
        )


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


def run_folder(  # noqa: PLR0913 - all that makes rows others than a whole run's
    name: str,
    protocol: str,
    limit: int | None,
    split: str = "",
    precision: str = "fp32",
    listed: Path | None = None,
    reals: str = "",
) -> Path:
    """Name the run folder of one or several datasets.

    A run over some of the files, or over a split that was named, or of less precision, or beside reals that
    were named, has a folder of its own, so that it never displaces a whole one.

    Raises:
        BenchError: See `forenbench.data.requests.find_lender`.
    """
    from forenbench.data.descriptions import Spec
    from forenbench.data.requests import find_lender

    lenders = []
    if lender := find_lender(Spec("fakes", "", "", folder="", rules=Rules(reals=reals))):
        # Folders of one name may hold other photographs, and then the rows are others.
        place = hashlib.sha256(lender.folder.encode("utf-8", "surrogateescape")).hexdigest()[:7]
        lenders.append(lender.name if lender.description else f"{lender.name}@{place}")
    protocols = [] if protocol == "all" else [protocol]
    limits = [] if limit is None else [f"limit{limit}"]
    lists = [] if listed is None else [listed.stem]
    less = [] if precision == "fp32" else [precision]
    splits = [split_of(split) or split] if split else []
    return Path("results/runs") / "-".join([name, *lenders, *protocols, *lists, *limits, *splits, *less])
