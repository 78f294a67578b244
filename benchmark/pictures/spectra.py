"""Average Fourier spectra of high-pass filtered images, as in Figure 7 of CNNDetection (CVPR 2020).

The paper shows "the average spectra of each high-pass filtered image". Its code was never published; what one
of the authors remembered of it (https://github.com/PeterWang512/CNNDetection/issues/21) is: 2,000 random
images, in grey, less their median over 5×5 pixels, fft2, and the logarithm of (magnitude + 1e-6). There the
complex spectra are averaged, which leaves only what has the same phase in every image; here the logarithms
are, so that a pattern shows whatever its phase, and no image outweighs the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

from forenbench.data.sources.folder import Folder, list_files, read_labels
from forenbench.errors import BenchError
from forenbench.images import UnreadableImage, decode
from forenbench.printable import readable
from forenbench.types import FAKE, REAL, Advance, Source, TestSet

from .heatmaps import grey

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 256
_MEDIAN = 5
_FLOOR = 1e-6
_DARKEST, _BRIGHTEST = 1, 99.9
"""Percentiles that become black and white."""


@dataclass(frozen=True, slots=True)
class Group:
    """Images that belong together."""

    name: str
    source: Source
    paths: tuple[str, ...]


@dataclass(slots=True)
class Spectrum:
    """The average spectrum of a group.

    Attributes:
        group: Its images.
        values: Mean of natural logarithms (side, side), zero frequency at (side // 2, side // 2).
        images: How many it is the mean of.
        left_out: Images that are not in it, and why.
    """

    group: Group
    values: NDArray[np.float64]
    images: int = 0
    left_out: list[str] = field(default_factory=list)


def log_spectrum(image: Image.Image, side: int = SIDE) -> NDArray[np.float64]:
    """Transform the middle of an RGB image.

    Args:
        image: Neither side is shorter than `side`.
        side: Of the square that is cut from the centre.

    Returns:
        Natural logarithm of the orthonormal spectrum's magnitude + 1e-6, (side, side), zero frequency at
        (side // 2, side // 2); one step is 1 / side cycles a pixel.

    Raises:
        ValueError: The image is smaller.
    """
    if min(image.size) < side:
        raise ValueError(f"{image.width}×{image.height} is smaller than {side}×{side}")
    left, top = (image.width - side) // 2, (image.height - side) // 2
    # Cropped before the median, so that every pixel of the square has the same filter, whatever lies around
    # it.
    plain = image.convert("L").crop((left, top, left + side, top + side))
    rest = np.asarray(plain, np.float64) - np.asarray(plain.filter(ImageFilter.MedianFilter(_MEDIAN)))
    # Orthonormal: spectra of squares of several sizes are then on one scale.
    return np.log(np.abs(np.fft.fftshift(np.fft.fft2(rest, norm="ortho"))) + _FLOOR)


def spectrum_picture(image: Image.Image, side: int | None = None) -> Image.Image:
    """Draw the spectrum of one RGB image in grey, over its own range; by default of the largest square."""
    values = log_spectrum(image, side or min(image.size))
    return grey(values, *scale([values]))


def average(group: Group, side: int = SIDE, advance: Advance = lambda what, done, total: None) -> Spectrum:
    """Average the spectra of a group's images.

    Args:
        group: The images.
        side: As in `log_spectrum`.
        advance: Told of progress.

    Raises:
        BenchError: Not one can be read and is large enough.
    """
    spectrum = Spectrum(group, np.zeros((side, side)))
    for done, path in enumerate(group.paths, 1):
        try:
            spectrum.values += log_spectrum(decode(group.source.read(path)), side)
            spectrum.images += 1
        except (OSError, UnreadableImage, ValueError) as error:
            spectrum.left_out.append(f"{readable(path)}: {error}")
        advance(f"spectrum of {group.name}", done, len(group.paths))
    if not spectrum.images:
        raise BenchError(
            f"no spectrum of {group.name}: of {len(group.paths)} images none can be used "
            f"({spectrum.left_out[0]}); a smaller side takes smaller ones"
        )
    spectrum.values /= spectrum.images
    return spectrum


def scale(spectra: Iterable[NDArray[np.float64]]) -> tuple[float, float]:
    """Choose the values that become black and white, the same ones for several spectra."""
    # Percentiles: a single bright dot, at the very middle or of a grid, would leave the rest black.
    black, white = np.percentile(np.stack(list(spectra)), (_DARKEST, _BRIGHTEST))
    return float(black), float(white)


def by_label(testsets: Iterable[TestSet]) -> Iterator[Group]:
    """Split test sets into their reals and fakes; reals that several share come once."""
    known = set()
    for testset in testsets:
        for label, word in ((REAL, "real"), (FAKE, "fake")):
            paths = tuple(sample.path for sample in testset.samples if sample.label == label)
            if paths and (testset.dataset, paths) not in known:
                known.add((testset.dataset, paths))
                yield Group(f"{testset.name}, {word}", testset.source, paths)


def unlabelled(folder: Path, limit: int) -> Group | None:
    """Take a folder in which nothing has a label as one group of at most `limit` images, evenly spaced."""
    findings = read_labels(list_files(folder) if folder.is_dir() else (), "")
    paths = findings.unlabelled
    if not paths or findings.samples:
        return None
    # Evenly spaced rather than the first: lists are sorted by name, and names often by kind.
    number = min(limit, len(paths))
    kept = tuple(paths[at * len(paths) // number] for at in range(number))
    return Group(readable(folder.resolve().name), Folder(folder), kept)
