"""How much work a file may make: pixels, scans, slow decoders, and the time of each step.

What a decoder is going to do is told from the header. Nothing of that depends on the machine: the same files
are refused everywhere. Time is the last resort (see `forenbench.scoring.patience`).
"""

from __future__ import annotations

import os

from PIL import ImageFile

from forenbench.errors import BenchError

from .jpeg_segments import SOS, segments

LIMIT = "FORENBENCH_MAX_PIXELS"
"""The environment variable with the number of pixels that a picture may have."""
DEFAULT_PIXELS = 178_956_970
"""Where Pillow refuses files by itself, and official loaders with it: three 60-megapixel photographs."""
TIME_LIMIT = "FORENBENCH_MAX_SECONDS"
"""The environment variable with the seconds that a step of reading a file may take."""

_SECONDS = 600
"""Twenty times the longest file that is not refused: time depends on the machine, and on its neighbours."""
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
    return _number(LIMIT, DEFAULT_PIXELS, "pixels")


def max_seconds() -> int:
    """Return how many seconds a step of reading a file may take.

    Raises:
        BenchError: FORENBENCH_MAX_SECONDS is no number.
    """
    return _number(TIME_LIMIT, _SECONDS, "seconds")


def _number(variable: str, default: int, unit: str) -> int:
    """Read a number above 0 from the environment."""
    text = os.environ.get(variable) or str(default)
    # int() alone would also read "1_000", " 5" and digits of other scripts.
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 16 and int(text)):
        raise BenchError(f"{variable}: '{text}' is no number of {unit}; write one such as {default}")
    return int(text)


def excess(opened: ImageFile.ImageFile, data: bytes) -> str:
    """Say what of an opened file is too much to decode; empty where nothing is."""
    limit, pixels = max_pixels(), opened.width * opened.height
    size = f"{opened.width}×{opened.height} pixels"
    if pixels > limit:
        return f"{size}, more than the limit of {limit} ({LIMIT} sets another)"
    # Plugins that decode by themselves, WebP's and ICO's, leave `tile` empty.
    rounds = _COSTS.get(opened.tile[0].codec_name, 1) if opened.tile else 1
    # Bytes as well: a run-length BMP of one pixel can hold hundreds of megabytes that Python goes through.
    if max(pixels, len(data) // _BYTES) * rounds > _ROUNDS * limit:
        slow = f"{len(data)} bytes of {opened.format}, which is slow to decode"
        return f"{size} in {slow} ({LIMIT} sets the limit)"
    # Each scan of a progressive JPEG goes through all pixels. The plain count costs nothing, but the same two
    # bytes may stand in a thumbnail or comment: only where it is too high are segments walked.
    if opened.format in ("JPEG", "MPO") and data.count(bytes((0xFF, SOS))) * pixels > _ROUNDS * limit:
        scans = sum(segment.marker == SOS for segment in segments(data))
        if scans * pixels > _ROUNDS * limit:
            return f"{scans} scans of {size} ({LIMIT} sets the limit)"
    return ""
