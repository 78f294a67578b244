"""``bench run``: score test sets with detectors, and make the tables."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from forenbench.front.bars import RunProgress
from forenbench.front.evaluation import Evaluated, Evaluation, of_table
from forenbench.scoring.gathering import Means, Request
from forenbench.scoring.interrupts import STOPPED, stopping
from forenbench.scoring.requested import Files
from forenbench.scoring.working import EngineChoice

from . import options as o
from .console import say, show, split, width

_PROTOCOL = "Which files count: all, univfd-official, cnndetection-official, lgrad-official."
_PERTURBATIONS = "Comma-separated; chains with '+': none,jpeg:75+blur:1.0; suites: paper:lgrad-4."
_TRAINED_ON = (
    "What weights that are not the published ones have seen, as test sets are called: tables star it."
)
_EQUALISE = "Also re-encode all images alike: jpeg:96, size, size+jpeg:96; see 'bench table equalised'."


def run(  # noqa: PLR0913 - a command's options are its arguments
    detectors: Annotated[
        str | None,
        typer.Option(
            help="Detectors, comma-separated: lgrad@sample,univfd:nn-k9,./mine.py.",
            show_default="lgrad,univfd",
        ),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            help="A dataset's or suite's name, or any folder, archive or manifest; may be repeated.",
            show_default="sample",
        ),
    ] = None,
    generators: o.Generators = "",
    perturbations: Annotated[str | None, typer.Option(help=_PERTURBATIONS, show_default="none")] = None,
    equalise: Annotated[str, typer.Option(help=_EQUALISE)] = "",
    experiment: Annotated[
        str, typer.Option(help="Run what a published table needs: lgrad-3; 'bench list tables' names them.")
    ] = "",
    protocol: Annotated[str, typer.Option(help=_PROTOCOL)] = "all",
    splits: o.Split = "",
    data_root: o.DataRoot = Path("data"),
    data: o.Data = None,
    checkpoints: Annotated[
        str,
        typer.Option(
            help="published or sample, of detectors without an @; by default sample on the sample dataset, "
            "else published."
        ),
    ] = "",
    weights: o.RepeatedPairs = None,
    unverified: o.Unverified = False,
    trained_on: Annotated[str, typer.Option(metavar="NAME,…", help=_TRAINED_ON)] = "",
    out: o.RunFolder = None,
    device: Annotated[str, typer.Option(help="auto (every GPU), cpu, cuda, mps, cuda:0,cuda:1.")] = "auto",
    limit: o.Limit = None,
    seed: Annotated[int, typer.Option(help="Seed of random perturbations.")] = 0,
    precision: Annotated[
        str, typer.Option(help="fp32, tf32 or bf16; part of the record, and faster on GPUs that have it.")
    ] = "fp32",
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Try detectors that fail on everything on the rest, too.")
    ] = False,
    readers: Annotated[
        int | None, typer.Option(min=0, help="Processes that read files.", show_default="as many as help")
    ] = None,
    feature_cache: Annotated[
        str, typer.Option(help="Room for features of encoders: 20GB; 0: keep none.", show_default="10GB")
    ] = "",
    engine: Annotated[
        str, typer.Option(help="local, ray (replicas on a Ray cluster), or one that a package adds.")
    ] = "local",
    address: Annotated[
        str, typer.Option(help="Of the Ray cluster; local starts one on this machine.")
    ] = "auto",
    replica_cpus: Annotated[
        int | None,
        typer.Option(min=1, help="Cores of each replica on the cluster.", show_default="one a thread"),
    ] = None,
) -> None:
    """Score every image with every detector, then show the table.

    Without options: the embedded sample dataset with the small checkpoints that come with it. What is already
    done is not done again; a stopped run goes on where it was.
    """
    say("loading")  # it takes seconds until there is more to say
    choice = EngineChoice(engine, device, readers, feature_cache, address, replica_cpus)
    if experiment:
        others = {"--detectors": detectors, "--dataset": dataset, "--generators": generators}
        request = of_table(experiment, {**others, "--perturbations": perturbations})
    else:
        request = Request(
            split("lgrad,univfd" if detectors is None else detectors),
            {name: split(generators) for name in dataset or ["sample"]},
            split("none" if perturbations is None else perturbations),
        )
    files = Files(weights or [], unverified, tuple(split(trained_on)))
    means = Means(data_root, files, checkpoints, "", limit, protocol, splits, o.parse_places(data))
    asked = Evaluation(request, means, choice, split(equalise), out, seed, precision, keep_going)
    progress = RunProgress()
    done = asked.carry_out(progress, partial(stopping, say))
    if progress.stopped():
        raise typer.Exit(STOPPED)
    _finish(request, done)


def _finish(request: Request, done: Evaluated) -> None:
    """Show the table, and say where everything is and what is not whole."""
    table, written = done.write_tables()
    show((done.paper_table(request.table) if request.table else table).to_text(width()))
    done.describe(written, say)
    if not done.is_whole:
        raise typer.Exit(1)
