"""``bench train probe``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from forenbench.detectors._nets.probe_backbones import PROBED
from forenbench.training.estimators import fit_estimator
from forenbench.training.probe import probe_estimator
from forenbench.training.recipes import UNIVFD_LC
from forenbench.training.request import gather

from . import shared_options as t
from .checkpoint_names import trained_on

_BACKBONE = f"Whose input, and which network: {', '.join(PROBED)}."


@t.takes_shared("epochs", "batch", "lr", "precision", "official_quirks", "save_every")
def probe(
    context: typer.Context,
    backbone: Annotated[str, typer.Option(help=_BACKBONE)] = "clip-vit-l14",
    name: t.Name = "",
) -> None:
    """Fit a logistic regression to features of a frozen backbone, each computed once."""
    options = t.Options.of(context)
    request = options.request(name or name_of(options, context.params))
    # A recipe says how networks are trained; any one will do where there is none.
    with t.running(options, UNIVFD_LC) as (run, files):
        encoding = t.encoding(backbone, files, run, half=False, among=PROBED)
        images = gather(request, run.processes, run.advance)
        path = fit_estimator(request, probe_estimator(encoding), images, run)
    t.tell(path, first=run.processes.first)


def name_of(options: t.Options, own: Mapping[str, Any]) -> str:
    """Name a head as the detector's variants are."""
    return f"probe-{own['backbone']}-{trained_on(options)}"
