"""How much work a file may make before it is decoded: pixels, scans, slow decoders.

A decoder cannot be stopped once it has begun, so what it is going to do is told from the header. Nothing here
depends on the machine: the same files are refused everywhere.
"""

from __future__ import annotations

import os

from PIL import ImageFile

from .jpeg_segments import SOS, segments
from .types import BenchError

LIMIT = "FORENBENCH_MAX_PIXELS"
"""The environment variable with the number of pixels that a picture may have."""
DEFAULT_PIXELS = 178_956_970
"""Where Pillow refuses files by itself, and official loaders with it: three 60-megapixel photographs."""

_ROUNDS = 16
"""How often as many pixels may be gone through: a progressive JPEG has some ten scans."""
_COSTS = {"jpeg2k": 30, "qoi": 100, "ppm_plain": 100, "bmp_rle": 100}
"""Time of slow decoders against a JPEG's, by Pillow's name; all but the first are written in Python."""
_BYTES = 4
"""Of a file; they cost as much as a pixel."""


def max_pixels() -> int:
    """Return how many pixels a picture may have.

    Raises:
        BenchError: FORENBENCH_MAX_PIXELS is no number.
    """
    text = os.environ.get(LIMIT) or str(DEFAULT_PIXELS)
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 16 and int(text)):
        raise BenchError(f"{LIMIT}: '{text}' is no number of pixels; write one such as {DEFAULT_PIXELS}")
    return int(text)


def excess(opened: ImageFile.ImageFile, data: bytes) -> str:
    """Say what of an opened file is too much to decode; empty where nothing is."""
    limit, pixels = max_pixels(), opened.width * opened.height
    size = f"{opened.width}×{opened.height} pixels"
    if pixels > limit:
        return f"{size}, more than the limit of {limit} ({LIMIT} sets another)"
    rounds = _COSTS.get(opened.tile[0].codec_name, 1) if opened.tile else 1
    if max(pixels, len(data) // _BYTES) * rounds > _ROUNDS * limit:
        slow = f"{len(data)} bytes of {opened.format}, which is slow to decode"
        return f"{size} in {slow} ({LIMIT} sets the limit)"
    if opened.format in ("JPEG", "MPO") and data.count(bytes((0xFF, SOS))) * pixels > _ROUNDS * limit:
        scans = sum(one.marker == SOS for one in segments(data))
        if scans * pixels > _ROUNDS * limit:
            return f"{scans} scans of {size} ({LIMIT} sets the limit)"
    return ""
