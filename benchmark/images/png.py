"""Pictures as PNG files: every pixel as it is, and nothing else."""

from __future__ import annotations

from io import BytesIO

from PIL import Image


def as_png(image: Image.Image) -> bytes:
    """Write a picture's pixels as a PNG file, without metadata."""
    pixels = image.copy()
    pixels.info.clear()  # Pillow would write a colour profile, or a transparent colour, that it finds there
    buffer = BytesIO()
    pixels.save(buffer, format="PNG")
    return buffer.getvalue()
