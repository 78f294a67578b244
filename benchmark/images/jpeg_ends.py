"""JPEG files without an end mark: whether that is all they lack.

Decoders put zero bits in place of data that are lacking, so a picture comes out of any file that is given an
end mark; what tells is how they go on behind the last bit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from .jpeg_segments import DQT, DRI, END, EOI, SOF, SOS, START, Segment, segments

_PROGRESSIVE = SOF[-1]
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_FILLS = (b"\x00", b"\x55", b"\xaa", b"\xff\x00")
"""Bits that no code can all begin with: where some are lacking, two of these mean different things."""
_STEP_OF_MEAN, _STEP = 1, 16
"""Of quantisation, to make small differences seen: grey blocks, and coarse steps around the grey."""


def ended(data: bytes, decode: Callable[[bytes], Image.Image]) -> bytes:
    """Return a JPEG file with the end mark that it lacks; empty where it has one, or lacks more than that.

    Args:
        data: The file, cut off wherever.
        decode: Decodes a whole file.
    """
    found = list(segments(data))
    scans = [segment for segment in found if segment.marker == SOS]
    frame = next((segment for segment in found if segment.marker in SOF and len(segment.body) >= 9), None)
    if frame is None or found[-1].marker == EOI:
        return b""
    # A progressive JPEG tells coefficients bit by bit. Cut off between two scans it ends as tidily as a whole
    # one, and its picture is coarser without any sign: every bit has to be told by some scan.
    lacking = {(component, k) for component in frame.body[6::3] for k in range(64)}
    for scan in scans:
        number = scan.body[0] if scan.body else 0
        first, last, bits = (scan.body[1 + 2 * number :] + bytes(3))[:3]
        if frame.marker != _PROGRESSIVE:  # others tell all of a component at once, whatever these bytes say
            first, last, bits = 0, 63, 0
        if not bits & 15:  # the lowest bit that this scan tells is the last one
            lacking -= {(c, k) for c in scan.body[1 : 1 + 2 * number : 2] for k in range(first, last + 1)}
    if lacking:
        return b""
    kept = data[: scans[-1].end].rstrip(b"\xff")  # half of a mark that was cut through
    pieces = [segment for segment in found if segment.start <= scans[-1].start]
    one_scan = frame.marker != _PROGRESSIVE and len(scans) == 1
    is_whole = _is_whole_scan if one_scan else _are_whole_scans
    return kept + END if is_whole(kept, pieces, frame, decode) else b""


def _is_whole_scan(
    data: bytes, pieces: Sequence[Segment], frame: Segment, decode: Callable[[bytes], Image.Image]
) -> bool:
    """Ask a decoder for two more rows of blocks than there are.

    Where data are lacking, it has met their end before it comes to the first block too many, and leaves that
    as empty as the next. Otherwise it meets the end within this one, which gets the mean of the block before.
    Only the data behind the last restart are looked at, as a picture of their own.
    """
    scan = pieces[-1]
    # Blocks of 8×8 are coded in groups as large as the finest channel's factors say; of one channel there are
    # no groups, whatever its factors.
    factors = frame.body[7::3] if len(frame.body) > 9 else b"\x11"
    across, down = (
        8 * max(1, *(factor >> 4 for factor in factors)),
        8 * max(1, *(factor & 15 for factor in factors)),
    )
    height, width = (int.from_bytes(frame.body[at : at + 2]) for at in (1, 3))
    columns, rows = -(-width // across), -(-height // down)
    interval = max((int.from_bytes(segment.body) for segment in pieces if segment.marker == DRI), default=0)
    first = scan.start + 4 + len(scan.body)
    if interval:
        marks = list(_RESTART.finditer(data, first))
        first = marks[-1].end() if marks else first
        columns, rows = 1, columns * rows - interval * len(marks)
    # More rows than an interval has: restart marks are lacking. JPEG's height is a number of 16 bits.
    if not 0 < rows <= min(interval or rows, 0xFFFF // down - 2):
        return False
    size = ((rows + 2) * down).to_bytes(2) + min(columns * across, 0xFFFF).to_bytes(2)
    body = frame.body[:1] + size + frame.body[5:]
    head = [
        data[segment.start : segment.start + 4] + (body if segment is frame else segment.body)
        for segment in pieces
        if segment.marker != DRI
    ]
    picture = np.asarray(decode(b"".join((START, *head, data[first:], END))))
    # Without the first two lines, into which libjpeg-turbo smooths the colours of the row above.
    first_row, second_row = (picture[row * down :][2:down, :across] for row in (rows, rows + 1))
    return not np.array_equal(first_row, second_row)


def _are_whole_scans(
    data: bytes, pieces: Sequence[Segment], frame: Segment, decode: Callable[[bytes], Image.Image]
) -> bool:
    """Put other bits in place of what the last scan may lack, and see whether they make a difference."""
    scan, heads = pieces[-1], [b""]
    # Where there are restart marks, the next one may be what is lacking, with data behind it.
    if any(segment.marker == DRI for segment in pieces):
        heads.append(bytes((0xFF, 0xD0 + len(_RESTART.findall(data, scan.start)) % 8)))
    fills = (b"", *(head + 16 * fill for head in heads for fill in _FILLS))
    # A difference of one fine step may vanish in rounding to 8 bits: the file is looked at a second time with
    # steps of quantisation so coarse that none can.
    coarse = [START]
    for segment in pieces[:-1]:
        body, at = bytearray(segment.body), 0
        while segment.marker == DQT and at < len(body):
            width = 2 if body[at] >> 4 else 1  # a table's steps have 16 bits where its first byte says so
            steps = b"".join(step.to_bytes(width) for step in (_STEP_OF_MEAN, *[_STEP] * 63))
            body[at + 1 : at + 1 + len(steps)] = steps
            at += 1 + len(steps)
        # An earlier scan's data are no part of its body: what is no table stays as it is in the file.
        changed = data[segment.start : segment.start + 4] + bytes(body)
        coarse.append(changed if segment.marker == DQT else data[segment.start : segment.end])
    for start in (data, b"".join((*coarse, data[scan.start :]))):
        looks = (decode(start + more + END) for more in fills)
        first = next(looks)
        if any(look != first for look in looks):
            return False
    return True
