"""What a data set could be cheated with: shortcuts in its files, duplicates, broken files.

Nothing here looks at what a picture shows, but for the perceptual hash that finds pictures twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.data.catalogue import open_dataset
from forenbench.data.dataset import Dataset
from forenbench.data.descriptions import Spec, specs, suites
from forenbench.data.requests import find_spec
from forenbench.data.sources.lent import home
from forenbench.data.sources.locations import open_location
from forenbench.data.sources.rules import NO_RULES, Rules
from forenbench.errors import BenchError
from forenbench.files.threads import in_threads
from forenbench.printable import readable
from forenbench.types import REAL, Advance, Source

from . import duplicates, metadata_only, overview, shortcuts
from .duplicates import TRAINING, Duplicates
from .metadata_only import of_two_labels
from .traits import Traits, examine

if TYPE_CHECKING:
    import pandas as pd

DISTANCE = 6


def _ignore(what: str, done: int, total: int) -> None:
    """Hear of progress and say nothing."""


@dataclass(frozen=True, slots=True)
class TrainingFiles:
    """Files that some detector was trained on.

    Attributes:
        name: What the audit calls them.
        source: Where they come from.
        paths: All of them.
        notes: What rules made of them, in words.
    """

    name: str
    source: Source
    paths: Sequence[str]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found.

    Attributes:
        files: One row for each file of each test set: ``dataset``, ``testset``, ``label`` (0 or 1), ``path``,
            ``origin`` (as of `forenbench.types.Sample`), then all of `forenbench.audit.traits.Traits`, then
            ``aspect`` (width by height), ``bytes_per_pixel`` and ``metadata_score`` (of
            `forenbench.audit.metadata_only`; NaN where it has none).
        properties: One row for each test set and label, in words (see `forenbench.audit.overview.describe`).
        twins: Duplicates (see `forenbench.audit.duplicates.Duplicates`), each file once however many test
            sets share it.
        broken: ``dataset``, ``path``, ``problem`` of files that give no picture.
        baseline: ``dataset``, ``testset``, ``real``, ``fake`` (images scored), ``auroc`` (in [0, 1] or NaN)
            and ``undefined`` (the reason for NaN) of the metadata-only baseline.
        warnings: Shortcuts, in plain words.
    """

    files: pd.DataFrame
    properties: pd.DataFrame
    twins: Duplicates
    broken: pd.DataFrame
    baseline: pd.DataFrame
    warnings: tuple[str, ...]

    def of(self, dataset: str, testset: str) -> pd.DataFrame:
        """Return the files of one test set, in the order of its samples."""
        return self.files[(self.files["dataset"] == dataset) & (self.files["testset"] == testset)]


def audit(
    datasets: Sequence[Dataset],
    against: Sequence[TrainingFiles] = (),
    *,
    distance: int = DISTANCE,
    seed: int = 0,
    advance: Advance = _ignore,
) -> Audit:
    """Read and decode every file of some datasets, and compare the labels.

    Args:
        datasets: As `forenbench.data.catalogue.open_dataset` returns them.
        against: Training data in which to look for the same pictures.
        distance: Bits of 64 in which the hashes of pictures that look alike may differ.
        seed: Of the metadata-only baseline's folds.
        advance: Told of progress.

    Raises:
        BenchError: The distance is out of range, or two test sets have the same name.
    """
    import pandas as pd

    testsets = [testset for dataset in datasets for testset in dataset.testsets]
    # Before anything is read, which takes long: rows of the same names could not be told apart.
    for name, number in Counter(f"{one.dataset}/{one.name}" for one in testsets).items():
        if number > 1:
            raise BenchError(
                f"{number} test sets are called '{name}'; rename a folder, or audit them one by one"
            )
    files = pd.concat([_read(dataset, advance) for dataset in datasets], ignore_index=True)
    files["metadata_score"] = float("nan")
    lines = []
    for (dataset, testset), group in files.groupby(overview.TESTSET, sort=False):
        scores, reason = metadata_only.cross_validate(group, seed)
        files.loc[group.index, "metadata_score"] = scores
        measured = metadata_only.measure(files.loc[group.index], reason)
        lines.append({"dataset": dataset, "testset": testset, **measured})
    baseline = pd.DataFrame(lines)
    # A real image that several test sets, or datasets, share is one file: it would be its own twin.
    homes = [home(*where) for where in zip(files["dataset"], files["path"], strict=True)]
    distinct = files[~pd.Series(homes, files.index).duplicated()]
    pictures = [distinct]
    for training in against:
        found = dict(_examine(f"reading {training.name}", training.source, training.paths, advance))
        rows = _frame(list(found.values()))[["sha256", "looks", "problem"]]
        pictures.append(rows.assign(dataset=training.name, path=list(map(readable, found)), label=TRAINING))
    # Shortcuts tell real from fake, and tampered images are neither.
    tampered = {f"{one.dataset}/{one.name}": len(one.samples) - len(of_two_labels(one)) for one in testsets}
    left_out = [f"{one}: tampered images, left out of this audit: {n}" for one, n in tampered.items() if n]
    return Audit(
        files,
        overview.describe(files),
        duplicates.find(pd.concat(pictures, ignore_index=True), distance),
        distinct.loc[distinct["problem"] != "", ["dataset", "path", "problem"]].reset_index(drop=True),
        baseline,
        (*shortcuts.warnings(files), *shortcuts.of_baseline(baseline), *left_out),
    )


