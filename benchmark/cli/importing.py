"""``bench import``: other tools' scores become a detector column."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from forenbench.front.bars import RunProgress
from forenbench.front.evaluated import write_tables
from forenbench.front.importing import ScoreImport, score_columns

from . import options as o
from .console import say, show, split, width

File = Annotated[
    Path,
    typer.Argument(
        help="CSV, JSON Lines or Parquet: columns path, label, score; also generator, class, real_source, "
        "origin, status, error. --columns and --labels are about this file."
    ),
]
Detector = Annotated[
    str, typer.Option(help="What tables call the tool that made the scores. [needed without --scores]")
]
Scores = Annotated[
    str,
    typer.Option(
        help="Columns of scores, comma-separated: each is a detector of its own, of the column's name.",
        show_default="--detector's column score",
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
    threshold: Threshold = None,
    real_is_high: RealIsHigh = False,
    prefix: Prefix = "",
    trained_on: TrainedOn = "",
    out: o.RunFolder = None,
) -> None:
    """Take the scores of any tool or API into a run, as a detector of its own.

    Every row of the file stays a row; one without a usable score has failed, and says why.
    """
    choice = images.choice
    asked = ScoreImport(
        file=file,
        detectors=score_columns(detector, split(scores), (choice.columns or {}).get("score", "score")),
        dataset=dataset,
        out=out,
        threshold=threshold,
        real_is_high=real_is_high,
        prefix=prefix,
        perturbation=perturbation,
        trained_on=split(trained_on),
        dataset_name=dataset_name,
        generator=generator,
        **asdict(choice),
    )
    done = asked.carry_out(RunProgress())
    table, written = write_tables(done.store)
    show(table.to_text(width()))
    done.describe(written, say)
    if done.summary.problems:
        raise typer.Exit(1)
