"""``bench run``: score test sets with detectors, and make the tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forenbench.errors import BenchError

from .console import say, short, show, split, width
from .loading import TRAINED_ON, UNVERIFIED, Files, choose_devices
from .places import Data, parse_places
from .progress import RunProgress
from .requests import (
    Gathered,
    Means,
    Request,
    Split,
    gather,
    joint_name,
    of_options,
    of_table,
    parse_perturbations,
    run_folder,
)

if TYPE_CHECKING:
    from forenbench.records.store import Store
    from forenbench.scoring.plan import RunSettings
    from forenbench.scoring.runner import Summary

_PROTOCOL = "Which files count: all, univfd-official, cnndetection-official, lgrad-official."
_PERTURBATIONS = "Comma-separated; chains with '+': none,jpeg:75+blur:1.0; suites: paper:lgrad-4."

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
    generators: Annotated[str, typer.Option(help="Only these generators, comma-separated.")] = "",
    perturbations: Annotated[str | None, typer.Option(help=_PERTURBATIONS, show_default="none")] = None,
    equalise: Annotated[str, typer.Option(help=_EQUALISE)] = "",
    experiment: Annotated[
        str, typer.Option(help="Run what a published table needs: lgrad-3; 'bench list tables' names them.")
    ] = "",
    protocol: Annotated[str, typer.Option(help=_PROTOCOL)] = "all",
    splits: Split = "",
    data_root: Annotated[Path, typer.Option(help="Where downloaded datasets lie.")] = Path("data"),
    data: Data = None,
    checkpoints: Annotated[
        str,
        typer.Option(
            help="published or sample, of detectors without an @; by default sample on the sample dataset, "
            "else published."
        ),
    ] = "",
    weights: Annotated[
        list[str] | None, typer.Option(help="A checkpoint file, as NAME=PATH; may be repeated.")
    ] = None,
    unverified: Annotated[bool, typer.Option("--unverified", help=UNVERIFIED)] = False,
    trained_on: Annotated[str, typer.Option(metavar="NAME,…", help=TRAINED_ON)] = "",
    out: Annotated[
        Path | None, typer.Option(help="Run folder.", show_default="results/runs/<dataset>")
    ] = None,
    device: Annotated[str, typer.Option(help="auto (every GPU), cpu, cuda, mps, cuda:0,cuda:1.")] = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="At most N images per label and test set.")] = None,
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
    from forenbench.records.store import Store
    from forenbench.scoring.numerics import check_precision
    from forenbench.scoring.plan import RunSettings
    from forenbench.scoring.runner import run as run_jobs
    from forenbench.tables import equalised

    from .companions import Workplace
    from .engines import EngineChoice, working
    from .interrupts import stopping
    from .reports import describe_dataset

    choice = EngineChoice(engine, device, readers, feature_cache, address, replica_cpus)
    if experiment:
        others = {"--detectors": detectors, "--dataset": dataset, "--generators": generators}
        request = of_table(experiment, {**others, "--perturbations": perturbations})
    else:
        request = of_options(detectors, dataset, generators, perturbations)
    devices = choose_devices(device) if engine == "local" else ["cpu"]  # others load elsewhere
    settings = RunSettings(parse_perturbations(request), seed, check_precision(precision), keep_going)
    equalised.check(split(equalise))
    files, places = Files(weights or [], unverified, tuple(split(trained_on))), parse_places(data)
    means = Means(data_root, files, checkpoints, devices[0], limit, protocol, splits, places)
    with RunProgress() as progress:
        gathered = gather(request, means, progress.files)
        _refuse_idle_statement(files, gathered)
        for job in gathered.jobs:
            describe_dataset(job.dataset, [one.detector for one in job.detectors])
        settings = _equalise(settings, split(equalise), gathered)
        _describe_absent(gathered)
        name = "papers" if experiment else joint_name(request.datasets)  # the papers' tables share cells
        store = Store(out or run_folder(name, protocol, limit, splits, precision))
        workplace = Workplace(request, means, settings, store, devices[1:])
        with stopping(say) as stop, working(choice, workplace, gathered) as scoring:
            summary = run_jobs(gathered.jobs, settings, store, scoring, progress, stop)
    if stop():
        raise typer.Exit(130)
    _finish(request, gathered, summary, store)


def _refuse_idle_statement(files: Files, gathered: Gathered) -> None:
    """Refuse a statement that would change nothing."""
    if files.trained_on and not any(one.is_replaced for job in gathered.jobs for one in job.detectors):
        raise BenchError(
            "--trained-on states what other weights than the published ones have seen, and this run has "
            "none; detectors state the rest themselves (trained_on)"
        )


def _equalise(settings: RunSettings, texts: list[str], gathered: Gathered) -> RunSettings:
    """Add the equalising perturbations, and say which they are."""
    from forenbench.tables import equalised

    facts = [fact for one in gathered.datasets for fact in one.facts.values()]
    perturbations = equalised.add(settings.perturbations, texts, facts)
    if texts:
        say(f"equalised: {', '.join(one.name for one in perturbations)}")
        for remark in equalised.remarks(perturbations, facts):
            say(f"  note: {remark}", "yellow")
    return replace(settings, perturbations=perturbations)


def _finish(request: Request, gathered: Gathered, summary: Summary, store: Store) -> None:
    """Show the table, and say where everything is and what is not whole."""
    from .reports import describe_problems, write_results

    text, written = write_results(store)
    show(_paper_table(request.table, store) if request.table else text)
    say(f"In {short(store.root)}/: scores/ (a row for every image), {', '.join(written)}")
    if not summary.computed:
        say(f"Nothing to compute: all {summary.present} cells were done before.", "green")
    if summary.problems:
        describe_problems(summary, store)
    if summary.unfinished:
        say(f"{summary.unfinished} cells are not done: the same command goes on with them.", "red")
    _describe_absent(gathered)
    if summary.problems or summary.unfinished or gathered.absent:
        raise typer.Exit(1)


def _paper_table(name: str, store: Store) -> str:
    """Lay out a published table from the rows of this run."""
    from forenbench.tables import measure
    from forenbench.tables.papers import lay_out, paper_tables
    from forenbench.tables.rendering import render

    table = paper_tables()[name]
    return render(lay_out(table, measure([store], by_class=table.by_class)), "text", width())


def _describe_absent(gathered: Gathered) -> None:
    """Name what a published table needs and is not here."""
    if gathered.absent:
        say("Not run, for want of:", "yellow")
    for lack in gathered.absent:
        say(f"  {lack}")
