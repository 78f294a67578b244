"""``bench show perturbation``: an image under several perturbations, side by side."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from forenbench.errors import BenchError
from forenbench.perturbations import draw_generator, parse_all
from forenbench.pictures.figures import strip

from .console import split
from .pictures import open_image, save

_SOME = "none,jpeg:75,jpeg:30,blur:2.0,downup:0.5,noise:8.0"
_PERTURBATIONS = "Perturbations, profiles or suites, comma-separated; chains with '+'."


def perturbation(
    image: Annotated[Path, typer.Argument(help="An image file.")],
    perturbations: Annotated[str, typer.Option(help=_PERTURBATIONS)] = _SOME,
    out: Annotated[Path, typer.Option(help="The PNG file to write.")] = Path("perturbations.png"),
    seed: Annotated[int, typer.Option(help="Seed of random perturbations, as in 'bench run'.")] = 0,
) -> None:
    """Draw an image under several perturbations, side by side, with what was drawn at random.

    The pixels are those that a run with the same seed gives its detectors.
    """
    wanted = parse_all(split(perturbations))
    if not wanted:
        raise BenchError("--perturbations names none; write 'none' for the image as it is")
    data, original = open_image(image)
    # Random changes draw on an image's content and the seed, in a run as here.
    identity = hashlib.sha256(data).hexdigest()
    pictures = []
    for one in wanted:
        draw = draw_generator(seed, one.name, identity)
        made = one.apply(original, draw)
        pictures.append(([one.name, f"{made.width} x {made.height}", *draw.text.split()], made))
    save(strip(pictures), out, ", ".join(one.name for one in wanted))
