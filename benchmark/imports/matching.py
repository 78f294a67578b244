"""Foreign scores beside the images that they are of: a dataset's, or those that the file itself names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

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
from forenbench.records.rows import ImageResult
from forenbench.types import REAL, Sample, TestSet

from .row_texts import normal
from .score_file import ForeignScores, refuse

ImportedResults = Mapping[tuple[str, str], ImageResult]
"""By test set (empty: by any) and path."""


@dataclass(frozen=True, slots=True)
class Import:
    """Scores beside the images that they are of.

    Attributes:
        scores: As they were read.
        testsets: In table order.
        results: Of the images.
        notes: What a reader must know of the images.
        perturbation: What had been done to the images that were scored, by its canonical name.
        trained_on: What the detector has seen in training, as the user states it.
    """

    scores: ForeignScores
    testsets: tuple[TestSet, ...]
    results: ImportedResults
    notes: tuple[str, ...] = ()
    perturbation: str = "none"
    trained_on: tuple[str, ...] = ()

    def of(self, testset: TestSet) -> list[ImageResult]:
        """Return the result of each sample of a test set; an image without a score has failed."""
        lacking = ImageResult("failed", error=f"no score in {self.scores.file.name}")
        result = self.results.get
        return [
            result((testset.name, path)) or result(("", path), lacking)
            for path in (normal(sample.path) for sample in testset.samples)
        ]


def by_itself(scores: ForeignScores, dataset: str, generator: str) -> Import:
    """Take the file's own rows for a dataset: a test set for each generator.

    Args:
        scores: With labels.
        dataset: What tables call it.
        generator: Of generated images whose row names none. Real images that name none are in every test set.

    Raises:
        BenchError: There are no labels, or a test set would hold a path twice.
    """
    if scores.rows[0].label is None:
        raise BenchError(
            f"'{scores.file}' has no column 'label'; say what it is called there, or name a dataset, whose "
            "labels are known"
        )
    samples = []
    for row in scores.rows:
        assert row.label is not None  # a file has labels in all of its rows, or in none
        made_by = row.generator or (generator if row.label != REAL else "")
        where = row.real_source or row.generator or dataset if row.label == REAL else ""
        samples.append(Sample(row.path, row.label, made_by, row.class_name, where, row.origin))
    samples, words = share_reals(samples)
    results = _results(scores, [(sample.generator, sample.path) for sample in samples])
    anywhere = {path for name, path in results if not name}
    both = [path for name, path in results if name and path in anywhere]
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
    return Import(scores, testsets, results, (*words, *scores.unread, *by_words(shortcomings(groups, facts))))


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
        for sample in testset.samples:
            # Real images stand in several test sets of a dataset, but a path of two datasets is two images.
            path = normal(sample.path)
            labels[path] = sample.label
            whose = home(testset.dataset, path)
            if owners.setdefault(path, whose) != whose:
                both = f"{owners[path].dataset} and {whose.dataset}"
                raise BenchError(f"'{path}' is in {both}; import scores for one of them at a time")
    # Another tool knows borrowed reals by their own paths, where it has read them.
    lent = {whose.path: path for path, whose in owners.items() if whose.path not in labels}
    rows = tuple(row._replace(path=lent.get(row.path, row.path)) for row in scores.rows)
    scores = replace(scores, rows=rows)
    results = _results(scores, [("", row.path) for row in scores.rows])
    unknown = [row.path for row in scores.rows if row.path not in labels]
    # Of a part of the images, others' scores are expected; a file of which not one fits is a mistake.
    if unknown and not (some and len(unknown) < len(scores.rows)):
        example = next(iter(labels))
        way_out = f"the dataset's are like '{example}'; say which prefix is to be removed from the file's"
        raise refuse(f"paths of '{scores.file}' that the dataset does not have", unknown, way_out)
    wrong = [row.path for row in scores.rows if row.label not in (None, labels.get(row.path, row.label))]
    if wrong:
        raise refuse(
            f"labels of '{scores.file}' that differ from the dataset's", wrong, "say what its words mean"
        )
    notes = [
        f"{len(unknown)} rows are of no image that was asked for: left aside, the first '{path}'"
        for path in unknown[:1]
    ]
    return Import(scores, testsets, results, tuple(notes))


def _results(scores: ForeignScores, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], ImageResult]:
    """Put each row's result under its key, the only one of that key."""
    found = {
        key: ImageResult(row.status, row.score, error=row.error)
        for key, row in zip(keys, scores.rows, strict=True)
    }
    if len(found) < len(keys):
        twice = [path for (_, path), number in Counter(keys).items() if number > 1]
        raise refuse(f"paths that '{scores.file}' lists more than once", twice, "keep one row each")
    return found
