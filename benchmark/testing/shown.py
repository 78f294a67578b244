"""The files that the contract shows a detector, each encoded once for all checks of a process."""

from __future__ import annotations

from functools import cache
from io import BytesIO

from PIL import Image

from .tiny import SIZES, quick_png, tiny_image

_SIZE = (256, 256)


@cache
def tiny_png(seed: int, size: tuple[int, int] = _SIZE, mode: str = "RGB") -> bytes:
    """Return a tiny image of a size (width, height) as a PNG file of a mode."""
    return quick_png(tiny_image(seed, *size).convert(mode))


def all_sizes() -> list[bytes]:
    """Return a PNG file of each of the `SIZES`."""
    return [tiny_png(i, size) for i, size in enumerate(SIZES)]


def other_modes() -> list[bytes]:
    """Return PNG files in grey, with a palette, with alpha, and of 1 bit."""
    return [tiny_png(i, mode=mode) for i, mode in enumerate(("L", "P", "RGBA", "1"))]


@cache
def other_formats() -> tuple[bytes, ...]:
    """Return a JPEG, a WebP and a GIF file, with what stands beside their pixels."""
    files, exif = [], Image.Exif()
    exif[0x0131] = "forenbench"  # the software that made it
    for i, kind in enumerate(("JPEG", "WEBP", "GIF")):
        buffer = BytesIO()
        tiny_image(i, *_SIZE).save(buffer, format=kind, exif=exif)
        files.append(buffer.getvalue())
    return tuple(files)
