"""``bench train univfd-lc`` and ``univfd-nn``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from forenbench.errors import BenchError
from forenbench.training.bank import Share, make_bank
from forenbench.training.recipes import UNIVFD_LC, Augmentation
from forenbench.training.request import gather
from forenbench.training.starts import fill
from forenbench.training.supervised import train
from forenbench.training.univfd import probe

from . import shared_options as t

_END_TO_END = "Train the backbone, too: the paper's ViT:CLIP (B+J 0.5)."
_AUG = "As elsewhere; off: no crop or flip at random either, features made once."
_INIT = "random, or a file of what is trained, to start from."


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
    request = options.request(name or name_of_univfd_lc(options, context.params))
    with t.running(options, recipe) as (run, files):
        encoding = t.encoding(backbone, files, run, half=False)
        images = gather(request, run.processes, run.advance)
        shown, learner = probe(request, encoding, images, "end-to-end" if end_to_end else aug, run)
        if init != "random":
            facts = fill(learner.network, init, files).facts
            learner.facts |= {**facts, "checkpoints": facts["checkpoints"] | learner.facts["checkpoints"]}
        path = train(request, learner, images, shown, run)
    t.tell(path, first=run.processes.first)


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
    request = options.request(name or name_of_univfd_nn(options, context.params))
    with t.running(options, UNIVFD_LC) as (run, files):
        encoding = t.encoding(backbone, files, run, half=True)
        images = gather(request, run.processes, run.advance, validate=False)
        processes = run.processes
        share = (
            Share.parse(shards, shard_size) if shards else Share(processes.rank, processes.count, shard_size)
        )
        path = make_bank(request, images, encoding, share, run)
    t.tell(path, first=run.processes.first or path is not None)


def name_of_univfd_lc(options: t.Options, own: Mapping[str, Any]) -> str:
    """Name a head on a backbone as the detector's variants are."""
    main = own["backbone"] == "clip-vit-l14"
    if own["end_to_end"]:
        return "univfd-finetuned" if main else f"univfd-{own['backbone']}-finetuned"
    return "univfd-lc-own" if main else f"univfd-{own['backbone']}-head"


def name_of_univfd_nn(options: t.Options, own: Mapping[str, Any]) -> str:
    """Name a bank of a backbone's features as the detector's variants are."""
    return "univfd-bank" if own["backbone"] == "clip-vit-l14" else f"univfd-{own['backbone']}-bank"
