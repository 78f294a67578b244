"""``bench train durall``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from forenbench.training.durall import durall_estimator
from forenbench.training.estimators import fit_estimator
from forenbench.training.recipes import LGRAD
from forenbench.training.request import gather

from . import shared_options as t
from .checkpoint_names import trained_on


@t.takes_shared("epochs", "batch", "lr", "precision", "official_quirks", "save_every")
def durall(
    context: typer.Context,
    features: Annotated[str, typer.Option(help="faces-hq, celeba or ffpp.")] = "celeba",
    classifier: Annotated[str, typer.Option(help="svm-rbf, svm-linear, svm-poly or logistic.")] = "svm-rbf",
    name: t.Name = "",
) -> None:
    """Fit Durall's classifier of radial spectra: a support vector machine or a logistic regression."""
    options = t.Options.of(context)
    how = durall_estimator(features, classifier, options.workers)
    request = options.request(name or name_of(options, context.params))
    # A recipe says how networks are trained; any one will do where there is none.
    with t.running(options, LGRAD) as (run, _):
        images = gather(request, run.processes, run.advance)
        path = fit_estimator(request, how, images, run)
    t.tell(path, first=run.processes.first)


def name_of(options: t.Options, own: Mapping[str, Any]) -> str:
    """Name a classifier as the detector's variants are."""
    return f"durall-{own['features']}-{own['classifier']}-{trained_on(options)}"
