"""``bench show spectrum``: what repeats in the images of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forenbench.data.catalogue import open_dataset
from forenbench.front.bars import RunProgress
from forenbench.pictures.figures import sheet
from forenbench.pictures.heatmaps import grey
from forenbench.pictures.spectra import average, by_label, scale, unlabelled

from . import options as o
from .console import say, split
from .pictures import save

_PER_ROW = 6
_TITLE = (
    "Mean of ln(|F| + 1e-6), F the orthonormal Fourier spectrum of grey less its 5 x 5 median, of the "
    "central {side} x {side} pixels. Frequency zero is in the middle, 0.5 cycles a pixel at the edges. "
    "Black is {black:.2f}, white {white:.2f} in all panels."
)
_SIDE = "Of the square cut from the centre of each image; smaller images are left out."


@o.grouped
def spectrum(  # noqa: PLR0913 - a command's options are its arguments
    source: Annotated[str, typer.Argument(help="A dataset's name, or a folder, archive or manifest.")],
    out: Annotated[Path, typer.Option(help="The PNG file to write.")] = Path("spectrum.png"),
    generators: Annotated[str, typer.Option(help="Only these test sets, comma-separated.")] = "",
    ruled: o.Ruled = o.RULED,
    data_root: o.DataRoot = Path("data"),
    side: Annotated[int, typer.Option(min=8, help=_SIDE)] = 256,
    limit: Annotated[int, typer.Option(min=1, help="At most N images per panel, evenly spaced.")] = 2000,
) -> None:
    """Draw the average spectra of high-pass filtered images, as CNNDetection's Figure 7 does.

    One panel for each label of each test set; a folder without labels is one panel. Dots and lines away from
    the middle are patterns that repeat in the images.
    """
    with RunProgress() as progress:
        # Tried first: a folder without labels is no dataset, but its images have a spectrum all the same.
        rules = ruled.rules
        whole = None if rules else unlabelled(Path(source), limit)
        groups = [whole] if whole else []
        if not whole:
            opened = open_dataset(
                source,
                data_root=data_root,
                generators=split(generators),
                limit=limit,
                rules=rules,
                advance=progress.files,
            )
            for dataset in opened:
                for note in dataset.notes:
                    say(f"note: {note}", "yellow")
                groups += by_label(dataset.testsets)
        spectra = [average(one, side, progress.files) for one in groups]
    # One scale for all panels: each stretched to its own, a clean one would look as spotted as the others.
    black, white = scale(one.values for one in spectra)
    panels = [
        ([one.group.name, f"{one.images} of {len(one.group.paths)} images"], grey(one.values, black, white))
        for one in spectra
    ]
    rows = [panels[start : start + _PER_ROW] for start in range(0, len(panels), _PER_ROW)]
    title = _TITLE.format(side=side, black=black, white=white)
    save(sheet(rows, title), out, "average spectra of " + "; ".join(one.group.name for one in spectra))
    left_out = [(one.group.name, why) for one in spectra for why in one.left_out]
    for name, why in left_out:
        say(f"left out of {name}: {why}", "yellow")
    if left_out:
        raise typer.Exit(1)
