"""``bench import``: other tools' scores become a detector column."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from forenbench.errors import BenchError
from forenbench.front.bars import RunProgress
from forenbench.front.evaluation import write_tables
from forenbench.front.importing import ScoreImport, score_columns
from forenbench.types import FAKE, REAL

from . import options as o
from .console import say, show, split, width

File = Annotated[
    Path,
    typer.Argument(
        help="CSV, JSON Lines or Parquet: columns path, label, score; also generator, class, real_source, "
        "origin, status, error."
    ),
]
Detector = Annotated[
    str, typer.Option(help="What tables call the tool that made the scores. [needed without --scores]")
]
Scores = Annotated[
    str,
    typer.Option(
        help="Columns of scores, comma-separated: each is a detector of its own, of the column's name.",
        show_default="--detector's --score-column",
    ),
]
DatasetOption = Annotated[
    str,
    typer.Option(help="The dataset these images are of, by name or path: rows are matched with it by path."),
]
Perturbation = Annotated[
    str,
    typer.Option(help="What had been done to the images that were scored, as in 'bench run': jpeg:90."),
]
ImagesName = Annotated[
    str, typer.Option(help="Without --dataset: what tables call these images.", show_default="the file's")
]
Generator = Annotated[
    str,
    typer.Option(help="Without --dataset: of fakes whose row names none.", show_default="--dataset-name"),
]
Label = Annotated[
    str,
    typer.Option(help="What the file's labels mean, as ai=1,human=0; 0, 1, real and fake are known."),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        help="Scores beyond it mean generated; needed for scores outside [0, 1].", show_default="0.5"
    ),
]
RealIsHigh = Annotated[bool, typer.Option("--real-is-high", help="High scores mean real: turn them round.")]
Prefix = Annotated[str, typer.Option(help="Remove this from the beginning of the file's paths.")]
TrainedOn = Annotated[
    str,
    typer.Option(
        metavar="NAME,…",
        help="What the detector has seen, comma-separated, as test sets are called: tables star it.",
    ),
]


@dataclass(frozen=True)
class Columns:
    """Options that say what the file calls its columns (see `forenbench.cli.options.grouped`)."""

    path_column: Annotated[str, typer.Option(help="The file's name of the column.")] = "path"
    label_column: Annotated[str, typer.Option(help="The same for labels.")] = "label"
    score_column: Annotated[str, typer.Option(help="The same for scores.")] = "score"
    generator_column: Annotated[str, typer.Option(help="The same for generators.")] = "generator"
    class_column: Annotated[str, typer.Option(help="The same for classes.")] = "class"
    real_source_column: Annotated[str, typer.Option(help="The same for sources of reals.")] = "real_source"
    origin_column: Annotated[str, typer.Option(help="The same for origins: photographs, videos.")] = "origin"
    status_column: Annotated[str, typer.Option(help="The same for ok, failed, unreadable.")] = "status"


COLUMNS = Columns()


@o.grouped
def import_scores(  # noqa: PLR0913 - a command's options are its arguments
    file: File,
    detector: Detector = "",
    scores: Scores = "",
    dataset: DatasetOption = "",
    images: o.Images = o.IMAGES,
    perturbation: Perturbation = "none",
    dataset_name: ImagesName = "",
    generator: Generator = "",
    label: Label = "",
    threshold: Threshold = None,
    real_is_high: RealIsHigh = False,
    columns: Columns = COLUMNS,
    prefix: Prefix = "",
    trained_on: TrainedOn = "",
    out: o.RunFolder = None,
) -> None:
    """Take the scores of any tool or API into a run, as a detector of its own.

    Every row of the file stays a row; one without a usable score has failed, and says why.
    """
    labels = {}
    for pair in split(label):
        word, _, value = pair.partition("=")
        if value.strip() not in ("0", "1"):
            raise BenchError(f"--label '{pair}' is not WORD=0 (real) or WORD=1 (fake)")
        labels[word] = FAKE if value.strip() == "1" else REAL
    asked = ScoreImport(
        file=file,
        detectors=score_columns(detector, split(scores), columns.score_column),
        dataset=dataset,
        out=out,
        columns={name.removesuffix("_column"): own for name, own in asdict(columns).items()},
        labels=labels,
        threshold=threshold,
        real_is_high=real_is_high,
        prefix=prefix,
        perturbation=perturbation,
        trained_on=split(trained_on),
        dataset_name=dataset_name,
        generator=generator,
        **asdict(images.choice),
    )
    done = asked.carry_out(RunProgress())
    table, written = write_tables(done.store)
    show(table.to_text(width()))
    done.describe(written, say)
    if done.summary.problems:
        raise typer.Exit(1)
