"""What of an image decides a part of the result, for kinds that keep the image's size.

Boxes are (left, top, right, lower) in pixels of the whole image, as Pillow's. Each function here maps the
size (width, height) of the image, a box of the result and the kind's value, if it takes one, to a box of the
image: what the kind makes of that alone has the same pixels in the first box as what it makes of the whole.
"""

from __future__ import annotations

from . import gaussian

Size = tuple[int, int]
Box = tuple[int, int, int, int]

LONGEST_JPEG = 65_500
"""Pixels a side that a JPEG can hold."""
_BLOCKS = 16
"""Pixels a side of what a JPEG of 4:2:0 encodes together: 2×2 blocks of brightness, one of each colour."""
_COLOUR = 2
"""Pixels that a decoder looks beyond them, to make colour smooth: one of half the resolution."""


def alone(size: Size, box: Box, *_: float) -> Box:
    """Each pixel by itself."""
    return box


def neighbours(size: Size, box: Box, *_: float) -> Box:
    """Each pixel with those around it."""
    return _grown(size, box, 1)


def blur(size: Size, box: Box, sigma: float) -> Box:
    """All pixels that have a weight."""
    return _grown(size, box, gaussian.reach(sigma))


def jpeg(size: Size, box: Box, quality: int) -> Box:
    """Whole blocks, counted from the corner of the image, and the edge of those beside them."""
    if max(size) > LONGEST_JPEG:
        return (0, 0, *size)  # which it cannot hold: a part that it can would hide that
    left, top, right, lower = _grown(size, box, _COLOUR)
    width, height = size
    return (
        left // _BLOCKS * _BLOCKS,
        top // _BLOCKS * _BLOCKS,
        min(width, -(-right // _BLOCKS) * _BLOCKS),
        min(height, -(-lower // _BLOCKS) * _BLOCKS),
    )


def drawn(size: Size, box: Box, *_: float) -> Box:
    """Whole rows from the top: their numbers are drawn first, one after the other."""
    return (0, 0, size[0], box[3])


def within(box: Box, other: Box) -> Box:
    """Say where a box lies within another one, in pixels of that."""
    (left, top, right, lower), (x, y, _, _) = box, other
    return left - x, top - y, right - x, lower - y


def _grown(size: Size, box: Box, margin: int) -> Box:
    """Add a margin on all sides, as far as the image goes: there, filters repeat it in their own way."""
    (width, height), (left, top, right, lower) = size, box
    return (
        max(0, left - margin),
        max(0, top - margin),
        min(width, right + margin),
        min(height, lower + margin),
    )
