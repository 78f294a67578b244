"""Bytes to RGB images, safely: every file ends as pixels or as an error that names what is wrong with it.

Pixels are those of ``Image.open(...).convert("RGB")``, which the loaders of CNNDetection, UnivFD and LGrad
use: no EXIF rotation, no colour profile, alpha dropped, grey replicated, 16-bit grey clipped at 255.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from threading import Lock
from typing import TypeVar

import PIL
from PIL import Image, ImageFile, UnidentifiedImageError

from forenbench.errors import BenchError
from forenbench.types import Source

from .effort import LIMIT, excess, max_pixels
from .jpeg_ends import ended
from .metadata import without_metadata
from .signatures import CONVERT, describe

T = TypeVar("T")

# Pillow's log entries are raised as errors too; without any handler Python would print them.
logging.getLogger("PIL").addHandler(logging.NullHandler())

# Named one by one because others run outside programs (EPS) or take nearly any bytes for an image (TGA).
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM", "ICO", "QOI")


_VERSION = 2
"""Of this module: raise it when other bytes become images."""


class UnreadableImage(BenchError):
    """Bytes that give no image; the message is the reason."""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What an image file says of itself before any pixel is decoded.

    Attributes:
        format: Pillow's name, such as ``PNG``.
        mode: Pillow's mode of the stored pixels, such as ``RGBA`` or ``I;16``.
        width: Pixels.
        height: Pixels.
    """

    format: str
    mode: str
    width: int
    height: int


class _Silence:
    """Ignores Pillow's warnings, and its limit where ours is higher, while any thread is inside.

    `warnings.catch_warnings` alone is no help in threads: each would restore the filters another one had set.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._before = warnings.catch_warnings()
        self._limit: int | None = None

    def __enter__(self) -> None:
        limit = max_pixels()
        with self._lock:
            if not self._inside:
                self._before = warnings.catch_warnings()
                self._before.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
                self._limit = Image.MAX_IMAGE_PIXELS
                if self._limit is not None:  # Pillow refuses twice as many
                    Image.MAX_IMAGE_PIXELS = max(self._limit, -(-limit // 2))
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._before.__exit__(None, None, None)
                Image.MAX_IMAGE_PIXELS = self._limit


_SILENCE = _Silence()


def decode(data: bytes, before: Callable[[int], object] = lambda pixels: None) -> Image.Image:
    """Return an RGB uint8 image of the original size: the first frame, without metadata.

    Metadata that Pillow refuses are passed over, and so is the lack of a JPEG's end mark.

    Args:
        data: The whole file.
        before: Told of a picture's pixels before they take memory.

    Raises:
        UnreadableImage: The bytes are empty, no image, cut off, broken, or too much work (see `effort`).
    """
    with _SILENCE:
        try:
            opened = _open_mended(data)
            before(opened.width * opened.height)
            return _pixels(opened)
        except UnreadableImage:
            # Official loaders set Pillow's LOAD_TRUNCATED_IMAGES and score what is left of any broken file.
            # Here only files that have all their pixels are mended: by their metadata, or an end mark.
            bare = without_metadata(data)
            if bare != data:
                with suppress(UnreadableImage):
                    return _pixels(_open(bare))
            with suppress(UnreadableImage):
                if whole := ended(bare, lambda changed: _pixels(_open(changed))):
                    return _pixels(_open(whole))
            raise  # of the file as it is, not of what was tried with it


def reading() -> str:
    """Name all, bytes aside, that decides whether these are an image."""
    return f"Pillow {PIL.__version__}, version {_VERSION}, {', '.join(FORMATS)}, {max_pixels()} pixels"


def header(data: bytes) -> ImageHeader:
    """Read an image file's header only.

    Raises:
        UnreadableImage: The bytes are empty, no image, or claim too much work (see `effort`).
    """
    return look(
        data, lambda opened: ImageHeader(opened.format or "", opened.mode, opened.width, opened.height)
    )


def format_or_flaw(source: Source, path: str) -> tuple[str, str]:
    """Decode one file, and return its format, or what is wrong with it; the other is empty."""
    try:
        data = source.read(path)
        decode(data)
        return header(data).format, ""
    except (OSError, UnreadableImage) as error:
        return "", str(error)


def look(data: bytes, read: Callable[[ImageFile.ImageFile], T]) -> T:
    """Open an image file without decoding it, and return what a function reads off it.

    Raises:
        UnreadableImage: The bytes are empty, no image, or claim too much work (see `effort`).
    """
    with _SILENCE:
        return read(_open_mended(data))


def recompress(image: Image.Image, codec: str, quality: int, **options: int) -> Image.Image:
    """Write an RGB image with the codec's defaults (JPEG: 4:2:0) in memory and read it again.

    Args:
        image: RGB.
        codec: Pillow's name of it.
        quality: As the codec counts it.
        options: Others of Pillow's for this codec.

    Raises:
        BenchError: A side is longer than the codec can hold.
    """
    file = BytesIO()
    try:
        image.save(file, codec, quality=quality, **options)
    except (OSError, ValueError) as error:
        raise BenchError(f"{codec} cannot hold {image.width}×{image.height} pixels: {error}") from error
    return decode(file.getvalue())


def _pixels(opened: ImageFile.ImageFile) -> Image.Image:
    """Decode an opened file."""
    try:
        opened.load()
        # convert() copies a picture that is RGB already: 180 MB more for 60 megapixels. _new gives its pixels
        # to a plain Image, which holds no open file.
        image = opened._new(opened.im) if opened.mode == "RGB" else opened.convert("RGB")
    except Exception as error:  # broken bytes lead decoders to errors of any kind
        raise UnreadableImage(f"{_damage(error)} {opened.format} file: {_reason(error)}") from error
    # Pillow writes some of these into the next file by itself, such as a JPEG's comment: what a perturbation
    # saves must depend on pixels alone.
    image.info.clear()
    return image


def _open_mended(data: bytes) -> ImageFile.ImageFile:
    """Open a file, if need be without its metadata."""
    try:
        return _open(data)
    except UnreadableImage as error:
        try:
            return _open(without_metadata(data))
        except UnreadableImage:
            raise error from None


def _open(data: bytes) -> ImageFile.ImageFile:
    """Open without decoding, and refuse what must not be decoded."""
    if not data:
        raise UnreadableImage("zero bytes")
    try:
        opened = Image.open(BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        # "not an image" would be untrue of a HEIC file: there the way out is to convert it.
        words = describe(data)
        what = words if CONVERT in words else f"not an image: {words}"
        raise UnreadableImage(f"{what} (formats read: {', '.join(FORMATS)})") from error
    except Image.DecompressionBombError as error:
        raise UnreadableImage(f"decompression bomb: {error} ({LIMIT} sets another limit)") from error
    except Exception as error:  # broken bytes lead decoders to errors of any kind
        raise UnreadableImage(f"{_damage(error)} file: {describe(data)}: {_reason(error)}") from error
    if too_much := excess(opened, data):
        raise UnreadableImage(f"decompression bomb: {too_much}")
    return opened


def _damage(error: Exception) -> str:
    """Tell a file that ends too early from one that is otherwise broken."""
    ends_early = isinstance(error, EOFError) or "truncated" in str(error).lower()
    return "truncated" if ends_early else "broken"


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
