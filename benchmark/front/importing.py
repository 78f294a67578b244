"""Other tools' scores, taken into a run: what ``bench import`` and `import_scores` share."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from forenbench.data.sources.labels import table_words
from forenbench.errors import BenchError
from forenbench.imports.cells import store_scores
from forenbench.imports.matching import Import, beside, by_itself
from forenbench.imports.score_file import ForeignScores, Reading, read_scores
from forenbench.perturbations import parse
from forenbench.records.store import Store
from forenbench.scoring.run_request import joint_name

from .arguments import ImageChoice, ImageOptions, PathName, several
from .bars import Quiet, RunProgress
from .evaluated import write_tables
from .keywords import taking
from .results import Results
from .talk import short
from .telling import Say, describe_problems

if TYPE_CHECKING:
    from forenbench.scoring.outcome import Summary


class ImportOptions(ImageOptions, total=False):
    """How a file of scores is to be understood; options of `import_scores`, beside those of `ImageOptions`.

    Of these, ``columns`` and ``labels`` are about the file of scores: ``columns={"score": "p_fake"}``.

    Attributes:
        threshold: In the file's own scale: a score beyond it means generated. Needed for scores outside
            [0, 1]; by default 0.5.
        real_is_high: High scores mean real: they are turned round.
        prefix: Removed from the beginning of the file's paths.
        perturbation: What had been done to the images that were scored: "jpeg:90".
        trained_on: What the detectors have seen, as test sets are called; tables star it.
        dataset_name: Without a dataset: what tables call these images; by default as the file.
        generator: Without a dataset: of fakes whose row names none; by default as the images are called.
    """

    threshold: float | None
    real_is_high: bool
    prefix: str
    perturbation: str
    trained_on: str | Sequence[str]
    dataset_name: str
    generator: str


@contextmanager
def _uncollected() -> Iterator[None]:
    """Have no garbage looked for among millions of rows, which takes a third of the time: they hold none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreImport(ImageChoice):
    """What is asked of one import: `ImportOptions` with their defaults, and what they are about.

    Attributes:
        file: Of scores.
        detectors: The column of scores of each detector.
        dataset: Whose images they are, by name or path; empty: the file's own, known by path and label alone.
        out: The run folder; None: one below ``results/runs``, named after the images.
    """

    file: Path
    detectors: Mapping[str, str]
    dataset: str = ""
    out: Path | None = None
    threshold: float | None = None
    real_is_high: bool = False
    prefix: str = ""
    perturbation: str = "none"
    trained_on: str | Sequence[str] = ()
    dataset_name: str = ""
    generator: str = ""

    @_uncollected()
    def carry_out(self, progress: RunProgress | Quiet) -> Imported:
        """Read the file, match it with its images, and store what is not there yet.

        Raises:
            BenchError: The request makes no sense, file or dataset cannot be read, or they do not fit.
        """
        if self.dataset and (self.dataset_name or self.generator):
            raise BenchError("the dataset says what the images are: leave out dataset_name and generator")
        if not self.dataset and (self.of_images.rules or not self.takes_all):
            raise BenchError(
                "generators, protocol, limit, lists, split and rules choose images of a dataset: name one"
            )
        perturbation = parse(self.perturbation).name  # spelled as runs do: jpeg:090 is jpeg:90
        scores = read_scores(self.file, [self.reading(column) for column in self.detectors.values()])
        for detector, one in zip(self.detectors, scores, strict=True):
            which = f", {detector}" if len(self.detectors) > 1 else ""
            what = f"{len(one.results)} rows, {', '.join(one.notes)}, threshold {one.threshold:g}"
            progress.say(f"{self.file}{which}: {what}")
        name = joint_name([self.dataset]) if self.dataset else self.dataset_name or self.file.stem
        found, seen = self.match(scores, name, progress), tuple(several(self.trained_on))
        made = [replace(one, perturbation=perturbation, trained_on=seen) for one in found]
        store = Store(self.out or self.folder(name))
        store.open()
        summary = store_scores(dict(zip(self.detectors, made, strict=True)), store)
        return Imported(store, summary, tuple(note for one in made for note in one.notes))

    @property
    def of_images(self) -> ScoreImport:
        """The same without what was said of the scores: what their columns and labels are called."""
        return replace(self, columns=None, labels=None)

    def reading(self, column: str) -> Reading:
        """Say how one column of scores is to be understood."""
        # What is called as it should be is left out: the reading is part of what makes the rows.
        names = {name: own for name, own in {**(self.columns or {}), "score": column}.items() if name != own}
        words = table_words(names, self.labels or {})
        return Reading(words.columns, words.labels, self.prefix, self.threshold, self.real_is_high)

    def match(
        self, scores: Sequence[ForeignScores], name: str, progress: RunProgress | Quiet
    ) -> list[Import]:
        """Match scores with the images that they are of: a dataset's, as runs find them, or their own.

        Raises:
            BenchError: A score is of no image of the dataset's, or the file has no labels.
        """
        if not self.dataset:
            return [by_itself(one, name, self.generator or name) for one in scores]
        with progress:
            opened = self.of_images.open(self.dataset, progress.files)
        for note in (note for one in opened for note in one.notes):
            progress.say(f"note: {note}", "yellow")
        samples = (sample for one in opened for testset in one.testsets for sample in testset.samples)
        # Of a dataset with splits one is opened, so that scores of the others are no mistake either.
        is_part = not self.takes_all or any(sample.split for sample in samples)
        return [beside(one, opened, some=is_part) for one in scores]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of an import.

    Attributes:
        store: The rows.
        summary: How it went.
        notes: What a reader must know of the images.
    """

    store: Store
    summary: Summary
    notes: tuple[str, ...]

    def describe(self, written: Sequence[str], say: Say) -> None:
        """Say where everything is, `written` among it, and what is not whole."""
        for note in dict.fromkeys([*self.notes, *self.summary.notes]):  # several detectors share them
            say(f"note: {note}", "yellow")
        say(f"In {short(self.store.root)}/: scores/ (a row for every image), {', '.join(written)}")
        if not self.summary.computed:
            say(f"Nothing to import: all {self.summary.present} cells were there before.", "green")
        if self.summary.problems:
            describe_problems(self.summary, self.store, say)


@taking(ImportOptions, ScoreImport)
def import_scores(  # noqa: PLR0913 - all that says what is read, and where it goes
    file: PathName,
    detector: str = "",
    *,
    scores: str | Sequence[str] = (),
    dataset: PathName = "",
    out: PathName | None = None,
    progress: bool = True,
    **options: Unpack[ImportOptions],
) -> Results:
    """Take the scores of any tool or API into a run, as a detector of its own, as ``bench import`` does.

    Every row of the file stays a row; one without a usable score has failed, and says why.

    Args:
        file: CSV, JSON Lines or Parquet with columns path, label, score; also generator, class, real_source,
            origin, status, error.
        detector: What tables call the tool that made the scores.
        scores: In its place: columns of scores, each a detector of its own, of the column's name.
        dataset: The dataset these images are of, by name or path: rows are matched with it by path.
        out: The run folder; by default ``results/runs/<dataset>``, below the working folder.
        progress: Say what is read and stored, on stderr.
        options: See `ImportOptions`: what columns and labels are called, the threshold, which images.

    Returns:
        The run's results, those of detectors that were run included. Tables mark what has no score.

    Raises:
        BenchError: The request makes no sense, the file or the dataset cannot be read, or they do not fit.
    """
    told = RunProgress() if progress else Quiet()
    columns = score_columns(detector, several(scores), (options.get("columns") or {}).get("score", "score"))
    folder = Path(out) if out else None
    asked = ScoreImport(file=Path(file), detectors=columns, dataset=str(dataset), out=folder, **options)
    done = asked.carry_out(told)
    _, written = write_tables(done.store)
    done.describe(written, told.say)
    return Results([done.store])


def score_columns(detector: str, scores: Sequence[str], column: str) -> dict[str, str]:
    """Name the detectors, each with its column of scores.

    Args:
        detector: What tables call the one whose scores are in `column`.
        scores: In its place: columns of scores, each a detector of its own.
        column: Of `detector`'s scores.

    Raises:
        BenchError: Neither is given, or both are, or a column is named twice.
    """
    if not scores:
        if not detector.strip():
            raise BenchError("the detector has no name: say what tables call it, or name columns of scores")
        return {detector: column}
    if detector or column != "score":
        raise BenchError("each column of scores is a detector of its own: leave out detector and its column")
    if len({name.lower() for name in scores}) < len(scores):  # readers of tables take no notice of case
        raise BenchError(f"scores '{','.join(scores)}' names a column twice")
    return {name: name for name in scores}
