"""Every kind of perturbation, with the values it takes.

A kind is a function of an RGB image, of its value where it has one, and of the image's draw where it is
random. It returns an RGB image and leaves its input as it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from PIL import Image

from . import codecs, colours, filters, frank, gaussian, geometry, reaches


def nothing_lacks() -> str:
    """Say that a kind needs nothing that may be absent."""
    return ""


def more_is_worse(value: float) -> float:
    """Order values where larger ones do more harm: the deviation of a blur."""
    return value


def less_is_worse(value: float) -> float:
    """Order values where smaller ones do more harm: the quality of a JPEG."""
    return -value


def far_from_one_is_worse(value: float) -> float:
    """Order factors and exponents, of which 1 changes nothing, and a half as much as 2."""
    return abs(math.log(value))


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of `KINDS`.

    Attributes:
        apply: Maps the image, then the value if there is one, then the draw if it is random, to a new image.
        description: For ``bench list perturbations``.
        symbol: Name of the value in `syntax`; empty for a kind without one.
        number: Type of the value, which also rules how it is spelled: ``jpeg:75``, ``blur:1.0``.
        low: Smallest value allowed.
        high: Largest value allowed.
        harm: Maps a value to a number that grows with the harm it does, such as `less_is_worse`. Levels are
            drawn in this order; None, of a kind without a value: there is none.
        random: Whether it draws.
        lack: Says what this machine lacks for it; empty where it has all.
        version: Of a kind that a package adds: change it whenever pixels change, for it is part of the name
            under which rows are kept. Our own have none; a file's is the file's sha256.
        reach: What of the image decides a part of the result, see `reaches`; None, as of all that packages
            and files add: all of it, or the size changes.
    """

    name: str
    apply: Callable[..., Image.Image]
    description: str
    symbol: str = ""
    number: type[int] | type[float] = float
    low: float = 0
    high: float = 0
    harm: Callable[[float], float] | None = None
    random: bool = False
    lack: Callable[[], str] = nothing_lacks
    version: str = ""
    reach: Callable[..., reaches.Box] | None = None

    @property
    def family(self) -> str:
        """Its name with its version, as in tables: ``jpeg``, ``pixelate@2``."""
        return f"{self.name}@{self.version}" if self.version else self.name

    def __post_init__(self) -> None:
        # Without an order of harm, curves and the robustness table would guess: a pixelate:N drawn like a
        # jpeg:Q has its axis the wrong way round.
        if self.symbol and self.harm is None:
            raise ValueError(f"{self.syntax}: harm= has to say which values are worse, such as less_is_worse")

    @property
    def syntax(self) -> str:
        """How to write it, such as ``jpeg:Q``."""
        return f"{self.name}:{self.symbol}" if self.symbol else self.name

    @property
    def range(self) -> str:
        """The values allowed, in words; empty for a kind without one."""
        if not self.symbol:
            return ""
        return f"{'whole' if self.number is int else 'decimal'} number from {self.low} to {self.high}"


def _codec(
    name: str,
    recode: Callable[[Image.Image, int], Image.Image],
    description: str,
    lack: Callable[[], str] = nothing_lacks,
    reach: Callable[..., reaches.Box] | None = None,
) -> Kind:
    """Make a kind whose value is a codec's quality."""
    return Kind(name, recode, description, "Q", int, 1, 100, less_is_worse, lack=lack, reach=reach)


def _crop(name: str, cut: Callable[..., Image.Image], description: str, random: bool = False) -> Kind:
    """Make a kind that keeps a fraction of each side."""
    description = f"{description}, sides times F"
    return Kind(name, cut, description, "F", float, 0.01, 1, less_is_worse, random)


def _frank(name: str, change: Callable[..., Image.Image], description: str) -> Kind:
    """Make a kind that changes every second image."""
    # No value: the official code draws the strength for each image, and LGrad's table has no levels.
    apply = partial(frank.every_second, change=change)
    return Kind(f"frank-{name}", apply, f"every 2nd image: {description}", random=True)


