"""``bench train probe``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

import forenbench
from forenbench.cli.console import say, short
from forenbench.data.finding import MissingDataset
from forenbench.data.sources.locations import open_location
from forenbench.data.sources.rules import NO_RULES
from forenbench.data.sources.splits import TRAINED
from forenbench.detectors._nets.probe_backbones import PROBED
from forenbench.errors import BenchError
from forenbench.files.atomic import read_json
from forenbench.training.card import card_path
from forenbench.training.estimators import fit_estimator
from forenbench.training.probe import probe_estimator
from forenbench.training.recipes import UNIVFD_LC
from forenbench.training.request import TrainingRequest, gather, places
from forenbench.training.session import Running
from forenbench.types import REAL

from . import shared_options as t
from .checkpoint_names import trained_on

_BACKBONE = f"Whose input, and which network: {', '.join(PROBED)}."
_SHARE = "Share of --data that is kept for validation where there are no other images for it; 0: none."


@t.takes_shared("epochs", "batch", "lr", "precision", "official_quirks", "save_every")
def probe(
    context: typer.Context,
    backbone: Annotated[str, typer.Option(help=_BACKBONE)] = "clip-vit-l14",
    val_share: Annotated[float, typer.Option(min=0, max=0.9, help=_SHARE)] = 0.2,
    name: t.Name = "",
) -> None:
    """Fit a linear layer to a frozen backbone's features of your images, a fifth kept for validation.

    It is a logistic regression; each picture's features are computed once. Validation images share no origin
    with those of training; they are a manifest beside the checkpoint, with which the command at the end runs.
    """
    options = t.Options.of(context)
    request = options.request(name or name_of(options, context.params))
    # A recipe says how networks are trained; any one will do where there is none.
    with t.running(options, UNIVFD_LC) as (run, files):
        encoding = t.encoding(backbone, files, run, half=False, among=PROBED)
        request = _kept_apart(request, val_share, run)
        images = gather(request, run.processes, run.advance)
        path = fit_estimator(request, probe_estimator(encoding), images, run)
    t.tell(path, first=run.processes.first)
    if run.processes.first:
        _tell_use(path, f"{backbone}-progan", request)


def name_of(options: t.Options, own: Mapping[str, Any]) -> str:
    """Name a head as the detector's variants are."""
    return f"probe-{own['backbone']}-{trained_on(options)}"


def _kept_apart(request: TrainingRequest, share: float, run: Running) -> TrainingRequest:
    """Keep some of the training images for validation, where there are no others for it.

    Raises:
        BenchError: The images cannot be divided.
    """
    if not share or places(request)[1]:
        return request
    folder = request.out / f"{request.name}-split"
    words: Any = request.rules.to_json()
    with run.processes.in_turn():
        if run.processes.first:
            try:
                made = forenbench.split(
                    request.data,
                    folder,
                    val=share,
                    train=1 - share,
                    of=TRAINED,
                    seed=request.seed,
                    data_root=request.data_root,
                    progress=False,
                    **words,
                )
            except MissingDataset:
                raise
            except BenchError as error:
                raise BenchError(f"{error}; --val-share 0 keeps none for validation") from error
            kept = made.counts.set_index("split").loc["val"]
            run.note(f"kept for validation: {kept['real']} real and {kept['fake']} fake images")
            for note in made.notes:
                run.note(f"note: {note}")
    train, val = (str(folder / f"{split}.csv") for split in ("train", "val"))
    return replace(request, data=train, validation=val, rules=NO_RULES)


def _tell_use(path: Path, variant: str, request: TrainingRequest) -> None:
    """Say how well it does on images that it was not fitted to, and how to run it."""
    card = read_json(card_path(path)) or {}
    if (accuracy := card.get("validation_accuracy")) is not None:
        say(f"accuracy on the validation images: {100 * accuracy:.1f} %")
    words = ["bench", "run", "--detectors", f"probe:{variant}"]
    words += ["--weights", f"probe-{variant}={short(path)}"]
    if Path(request.data).suffix == ".csv" and not request.rules:  # what was kept apart above, mostly
        _, findings = open_location(Path(request.data))
        seen = dict.fromkeys(one.generator for one in findings.samples if one.label != REAL)
        words += ["--trained-on", ",".join(name.replace(",", r"\,") for name in seen)]
    words += ["--dataset", request.validation or "path/to/images"]
    say(f"run it: {shlex.join(words)}")