def open_training(
    name: str, data_root: Path, advance: Advance = _ignore, rules: Rules = NO_RULES
) -> list[TrainingFiles]:
    """Open training data: a dataset or suite by name, or any folder, archive or manifest.

    Labels do not matter, so a folder or archive needs none.

    Args:
        name: Which.
        data_root: Where downloaded datasets lie.
        advance: Told of progress.
        rules: What a table of a path calls its columns, which files are left; patterns of real and fake files
            choose these.

    Raises:
        BenchError: There is no such dataset and no such file, or there is nothing in it; or rules are given
            beside a name, or for places of another kind.
    """
    spec = find_spec(name, rules)
    # A folder is opened as if all of it were real: training data often lie without labels, and a twin among
    # them is one whatever its label.
    if name not in {**specs(), **suites()}:
        assert isinstance(spec, Spec)
        otherwise = None if rules.label_paths else REAL
        source, findings = open_location(Path(spec.folder), otherwise, rules=rules)
        paths = [sample.path for sample in findings.samples]
        return [TrainingFiles(spec.name, source, paths, findings.notes if rules else ())]
    opened = open_dataset(name, data_root=data_root, advance=advance)
    return [TrainingFiles(one.name, one.testsets[0].source, list(one.facts)) for one in opened]


def _read(dataset: Dataset, advance: Advance) -> pd.DataFrame:
    """Examine each file once, and give it a row in each test set."""
    source, paths = dataset.testsets[0].source, list(dataset.facts)
    traits = dict(_examine(f"auditing {dataset.name}", source, paths, advance))
    samples = [(testset, one) for testset in dataset.testsets for one in of_two_labels(testset)]
    rows = _frame([traits[sample.path] for _, sample in samples])
    rows.insert(0, "origin", [readable(sample.origin) for _, sample in samples])
    rows.insert(0, "path", [readable(sample.path) for _, sample in samples])
    rows.insert(0, "label", [sample.label for _, sample in samples])
    rows.insert(0, "testset", [testset.name for testset, _ in samples])
    rows.insert(0, "dataset", dataset.name)
    rows["aspect"] = rows["width"] / rows["height"]
    rows["bytes_per_pixel"] = rows["bytes"] / (rows["width"] * rows["height"])
    return rows


def _examine(
    what: str, source: Source, paths: Sequence[str], advance: Advance
) -> Iterator[tuple[str, Traits]]:
    """Examine files in threads: reading, inflating and resizing all let go of the interpreter."""
    found = in_threads(partial(examine, source), paths)
    for done, (path, traits) in enumerate(zip(paths, found, strict=True), 1):
        advance(what, done, len(paths))
        yield path, traits


def _frame(traits: Sequence[Traits]) -> pd.DataFrame:
    """Make a row of each file's traits."""
    import pandas as pd

    columns: Mapping[str, list[object]] = {
        one.name: [getattr(each, one.name) for each in traits] for one in fields(Traits)
    }
    # Half of all 64-bit hashes are beyond int64, and pandas would make an empty column one of floats.
    return pd.DataFrame(columns).astype({"looks": "uint64"})