def _of_each_kernel(kind: Kind) -> Iterator[Kind]:
    """Make a kind that resizes once for each kernel, which its function takes as a keyword."""
    for kernel in geometry.KERNELS:
        # The short name is bilinear's, the default of torchvision's Resize, which most detectors use.
        ending = "" if kernel == "bilinear" else f"-{kernel}"
        apply, description = partial(kind.apply, kernel=kernel), f"{kind.description}, {kernel}"
        yield replace(kind, name=f"{kind.name}{ending}", apply=apply, description=description)


# In the order of `bench list perturbations`.
KINDS = (
    Kind("none", Image.Image.copy, "the image as it is"),
    _codec("jpeg", codecs.jpeg, "JPEG of quality Q, 4:2:0 (Pillow)", reach=reaches.jpeg),
    _codec("jpeg-cv2", codecs.jpeg_opencv, "the same with OpenCV", codecs.lack_of_opencv, reach=reaches.jpeg),
    _codec("webp", codecs.webp, "lossy WebP of quality Q (Pillow)"),
    _codec("avif", codecs.avif, "AVIF of quality Q (Pillow)", codecs.lack_of_avif),
    Kind("shift", geometry.shift, "1 to 7 pixels cut off left and top: moves JPEG's blocks", random=True),
    Kind(
        "blur",
        gaussian.blur,
        "Gaussian blur, truncated to 8 bits as in CNNDetection",
        "SIGMA",
        float,
        0,
        100,
        more_is_worse,
        reach=reaches.blur,
    ),
    Kind(
        "sharpen",
        filters.sharpen,
        "A times the difference from the 3×3 mean added",
        "A",
        float,
        0,
        10,
        more_is_worse,
        reach=reaches.neighbours,
    ),
    *_of_each_kernel(
        Kind("resize", geometry.resize, "sides times F", "F", float, 0.01, 4, far_from_one_is_worse)
    ),
    *_of_each_kernel(
        Kind(
            "downup",
            geometry.downup,
            "sides times F and back to the old size",
            "F",
            float,
            0.01,
            1,
            less_is_worse,
        )
    ),
    *_of_each_kernel(
        Kind(
            "fit",
            geometry.fit,
            "shrunk to at most N pixels on the longer side",
            "N",
            int,
            1,
            65535,
            less_is_worse,
        )
    ),
    Kind(
        "square", geometry.square, "middle square, resized to N×N, bilinear", "N", int, 1, 8192, less_is_worse
    ),
    _crop("crop", geometry.crop, "crop at a random place", random=True),
    _crop("crop-centre", geometry.crop_centre, "crop of the middle"),
    _crop("crop-texture", geometry.crop_texture, "crop of the most textured place"),
    Kind(
        "noise",
        filters.noise,
        "Gaussian noise of SIGMA grey levels",
        "SIGMA",
        float,
        0,
        255,
        more_is_worse,
        random=True,
        reach=reaches.drawn,
    ),
    Kind(
        "poisson",
        filters.poisson,
        "photon noise, white being N photons",
        "N",
        int,
        1,
        65535,
        less_is_worse,
        random=True,
        reach=reaches.drawn,
    ),
    Kind(
        "gamma",
        colours.gamma,
        "values to the power G; above 1 darkens",
        "G",
        float,
        0.1,
        10,
        far_from_one_is_worse,
        reach=reaches.alone,
    ),
    Kind(
        "jitter",
        colours.jitter,
        "brightness, contrast and saturation each times 1 ± S",
        "S",
        float,
        0,
        1,
        more_is_worse,
        random=True,
    ),
    Kind("gray", colours.gray, "grey, on three channels", reach=reaches.alone),
    _frank("blur", frank.blur, "blur cut to 3, 5, 7 or 9 pixels"),
    _frank("crop", frank.crop, "5 to 20 % cut off, enlarged again"),
    _frank("jpeg", frank.jpeg, "JPEG of quality 10 to 75"),
    _frank("noise", frank.noise, "noise of deviation 5 to 20"),
    _frank("combined", frank.combined, "one of the four"),
)
