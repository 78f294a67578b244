"""What a JPEG file consists of, segment by segment, without decoding it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

SOF = (0xC0, 0xC1, 0xC2)
"""Frames in Huffman code: baseline, extended, progressive."""
SOS, EOI, DQT, DRI, COM = 0xDA, 0xD9, 0xDB, 0xDD, 0xFE
APP = range(0xE0, 0xF0)

START, END = b"\xff\xd8", b"\xff\xd9"
_ALONE = (0x01, *range(0xD0, 0xD9), EOI)
"""Markers without a length."""
_BEHIND_SCAN = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
"""The first marker that is no part of a scan's data."""


class Segment(NamedTuple):
    """One marker and what belongs to it.

    Attributes:
        marker: Its second byte.
        start: Where it stands.
        body: What follows its length.
        end: Where the next one may stand; that of a scan is behind its data.
    """

    marker: int
    start: int
    body: bytes
    end: int


def segments(data: bytes) -> Iterator[Segment]:
    """Yield a JPEG file's segments up to its first end mark, which is the last one if it is there at all."""
    at = len(START) if data.startswith(START) else len(data)
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        marker = data[at + 1]
        # Any number of FF may stand before a marker as padding, and FF 00 is no marker at all.
        if marker in (0x00, 0xFF):
            at += 1
            continue
        length = 0 if marker in _ALONE else int.from_bytes(data[at + 2 : at + 4])
        end = min(at + 2 + length, len(data))
        body = data[at + 4 : end]
        # A scan's data have no length. They end at the first marker that is no stuffed FF 00 and no restart.
        if marker == SOS:
            behind = _BEHIND_SCAN.search(data, end)
            end = behind.start() if behind else len(data)
        yield Segment(marker, at, body, end)
        if marker == EOI:
            return
        at = end
