"""``bench score``: scores of single images or folders, without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forenbench.files.json_documents import document
from forenbench.front.single import check_images, score_images
from forenbench.scoring.devices import check_device, choose_device
from forenbench.scoring.requested import Files, check_detectors, load_detectors

from . import options as o
from .console import say, show, split
from .offers import typed


def score(  # noqa: PLR0913 - a command's options are its arguments
    images: Annotated[list[Path], typer.Argument(help="Image files or folders.")],
    detectors: Annotated[
        str, typer.Option(help="Detectors, comma-separated: lgrad,tiny-ladeda@published.")
    ] = "lgrad,univfd",
    checkpoints: o.Checkpoints = "published",
    weights: o.Pairs = None,
    unverified: o.Unverified = False,
    allow_network: o.AllowNetwork = False,
    style: o.RowStyle = "text",
    device: o.Device = "auto",
) -> None:
    """Score images: one row per image and detector; a higher score means more likely generated."""
    # Each of these answers at once; what comes after imports PyTorch.
    check_images(images)
    check_device(device)
    with typed():
        check_detectors(split(detectors), checkpoints, Files(weights or [], unverified))
    device = choose_device(device)
    files = Files(weights or [], unverified, allow_network=allow_network)
    loaded = load_detectors(split(detectors), checkpoints, files, device)
    rows = score_images(images, loaded, device, say)
    if style == "json":
        show(document("scores", scores=rows))
    else:
        show(rows.to_csv(index=False) if style == "csv" else rows.to_string(index=False, na_rep=""))
    bad = int((rows["status"] != "ok").sum())
    if bad:
        say(f"{bad} of {len(rows)} rows are not scored; column 'error' says why", "yellow")
        raise typer.Exit(1)
