"""``bench show gradient|cam|patches``: images as detectors see them, and where they find what decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from PIL.Image import Image

from forenbench.errors import BenchError
from forenbench.files.atomic import replacing
from forenbench.files.regular import irregular
from forenbench.front.bars import RunProgress
from forenbench.images import UnreadableImage, decode
from forenbench.pictures import gradient_picture, judged_picture, seen
from forenbench.pictures.cam import activation_map
from forenbench.pictures.figures import sheet
from forenbench.pictures.heatmaps import heat, overlay
from forenbench.pictures.patch_maps import patch_map, patch_overlay
from forenbench.plugins.loaded import LoadedDetector
from forenbench.scoring.devices import choose_device
from forenbench.scoring.requested import Files, load_detectors

from . import options as o
from .console import say, short, split

_IMAGES = "Image files; a row for each."
_OUT = "The PNG file to write."
_CHECKPOINTS = "sample or published: the weights of detectors without an @ (lgrad@published)."
_DEVICE = "auto, cpu, cuda or mps."
_JUDGES = "Detectors that judge gradient pictures, comma-separated."
_PATCHES = "Detectors that judge patches, comma-separated."
_NETWORKS = "Detectors with a convolutional network, comma-separated."

_GRADIENT_TITLE = (
    "Images as the detector sees them, and their 8-bit gradient pictures: each is stretched from its own "
    "least value (0) to its greatest (255). Heat maps of red, green and blue: dark blue is 0, green 128, "
    "dark red 255."
)
_CAM_TITLE = (
    "Class activation maps over the image as the detector sees it. Red speaks for generated, blue for real; "
    "the value named has the full colour. Where a network averages its last feature map, the mean of the "
    "map is the logit less the bias."
)
_PATCH_TITLE = (
    "What the detector says of each patch, over the image as it sees it: the probability of generated is 1 "
    "in full red, 0.5 where clear, 0 in full blue, and interpolated between the middles of patches."
)

Panel = tuple[list[str], Image]
"""A picture under its lines of text."""


@dataclass(frozen=True)
class Loading:
    """Options that say which weights detectors get, and where they compute (see `grouped`)."""

    checkpoints: Annotated[str, typer.Option(help=_CHECKPOINTS)] = "sample"
    weights: o.RepeatedPairs = None
    unverified: o.Unverified = False
    device: Annotated[str, typer.Option(help=_DEVICE)] = "auto"

    def load(self, detectors: str) -> tuple[list[LoadedDetector], str]:
        """Load detectors, comma-separated, on the device that is returned with them."""
        device = choose_device(self.device)
        files = Files(self.weights or [], self.unverified)
        return load_detectors(split(detectors), self.checkpoints, files, device), device


LOADING = Loading()


@o.grouped
def gradient(
    images: Annotated[list[Path], typer.Argument(help=_IMAGES)],
    detectors: Annotated[str, typer.Option("--detector", "--detectors", help=_JUDGES)] = "lgrad",
    out: Annotated[Path, typer.Option(help=_OUT)] = Path("gradient.png"),
    loading: Loading = LOADING,
) -> None:
    """Draw images beside their gradient pictures, as LGrad's Figure 1 does.

    The pixels are those that the detector's classifier gets; heat maps of red, green and blue follow.
    """
    loaded, device = loading.load(detectors)
    rows = []
    for image in _drawing(images):
        _, original = open_image(image)
        for one in loaded:
            made = gradient_picture(one.detector, original, device)
            # By channel, too: a pattern in one of them alone is hard to see in the mix of the three.
            channels = zip(("red", "green", "blue"), made.split(), strict=True)
            label = [one.name, f"{one.weights} weights, {_size(made)}"]
            row = [(_about(image, original), seen(one.detector, original)), (label, made)]
            rows.append(row + [([name], heat(channel)) for name, channel in channels])
    save(sheet(rows, _GRADIENT_TITLE), out, ", ".join(f"{one.name} ({one.weights})" for one in loaded))


@o.grouped
def cam(
    images: Annotated[list[Path], typer.Argument(help=_IMAGES)],
    detectors: Annotated[
        str, typer.Option("--detector", "--detectors", help=_NETWORKS)
    ] = "cnndetection,lgrad",
    out: Annotated[Path, typer.Option(help=_OUT)] = Path("cam.png"),
    loading: Loading = LOADING,
) -> None:
    """Draw where detectors find what they decide by (class activation maps), as in LGrad's Figure 3.

    Red places speak for "generated", blue ones for "real". Beside the map of a detector that judges gradient
    pictures stands the picture.
    """
    loaded, device = loading.load(detectors)

    def panels(one: LoadedDetector, original: Image) -> list[Panel]:
        found = activation_map(one.detector, original, device)
        made = judged_picture(one.detector, original, device)
        judged: list[Panel] = [] if made is None else [([f"gradient of {one.name}", _size(made)], made)]
        # The map's own size is told: over 224 pixels, one of 7 x 7 points at no more than 49 squares.
        height, width = found.values.shape
        output = f"{'logit' if found.is_logit else 'score'} {found.output:+.2f}, map {width} x {height}"
        label = [one.name, output, f"{one.weights} weights; full colour: {abs(found.values).max():.3g}"]
        return [*judged, (label, overlay(seen(one.detector, original), found.values))]

    rows = _rows(images, loaded, panels)
    save(sheet(rows, _CAM_TITLE), out, ", ".join(f"{one.name} ({one.weights})" for one in loaded))


@o.grouped
def patches(
    images: Annotated[list[Path], typer.Argument(help=_IMAGES)],
    detectors: Annotated[
        str, typer.Option("--detector", "--detectors", help=_PATCHES)
    ] = "patchfor@published",
    out: Annotated[Path, typer.Option(help=_OUT)] = Path("patches.png"),
    loading: Loading = LOADING,
) -> None:
    """Draw what a detector says of each patch of an image (patch-forensics' heat maps).

    Red patches look generated, blue ones real; the scale is the same for all images.
    """
    loaded, device = loading.load(detectors)

    def panels(one: LoadedDetector, original: Image) -> list[Panel]:
        found = patch_map(one.detector, original, device)
        height, width = found.shape
        spread = f"{found.min():.3f} to {found.max():.3f}, mean {found.mean():.3f}"
        label = [one.name, f"{one.weights} weights, {width} x {height} patches", spread]
        return [(label, patch_overlay(one.detector, original, found))]

    rows = _rows(images, loaded, panels)
    save(sheet(rows, _PATCH_TITLE), out, ", ".join(f"{one.name} ({one.weights})" for one in loaded))


def _rows(
    images: list[Path],
    loaded: list[LoadedDetector],
    panels: Callable[[LoadedDetector, Image], list[Panel]],
) -> list[list[Panel]]:
    """Make a row for each image: itself, and what each detector shows of it."""
    rows = []
    for image in _drawing(images):
        _, original = open_image(image)
        shown = [panel for one in loaded for panel in panels(one, original)]
        rows.append([(_about(image, original), original), *shown])
    return rows


def _drawing(images: list[Path]) -> Iterator[Path]:
    """Show how many of the images are drawn: a gradient of a large network takes seconds."""
    with RunProgress() as progress:
        for number, image in enumerate(images):
            progress.files("drawing", number, len(images))
            yield image


def open_image(file: Path) -> tuple[bytes, Image]:
    """Read and decode a file that was named."""
    if why := irregular(file):  # a pipe would be waited for without an end
        raise BenchError(f"{file} cannot be read: {why}")
    try:
        data = file.read_bytes()
        return data, decode(data)
    except OSError as error:
        raise BenchError(f"{file} cannot be read: {error.strerror}") from error
    except UnreadableImage as error:
        raise BenchError(f"{file}: {error}") from error


def save(picture: Image, out: Path, what: str) -> None:
    """Write a PNG file, and say so."""
    try:
        with replacing(out) as partial:
            # Named: the temporary file does not end in .png, from which Pillow would tell the format.
            picture.save(partial, "PNG")
    except OSError as error:
        raise BenchError(f"cannot write '{out}': {error.strerror}") from error
    say(f"wrote {short(out)}: {what}", "green")


def _about(path: Path, image: Image) -> list[str]:
    """Label an image."""
    return ["/".join(path.parts[-3:]), _size(image)]


def _size(image: Image) -> str:
    return f"{image.width} x {image.height}"
