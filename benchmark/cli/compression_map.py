"""``bench show compression-map``: which frequencies a detector of spectra finds fakes by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from forenbench.front.bars import RunProgress
from forenbench.pictures.compression import Search, compression_map
from forenbench.pictures.figures import sheet
from forenbench.pictures.heatmaps import grey, heat
from forenbench.pictures.spectra import scale

from . import options as o
from .pictures import LOADING, Loading, open_image, save

_IMAGES = "Files of generated images, some of which the detector finds."
_DETECTORS = "Detectors that judge spectra, comma-separated."
_PENALTY = "What taking all frequencies away costs, in units of the cross-entropy."
_TITLE = (
    "Which share of each frequency's magnitude was taken away so that the detector calls the images real: "
    "dark blue none, green half, dark red all. Beside it means of ln(1 + magnitude) of the spectra that it "
    "judges, on one scale. Frequency zero is in the middle, 0.5 cycles a pixel at the edges."
)


@o.grouped
def compression(  # noqa: PLR0913 - a command's options are its arguments
    images: Annotated[list[Path], typer.Argument(help=_IMAGES)],
    detectors: Annotated[
        str, typer.Option("--detector", "--detectors", help=_DETECTORS)
    ] = "bihpf:reimplemented-4class@published",
    steps: Annotated[int, typer.Option(min=1, help="Of the search, each on four of the images.")] = 200,
    penalty: Annotated[float, typer.Option(min=0, help=_PENALTY)] = 1.0,
    out: Annotated[Path, typer.Option(help="The PNG file to write.")] = Path("compression-map.png"),
    loading: Loading = LOADING,
) -> None:
    """Draw a detector's artefact compression map, learned against it on fakes, as BiHPF has it."""
    loaded, device = loading.load(detectors)
    opened, rows = [open_image(image)[1] for image in images], []
    for one in loaded:
        with RunProgress() as progress:
            search = Search(steps, penalty, device)
            found = compression_map(one.detector, opened, search, progress.files)
        # One scale for both, or what was taken would be stretched back.
        black, white = scale([found.before, found.after])
        called = [f"{number} of {len(opened)} called generated" for number in found.generated]
        taken = [one.name, f"{one.weights} weights", f"{found.values.mean():.1%} taken in the mean"]
        levels = Image.fromarray(np.rint(found.values * 255).astype(np.uint8))
        rows.append(
            [
                (["spectra as they are", called[0]], grey(found.before, black, white)),
                (taken, heat(levels)),
                (["what is left of them", called[1]], grey(found.after, black, white)),
            ]
        )
    save(sheet(rows, _TITLE), out, ", ".join(f"{one.name} ({one.weights})" for one in loaded))
