"""``bench import``: other tools' scores become a detector column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from forenbench.data.catalogue import open_dataset
from forenbench.data.requests import find_spec
from forenbench.data.sources.splits import chosen
from forenbench.data.testsets import Selection
from forenbench.errors import BenchError
from forenbench.front.bars import RunProgress
from forenbench.front.evaluation import write_tables
from forenbench.front.telling import describe_problems
from forenbench.imports.cells import store_scores
from forenbench.imports.matching import Import, beside, by_itself
from forenbench.imports.score_file import ForeignScores, Reading, read_scores
from forenbench.perturbations import parse
from forenbench.records.store import Store
from forenbench.scoring.gathering import run_folder
from forenbench.types import FAKE, REAL

from . import options as o
from .console import say, short, show, split, width

_FILE = (
    "CSV, JSON Lines or Parquet: columns path, label, score; also generator, class, real_source, origin, "
    "status, error."
)
_LABEL = "What the file's labels mean, as ai=1,human=0; 0, 1, real and fake are known."
_THRESHOLD = "Scores beyond it mean generated; needed for scores outside [0, 1]."
_SCORES = "Columns of scores, comma-separated: each is a detector of its own, of the column's name."
_DATASET = "The dataset these images are of, by name or path: rows are matched with it by path."
_PERTURBATION = "What had been done to the images that were scored, as in 'bench run': jpeg:90."
_PROTOCOL = "Which files of --dataset count, as in 'bench run'."
_TRAINED_ON = "What the detector has seen, comma-separated, as test sets are called: tables star it."
_LIMIT = "At most N images of --dataset per label and test set, those of 'bench run'."


def import_scores(  # noqa: PLR0913 - a command's options are its arguments
    file: Annotated[Path, typer.Argument(help=_FILE)],
    detector: Annotated[
        str, typer.Option(help="What tables call the tool that made the scores. [needed without --scores]")
    ] = "",
    scores: Annotated[str, typer.Option(help=_SCORES, show_default="--detector's --score-column")] = "",
    dataset: Annotated[str, typer.Option(help=_DATASET)] = "",
    data_root: o.DataRoot = Path("data"),
    generators: Annotated[str, typer.Option(help="Only these test sets of --dataset, comma-separated.")] = "",
    protocol: Annotated[str, typer.Option(help=_PROTOCOL)] = "all",
    limit: Annotated[int | None, typer.Option(min=1, help=_LIMIT)] = None,
    splits: o.Split = "",
    data: o.Data = None,
    perturbation: Annotated[str, typer.Option(help=_PERTURBATION)] = "none",
    dataset_name: Annotated[
        str, typer.Option(help="Without --dataset: what tables call these images.", show_default="the file's")
    ] = "",
    generator: Annotated[
        str,
        typer.Option(help="Without --dataset: of fakes whose row names none.", show_default="--dataset-name"),
    ] = "",
    label: Annotated[str, typer.Option(help=_LABEL)] = "",
    threshold: Annotated[float | None, typer.Option(help=_THRESHOLD, show_default="0.5")] = None,
    real_is_high: Annotated[
        bool, typer.Option("--real-is-high", help="High scores mean real: turn them round.")
    ] = False,
    path_column: Annotated[str, typer.Option(help="The file's name of the column.")] = "path",
    label_column: Annotated[str, typer.Option(help="The same for labels.")] = "label",
    score_column: Annotated[str, typer.Option(help="The same for scores.")] = "score",
    generator_column: Annotated[str, typer.Option(help="The same for generators.")] = "generator",
    class_column: Annotated[str, typer.Option(help="The same for classes.")] = "class",
    real_source_column: Annotated[str, typer.Option(help="The same for sources of reals.")] = "real_source",
    origin_column: Annotated[str, typer.Option(help="The same for origins: photographs, videos.")] = "origin",
    status_column: Annotated[str, typer.Option(help="The same for ok, failed, unreadable.")] = "status",
    prefix: Annotated[str, typer.Option(help="Remove this from the beginning of the file's paths.")] = "",
    trained_on: Annotated[str, typer.Option(metavar="NAME,…", help=_TRAINED_ON)] = "",
    out: o.RunFolder = None,
) -> None:
    """Take the scores of any tool or API into a run, as a detector of its own.

    Every row of the file stays a row; one without a usable score has failed, and says why.
    """
    names = _names(detector, scores, score_column)
    if dataset and (dataset_name or generator):
        raise BenchError("--dataset says what the images are; leave out --dataset-name and --generator")
    places = o.parse_places(data)
    selection = Selection(tuple(split(generators)), protocol, limit, chosen(splits))
    if selection != Selection() and not dataset:
        raise BenchError(
            "--generators, --protocol, --limit and --split choose images of --dataset; "
            "the file's own are all taken"
        )
    done = parse(perturbation).name
    columns = {
        "path": path_column,
        "label": label_column,
        "score": score_column,
        "generator": generator_column,
        "class": class_column,
        "real_source": real_source_column,
        "origin": origin_column,
        "status": status_column,
    }
    named = [
        {name: theirs for name, theirs in (columns | {"score": column}).items() if name != theirs}
        for column in names.values()
    ]
    words = _labels(label)
    read = read_scores(file, [Reading(one, words, prefix, threshold, real_is_high) for one in named])
    for detector, one in zip(names, read, strict=True):
        what = f"{len(one.rows)} rows, {', '.join(one.notes)}, threshold {one.threshold:g}"
        say(f"{file}{f', {detector}' if scores else ''}: {what}")
    if dataset:
        found, name = _beside(read, dataset, data_root, places, selection), find_spec(dataset).name
    else:
        name = dataset_name or file.stem
        found = [by_itself(one, name, generator or name) for one in read]
    seen = tuple(split(trained_on))
    made = [replace(one, perturbation=done, trained_on=seen) for one in found]
    imports = dict(zip(names, made, strict=True))
    _store(imports, Store(out or run_folder(name, protocol, limit, splits)))


def _names(detector: str, scores: str, score_column: str) -> dict[str, str]:
    """Name the detectors, each with its column of scores."""
    if not scores:
        if not detector.strip():
            raise BenchError(
                "--detector is empty; give the scores a name, or name their columns with --scores"
            )
        return {detector: score_column}
    if detector or score_column != "score":
        raise BenchError("--scores names detectors and columns; leave out --detector and --score-column")
    names = split(scores)
    if len({name.lower() for name in names}) < len(names):
        raise BenchError(f"--scores '{scores}' names a column twice")
    return {name: name for name in names}


def _labels(pairs: str) -> dict[str, int]:
    """Split WORD=LABEL pairs."""
    labels = {}
    for pair in split(pairs):
        word, _, value = pair.partition("=")
        if value.strip() not in ("0", "1"):
            raise BenchError(f"--label '{pair}' is not WORD=0 (real) or WORD=1 (fake)")
        labels[word.strip().lower()] = FAKE if value.strip() == "1" else REAL
    return labels


def _beside(
    scores: Sequence[ForeignScores],
    dataset: str,
    data_root: Path,
    places: Mapping[str, Path],
    selection: Selection,
) -> list[Import]:
    """Match scores with a dataset, or some of it, as ``bench run`` would find it."""
    with RunProgress() as progress:
        opened = open_dataset(
            dataset,
            data_root=data_root,
            generators=selection.testsets,
            limit=selection.limit,
            protocol=selection.protocol,
            splits=selection.splits,
            places=places,
            advance=progress.files,
        )
    for note in (note for one in opened for note in one.notes):
        say(f"note: {note}", "yellow")
    samples = (sample for one in opened for testset in one.testsets for sample in testset.samples)
    is_part = selection != Selection() or any(sample.split for sample in samples)
    return [beside(one, opened, some=is_part) for one in scores]


def _store(imports: Mapping[str, Import], store: Store) -> None:
    """Store the cells, then show the table and what is not whole."""
    store.open()
    summary = store_scores(imports, store)
    table, written = write_tables(store)
    show(table.to_text(width()))
    for note in dict.fromkeys([*(note for one in imports.values() for note in one.notes), *summary.notes]):
        say(f"note: {note}", "yellow")
    say(f"In {short(store.root)}/: scores/ (a row for every image), {', '.join(written)}")
    if not summary.computed:
        say(f"Nothing to import: all {summary.present} cells were there before.", "green")
    if summary.problems:
        describe_problems(summary, store, say)
        raise typer.Exit(1)
