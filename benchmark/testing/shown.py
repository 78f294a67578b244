"""The files that the contract shows a detector, each encoded once for all checks of a process."""

from __future__ import annotations

from functools import cache
from io import BytesIO

from PIL import Image

from .tiny import quick_png, tiny_image

_SIZE = (256, 256)


@cache
def tiny_png(seed: int, size: tuple[int, int] = _SIZE, mode: str = "RGB") -> bytes:
    """Return a tiny image of a size (width, height) as a PNG file of a mode."""
    return quick_png(tiny_image(seed, *size).convert(mode))


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
