"""The photographs behind the `sample` dataset, and the crops that are drawn from them.

Only colour photographs that scikit-image and scikit-learn ship in their wheels: a grey one would stay
exactly grey as a real image and not as a fake.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from zlib import crc32

import numpy as np
from PIL import Image

from forenbench.errors import BenchError

SIZE = 256  # of every image of the dataset, in pixels
SEED = 20_240  # changes every crop of the dataset
SPLITS = ("train", "test")

FLAT_BLOCK = 0.75  # grey levels: a 16×16 block with a smaller standard deviation shows nothing
FLAT_SHARE = 0.1  # of a crop's blocks may show nothing
FLAT_CROP = 12.0  # grey levels: the least standard deviation of a whole crop
INTEGER_GAP = 0.03  # scales this close to 1 would leave the photograph's own pixel (and JPEG) grid in place


@dataclass(frozen=True, slots=True)
class Photograph:
    """One photograph of a dependency's wheel.

    Attributes:
        package: What ships it.
        file: Its name there.
        split: "train" or "test"; never both.
        scales: Smallest and largest factor of resampling; what came as JPEG is only made smaller.
        sha256: Of the file.
    """

    package: str
    file: str
    split: str
    scales: tuple[float, float]
    sha256: str

    @property
    def name(self) -> str:
        """What the images made from it are called."""
        return self.file.partition(".")[0]


DISTRIBUTIONS = {"skimage": "scikit-image", "sklearn": "scikit-learn"}
FOLDERS = {"skimage": "data", "sklearn": "datasets/images"}

# fmt: off
PHOTOGRAPHS = (
    Photograph("skimage", "astronaut.png", "train", (0.52, 1.3),
               "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"),
    Photograph("skimage", "coffee.png", "train", (0.66, 1.3),
               "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7"),
    Photograph("skimage", "motorcycle_left.png", "train", (0.53, 1.3),
               "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179"),
    Photograph("skimage", "motorcycle_right.png", "train", (0.53, 1.3),
               "5fc913ae870e42a4b662314bc904d1786bcad8e2f0b9b67dba5a229406357797"),
    Photograph("skimage", "ihc.png", "train", (0.52, 1.3),
               "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef"),
    Photograph("sklearn", "china.jpg", "train", (0.61, 0.95),
               "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29"),
    Photograph("skimage", "chelsea.png", "test", (0.87, 1.3),
               "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb"),
    Photograph("skimage", "rocket.jpg", "test", (0.61, 0.95),
               "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c"),
    Photograph("skimage", "hubble_deep_field.jpg", "test", (0.35, 0.9),
               "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4"),
    Photograph("skimage", "retina.jpg", "test", (0.25, 0.8),
               "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6"),
    Photograph("sklearn", "flower.jpg", "test", (0.61, 0.95),
               "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638"),
)
# fmt: on


def photographs(split: str) -> tuple[Photograph, ...]:
    """Return one split's photographs.

    Raises:
        BenchError: There is no such split.
    """
    if split not in SPLITS:
        raise BenchError(f"the sample dataset has no split '{split}'; choose one of: {', '.join(SPLITS)}")
    return tuple(photograph for photograph in PHOTOGRAPHS if photograph.split == split)


@cache
def load(photograph: Photograph) -> Image.Image:
    """Read a photograph as RGB, after checking that it is the one the dataset was made from.

    Only pixels are kept: Pillow would carry a colour profile into every crop, and fakes have none.

    Raises:
        BenchError: The installed package lacks the file or ships another one.
    """
    file = files(photograph.package) / FOLDERS[photograph.package] / photograph.file
    remedy = f"install {DISTRIBUTIONS[photograph.package]} again, or another version of it"
    if not file.is_file():
        raise BenchError(f"photograph {file} is missing: {remedy}")
    data = file.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != photograph.sha256:
        raise BenchError(
            f"photograph {file} has sha256 {found}, and the sample dataset is made from {photograph.sha256}: "
            f"{remedy}"
        )
    with Image.open(BytesIO(data)) as image:
        return Image.fromarray(np.asarray(image.convert("RGB")))


def draw(photograph: Photograph, rng: np.random.Generator, size: int = SIZE) -> Image.Image:
    """Cut a random square at a random scale and place, perhaps mirrored: size × size RGB.

    Scale and place are real numbers, so the photograph's pixels (and the 8×8 grid of its JPEG past) never
    fall on the crop's pixels. The resampling is antialiased.
    """
    image = load(photograph)
    scale = 1.0
    while abs(scale - 1.0) < INTEGER_GAP:
        scale = rng.uniform(*photograph.scales)
    side = size / scale
    left, top = rng.uniform(0, image.width - side), rng.uniform(0, image.height - side)
    square = image.resize((size, size), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side))
    return square.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else square


def crop(photograph: Photograph, series: str, number: int) -> Image.Image:
    """Return a crop of the dataset that is not almost flat; a function of its arguments alone.

    Args:
        photograph: What it is cut from.
        series: Who asks: crops of different series differ.
        number: Which crop of the series.
    """
    rng = np.random.default_rng([SEED, crc32(f"{series}/{photograph.name}".encode()), number])
    while True:
        candidate = draw(photograph, rng)
        if not is_flat(candidate):
            return candidate


def is_flat(image: Image.Image) -> bool:
    """Say whether too much of an image shows nothing: empty sky, or the black around an eye's retina."""
    grey = np.asarray(image.convert("L"), dtype=np.float64)
    rows, columns = grey.shape[0] // 16, grey.shape[1] // 16
    blocks = grey[: rows * 16, : columns * 16].reshape(rows, 16, columns, 16).std(axis=(1, 3))
    return bool(grey.std() < FLAT_CROP or (blocks < FLAT_BLOCK).mean() > FLAT_SHARE)
