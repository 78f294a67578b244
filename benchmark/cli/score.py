"""``bench score``: scores of single images or folders, without labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from forenbench.errors import BenchError
from forenbench.front.single import score_images
from forenbench.scoring.devices import choose_device
from forenbench.scoring.requested import Files, load_detectors

from . import options as o
from .console import say, show, split


def score(  # noqa: PLR0913 - a command's options are its arguments
    images: Annotated[list[Path], typer.Argument(help="Image files or folders.")],
    detectors: Annotated[
        str, typer.Option(help="Detectors, comma-separated: lgrad,tiny-ladeda@published.")
    ] = "lgrad,univfd",
    checkpoints: o.Checkpoints = "published",
    weights: o.Pairs = None,
    unverified: o.Unverified = False,
    allow_network: o.AllowNetwork = False,
    style: Annotated[str, typer.Option("--format", help="text, csv or json.")] = "text",
    device: o.Device = "auto",
) -> None:
    """Score images: one row per image and detector; a higher score means more likely generated."""
    if style not in ("text", "csv", "json"):
        raise BenchError(f"--format '{style}' is none of text, csv, json")
    device = choose_device(device)
    files = Files(weights or [], unverified, allow_network=allow_network)
    loaded = load_detectors(split(detectors), checkpoints, files, device)
    rows = score_images(images, loaded, device, say)
    if style == "json":  # by way of pandas, which writes NaN as null: Python's own NaN is no JSON
        show(json.dumps(json.loads(rows.to_json(orient="records")), indent=1, ensure_ascii=False))
    else:
        show(rows.to_csv(index=False) if style == "csv" else rows.to_string(index=False, na_rep=""))
    bad = int((rows["status"] != "ok").sum())
    if bad:
        say(f"{bad} of {len(rows)} rows are not scored; column 'error' says why", "yellow")
        raise typer.Exit(1)
