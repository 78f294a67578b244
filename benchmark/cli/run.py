"""``bench run``: score test sets with detectors, and make the tables."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from forenbench.front.bars import RunProgress
from forenbench.front.evaluation import Evaluation
from forenbench.front.experiment import of_table
from forenbench.scoring.interrupts import STOPPED, stopping
from forenbench.scoring.requested import Files
from forenbench.scoring.run_request import Request
from forenbench.scoring.working import EngineChoice

from . import options as o
from .config_file import take_defaults
from .console import say, show, split, width
from .offers import made_ready

Config = Annotated[
    Path | None,
    typer.Argument(
        is_eager=True,
        callback=take_defaults,
        help="A TOML file with any of these options, which typed ones override; see docs/running.md.",
        show_default=False,
    ),
]
Detectors = Annotated[
    str | None,
    typer.Option(
        help="Detectors, comma-separated: lgrad@sample,univfd:nn-k9,./mine.py; all: every one that is "
        "installed.",
        show_default="lgrad,univfd",
    ),
]
Datasets = Annotated[
    list[str] | None,
    typer.Option(
        help="A dataset's or suite's name, any folder, archive or manifest, or "
        "hf://datasets/ORG/NAME@REVISION; may be repeated.",
        show_default="sample",
    ),
]
Perturbations = Annotated[
    str | None,
    typer.Option(
        help="Comma-separated; chains with '+': none,jpeg:75+blur:1.0; suites: paper:lgrad-4.",
        show_default="none",
    ),
]
Equalise = Annotated[
    str,
    typer.Option(
        help="Also re-encode all images alike: jpeg:96, size, size+jpeg:96 ('bench table equalised'); or "
        "single files: fake=jpeg:96, jpeg-like-reals ('bench table shortcut')."
    ),
]
Experiment = Annotated[
    str, typer.Option(help="Run what a published table needs: lgrad-3; 'bench list tables' names them.")
]
Checkpoints = Annotated[
    str,
    typer.Option(
        help="published or sample, of detectors without an @; by default sample on the sample dataset, else "
        "published."
    ),
]
TrainedOn = Annotated[
    str,
    typer.Option(
        metavar="NAME,…",
        help="What weights that are not the published ones have seen, as test sets are called: tables star "
        "it.",
    ),
]
Devices = Annotated[str, typer.Option(help="auto (every GPU), cpu, cuda, mps, cuda:0,cuda:1.")]
Seed = Annotated[int, typer.Option(help="Seed of random perturbations.")]
Precision = Annotated[
    str, typer.Option(help="fp32, tf32 or bf16; part of the record, and faster on GPUs that have it.")
]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", help="Try detectors that fail on everything on the rest, too.")
]
Readers = Annotated[
    int | None, typer.Option(min=0, help="Processes that read files.", show_default="as many as help")
]
FeatureRoom = Annotated[
    str, typer.Option(help="Room for features of encoders: 20GB; 0: keep none.", show_default="10GB")
]
Engine = Annotated[
    str, typer.Option(help="local, ray (replicas on a Ray cluster), or one that a package adds.")
]
Address = Annotated[str, typer.Option(help="Of the Ray cluster; local starts one on this machine.")]
ReplicaCores = Annotated[
    int | None, typer.Option(min=1, help="Cores of each replica on the cluster.", show_default="one a thread")
]


@o.grouped
def run(  # noqa: PLR0913 - a command's options are its arguments
    config: Config = None,
    detectors: Detectors = None,
    dataset: Datasets = None,
    images: o.Images = o.IMAGES,
    perturbations: Perturbations = None,
    equalise: Equalise = "",
    experiment: Experiment = "",
    checkpoints: Checkpoints = "",
    weights: o.RepeatedPairs = None,
    unverified: o.Unverified = False,
    trained_on: TrainedOn = "",
    allow_network: o.AllowNetwork = False,
    out: o.RunFolder = None,
    device: Devices = "auto",
    seed: Seed = 0,
    precision: Precision = "fp32",
    keep_going: KeepGoing = False,
    readers: Readers = None,
    feature_cache: FeatureRoom = "",
    engine: Engine = "local",
    address: Address = "auto",
    replica_cpus: ReplicaCores = None,
    fail_below: o.FailBelow = None,
    fail_above: o.FailAbove = None,
    style: o.Style = "text",
) -> None:
    """Score every image with every detector, then show the table.

    Without options: the embedded sample dataset with the small checkpoints that come with it. What is already
    done is not done again; a stopped run goes on where it was.
    """
    choice = EngineChoice(engine, device, readers, feature_cache, address, replica_cpus)
    wanted = split(images.generators)
    if experiment:
        others = {"--detectors": detectors, "--dataset": dataset, "--perturbations": perturbations}
        request = of_table(experiment, others, wanted)
    else:
        request = Request(
            split("lgrad,univfd" if detectors is None else detectors),
            dict.fromkeys(dataset or ["sample"], wanted),
            split("none" if perturbations is None else perturbations),
        )
    files = Files(weights or [], unverified, tuple(split(trained_on)), allow_network)
    means = images.choice.means(files, checkpoints)
    limits = fail_below or [], fail_above or []
    asked = made_ready(
        Evaluation(request, means, choice, split(equalise), out, seed, precision, keep_going, *limits)
    )
    say("loading")  # it takes seconds until there is more to say
    progress = RunProgress()
    done = asked.carry_out(progress, partial(stopping, say))
    if progress.stopped():  # by Ctrl-C: a table of half a run would look like one of all of it
        raise typer.Exit(STOPPED)
    table, written = done.write_tables()
    show((done.paper_table(request.table) if request.table else table).rendered(style, width()))
    done.describe(written, say)
    done.check()
    raise typer.Exit(0 if done.is_whole else 1)
