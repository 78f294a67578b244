"""``bench train``: the official recipes, and the checkpoints that come with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from forenbench.errors import BenchError
from forenbench.sample.recipe import train_all
from forenbench.training import learners
from forenbench.training.bank import Share, make_bank
from forenbench.training.lgrad import Gradients, cache_of, prepare
from forenbench.training.recipes import CNNDETECTION, LGRAD, UNIVFD_LC, Augmentation
from forenbench.training.request import gather
from forenbench.training.session import train
from forenbench.training.starts import fill
from forenbench.training.univfd import probe

from . import training as t
from .console import say, short
from .progress import TrainingProgress
from .recipe_names import bank_name, cnndetection_name, lgrad_name, probe_name

app = typer.Typer(help="Train checkpoints.", no_args_is_help=True)

_END_TO_END = "Train the backbone, too: the paper's ViT:CLIP (B+J 0.5)."
_AUG = "As elsewhere; off: no crop or flip at random either, features made once."
_INIT = "random, or a file of what is trained, to start from."
_CONTINUE = "Go on with the optimiser's state and the steps of --init's file, too."
_CACHE = "Where gradient pictures stay, as PNG; off: they are made anew in each epoch."


@app.callback()
def _group() -> None:
    """Train checkpoints."""


@app.command()
def sample(
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = Path("sample-weights"),
) -> None:
    """Train the sample dataset's generators and detectors from nothing (half an hour on two cores)."""
    with TrainingProgress() as progress:
        train_all(out, progress.report)
    say(f"wrote {short(out)}/; copy the files over benchmark/sample/weights to ship them")


@app.command()
@t.takes_shared()
def cnndetection(
    context: typer.Context,
    aug: t.Aug = "blur_jpg:0.5",
    init: t.Init = "imagenet",
    continuing: Annotated[bool, typer.Option("--continue", help=_CONTINUE)] = False,
    name: t.Name = "",
) -> None:
    """Train CNNDetection's ResNet-50: blur and JPEG augmentation, early stopping on validation accuracy."""
    if continuing and init in learners.INITIALISATIONS:  # neither has an optimiser's state
        raise BenchError(
            f"--continue goes on from a checkpoint file, and --init is {init}: name the file there"
        )
    options = t.Options.of(context)
    recipe = options.adapted(CNNDETECTION, augmentation=Augmentation.parse(aug))
    request = options.request(name or cnndetection_name(options, aug))
    with t.running(options, recipe) as (run, files):
        network, start = learners.classifier(recipe, init, options.seed, files)
        learner = learners.cnndetection(recipe, network, start.facts)
        if continuing:
            learner.begun = start.begun()
            learner.facts["initialisation"] = "file, optimiser and steps included"
        images = gather(request, run.processes, run.advance)
        # Not called where the training is finished already: LGrad's, below, makes all gradient pictures.
        path = train(request, learner, images, lambda: images, run)
    t.tell(path, first=run.processes.first)


@app.command()
@t.takes_shared("official_quirks")
def lgrad(
    context: typer.Context,
    transformation: Annotated[str, typer.Option(help="Whose gradients.")] = "stylegan-bedroom",
    gradient_cache: Annotated[str, typer.Option(help=_CACHE, show_default="OUT/gradients")] = "",
    init: t.Init = "imagenet",
    name: t.Name = "",
) -> None:
    """Train LGrad's ResNet-50 on gradient pictures of a frozen network; the last epoch is the result."""
    options = t.Options.of(context)
    recipe = options.adapted(LGRAD)
    request = options.request(name or lgrad_name(options, transformation))
    with t.running(options, recipe) as (run, files):
        gradients = Gradients.of(transformation, files)
        network, start = learners.classifier(recipe, init, options.seed, files)
        images = gather(request, run.processes, run.advance, validate=bool(options.val))
        cache = cache_of(gradient_cache, transformation, options.out)
        shown, learner = prepare(gradients, cache, images, (network, start.facts), run)
        path = train(request, learner, images, shown, run)
    t.tell(path, first=run.processes.first)


@app.command("univfd-lc")
@t.takes_shared()
def univfd_lc(  # noqa: PLR0913 - a command's options are its arguments
    context: typer.Context,
    backbone: t.Backbone = "clip-vit-l14",
    end_to_end: Annotated[bool, typer.Option("--end-to-end", help=_END_TO_END)] = False,
    aug: Annotated[str, typer.Option(help=_AUG)] = "blur_jpg:0.5",
    init: Annotated[str, typer.Option(help=_INIT)] = "random",
    name: t.Name = "",
) -> None:
    """Train UnivFD's linear layer on a frozen backbone, or (--end-to-end) both together."""
    once = aug == "off"  # features are then made once, of the centre crop: a random crop needs new ones
    if once and end_to_end:
        raise BenchError("--aug off keeps features, and with --end-to-end they change: write --aug none")
    options = t.Options.of(context)
    changes: dict[str, Any] = {"flip": 0.0, "resize": None} if once else {}
    recipe = options.adapted(UNIVFD_LC, augmentation=Augmentation.parse("none" if once else aug), **changes)
    request = options.request(name or probe_name(backbone, end_to_end=end_to_end))
    with t.running(options, recipe) as (run, files):
        encoding = t.encoding(backbone, files, run, half=False)
        images = gather(request, run.processes, run.advance)
        shown, learner = probe(request, encoding, images, "end-to-end" if end_to_end else aug, run)
        if init != "random":
            facts = fill(learner.network, init, files).facts
            learner.facts |= {**facts, "checkpoints": facts["checkpoints"] | learner.facts["checkpoints"]}
        path = train(request, learner, images, shown, run)
    t.tell(path, first=run.processes.first)


@app.command("univfd-nn")
@t.takes_shared("val", "epochs", "batch", "lr", "precision", "official_quirks", "save_every")
def univfd_nn(
    context: typer.Context,
    backbone: t.Backbone = "clip-vit-l14",
    shards: Annotated[
        str, typer.Option(help="I/N: make the I-th of N shares; the last process to finish joins them.")
    ] = "",
    shard_size: Annotated[int, typer.Option(min=1, help="Images whose features go to one file.")] = 8192,
    name: t.Name = "",
) -> None:
    """Make UnivFD's bank for nearest neighbours: features of all training images, centre crop."""
    options = t.Options.of(context)
    request = options.request(name or bank_name(backbone))
    with t.running(options, UNIVFD_LC) as (run, files):
        encoding = t.encoding(backbone, files, run, half=True)
        images = gather(request, run.processes, run.advance, validate=False)
        processes = run.processes
        share = (
            Share.parse(shards, shard_size) if shards else Share(processes.rank, processes.count, shard_size)
        )
        path = make_bank(request, images, encoding, share, run)
    t.tell(path, first=run.processes.first or path is not None)
