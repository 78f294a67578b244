"""Foreign scores beside the images that they are of: a dataset's, or those that the file itself names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.data.dataset import Dataset
from forenbench.data.descriptions import Spec
from forenbench.data.inventory import FileFacts
from forenbench.data.set_notes import by_words
from forenbench.data.sources.folder import Folder
from forenbench.data.sources.lent import Home, home
from forenbench.data.sources.table_rows import share_reals
from forenbench.data.testsets import digest, group
from forenbench.data.testsets import warnings as shortcomings
from forenbench.errors import BenchError
from forenbench.records.rows import ImageResult, as_arrow
from forenbench.types import REAL, Sample, TestSet

from .row_texts import normal_paths
from .score_file import ForeignScores, refuse

if TYPE_CHECKING:
    import pyarrow as pa

Places = Mapping[str, Mapping[str, int]]
"""Of rows in what was read: by test set (empty: by any) and path."""


@dataclass(frozen=True, slots=True)
class Import:
    """Scores beside the images that they are of.

    Attributes:
        scores: As they were read.
        testsets: In table order.
        places: Which row is of which image.
        notes: What a reader must know of the images.
        perturbation: What had been done to the images that were scored, by its canonical name.
        trained_on: What the detector has seen in training, as the user states it.
    """

    scores: ForeignScores
    testsets: tuple[TestSet, ...]
    places: Places
    notes: tuple[str, ...] = ()
    perturbation: str = "none"
    trained_on: tuple[str, ...] = ()

    def of(self, testset: TestSet) -> pa.Table:
        """Return the result of each sample of a test set, as in rows; an image without a score has failed."""
        import pyarrow as pa

        found = [self.scores.results]
        own, anywhere = (self.places.get(name, {}).get for name in (testset.name, ""))
        paths = normal_paths([sample.path for sample in testset.samples])
        places = [own(path, anywhere(path, len(found[0]))) for path in paths]
        if len(found[0]) in places:  # else: of one piece, of which nothing but these rows is copied
            found.append(as_arrow([ImageResult("failed", error=f"no score in {self.scores.file.name}")]))
        return pa.Table.from_batches(found).take(pa.array(places))


def by_itself(scores: ForeignScores, dataset: str, generator: str) -> Import:
    """Take the file's own rows for a dataset: a test set for each generator.

    Args:
        scores: With labels.
        dataset: What tables call it.
        generator: Of generated images whose row names none. Real images that name none are in every test set.

    Raises:
        BenchError: There are no labels, or a test set would hold a path twice.
    """
    said, samples = scores.said, []
    if said.labels[0] is None:
        raise BenchError(
            f"'{scores.file}' has no column 'label'; say what it is called there, or name a dataset, whose "
            "labels are known"
        )
    rows = zip(*said[1:], strict=True)
    for path, label, made_by, class_name, source, origin in rows:
        where = source or made_by or dataset if label == REAL else ""
        made_by = made_by or (generator if label != REAL else "")
        samples.append(Sample(path, label, made_by, class_name, where, origin))
    samples, words = share_reals(samples)
    places = _places(scores.file, (sample.generator for sample in samples), said.paths)
    anywhere = places.get("", {})
    both = [path for name, own in places.items() if name for path in own if path in anywhere]
    if both:
        raise refuse(f"paths of '{scores.file}' both with and without a generator", both, "keep one row each")
    order = tuple(dict.fromkeys(sample.generator for sample in samples if sample.generator))
    groups = group(Spec(dataset, "", "", testsets=order), samples)
    # The files themselves may be anywhere, or nowhere: the digest of such a test set is that of its paths.
    facts = dict.fromkeys((sample.path for sample in samples), FileFacts(""))
    source = Folder(scores.file.parent)
    testsets = tuple(
        TestSet(dataset, name, found, source, digest(found, facts), position)
        for position, (name, found) in enumerate(groups.items())
    )
    return Import(scores, testsets, places, (*words, *scores.unread, *by_words(shortcomings(groups, facts))))


def beside(scores: ForeignScores, datasets: Iterable[Dataset], some: bool = False) -> Import:
    """Match the file's rows with the images of datasets by path; labels and generators are the datasets'.

    Args:
        scores: As they were read.
        datasets: Opened.
        some: These are a part of their images: rows of others are left aside, with a note.

    Raises:
        BenchError: A path is unknown, there twice, or in two datasets, or a label is not the dataset's.
    """
    testsets = tuple(testset for dataset in datasets for testset in dataset.testsets)
    labels: dict[str, int] = {}
    owners: dict[str, Home] = {}
    for testset in testsets:
        spelled = normal_paths([sample.path for sample in testset.samples])
        for path, sample in zip(spelled, testset.samples, strict=True):
            # Real images stand in several test sets of a dataset, but a path of two datasets is two images.
            labels[path] = sample.label
            whose = home(testset.dataset, path)
            if owners.setdefault(path, whose) != whose:
                both = f"{owners[path].dataset} and {whose.dataset}"
                raise BenchError(f"'{path}' is in {both}; import scores for one of them at a time")
    # Another tool knows borrowed reals by their own paths, where it has read them.
    lent = {whose.path: path for path, whose in owners.items() if whose.path not in labels}
    paths = [lent.get(path, path) for path in scores.said.paths]
    places = _places(scores.file, repeat("", len(paths)), paths)
    unknown = [path for path in paths if path not in labels]
    # Of a part of the images, others' scores are expected; a file of which not one fits is a mistake.
    if unknown and not (some and len(unknown) < len(paths)):
        example = next(iter(labels))
        way_out = f"the dataset's are like '{example}'; say which prefix is to be removed from the file's"
        raise refuse(f"paths of '{scores.file}' that the dataset does not have", unknown, way_out)
    said = zip(paths, scores.said.labels, strict=True)
    wrong = [path for path, label in said if label not in (None, labels.get(path, label))]
    if wrong:
        raise refuse(
            f"labels of '{scores.file}' that differ from the dataset's", wrong, "say what its words mean"
        )
    notes = [
        f"{len(unknown)} rows are of no image that was asked for: left aside, the first '{path}'"
        for path in unknown[:1]
    ]
    return Import(scores, testsets, places, tuple(notes))


def _places(file: Path, testsets: Iterable[str], paths: Sequence[str]) -> Places:
    """Note the place of each row, the only one of its path in its test set."""
    places: dict[str, dict[str, int]] = {}
    twice = {}
    for at, (name, path) in enumerate(zip(testsets, paths, strict=True)):
        if places.setdefault(name, {}).setdefault(path, at) != at:
            twice[name, path] = path
    if twice:
        raise refuse(f"paths that '{file}' lists more than once", [*twice.values()], "keep one row each")
    return places
