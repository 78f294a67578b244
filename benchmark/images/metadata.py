"""Image files without what only describes them: broken metadata keep nobody from reading whole pixels."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .jpeg_segments import APP, COM, SOS, segments

PNG = b"\x89PNG\r\n\x1a\n"
_COLOUR_MARKERS = {APP[0], APP[14]}
"""JFIF and Adobe: which colours the channels are."""
_COLOUR_BYTES = 12
"""A shorter one says nothing of colours."""
_WEBP_PIXELS = {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"}
_WEBP_METADATA = 0x2C
"""Flags of a ``VP8X`` chunk: there are a colour profile, EXIF, XMP."""
_TIFF_PIXELS = {
    *range(254, 267), 273, 274, 277, 278, 279, 284, 292, 293, 317, *range(320, 326),
    332, 334, 336, *range(338, 343), 347, *range(512, 522), 529, 530, 531, 532,
}  # fmt: skip
"""Tags that say how pixels are stored, and which way up."""


def without_metadata(data: bytes) -> bytes:
    """Return a PNG, JPEG, WebP or TIFF file with the same pixels and nothing that only describes them.

    Text, colour profile, EXIF, XMP, thumbnails and further pictures are left out, and so is what stands
    behind the last whole piece of a PNG or WebP file. Other files come back as they are.
    """
    if data.startswith(PNG):
        needed = (chunk for kind, chunk in png_chunks(data) if not kind[0] & 0x20)  # critical: a capital
        return PNG + b"".join(needed)
    if data.startswith(b"\xff\xd8"):
        return _bare_jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _bare_webp(data)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    return data if order is None else _bare_tiff(data, order)


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind of each chunk of a PNG file, and all its bytes; the last one may be cut off."""
    at = len(PNG)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at : at + length + 12]
        if kind == b"IEND":
            return
        at += length + 12


def _bare_jpeg(data: bytes) -> bytes:
    """Leave out application segments but for those that say which colours the channels are."""
    kept = [data[:2]]
    for segment in segments(data):
        if segment.marker == SOS:
            return b"".join((*kept, data[segment.start :]))
        # Without Adobe's segment libjpeg takes three channels for YCbCr and four for CMYK, whatever they are.
        says_colours = segment.marker in _COLOUR_MARKERS and len(segment.body) >= _COLOUR_BYTES
        if says_colours or (segment.marker not in APP and segment.marker != COM):
            kept.append(data[segment.start : segment.end])
    return data


def _bare_webp(data: bytes) -> bytes:
    """Keep whole chunks of pixels only."""
    kept, at = [], 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length
        if kind in _WEBP_PIXELS and end <= len(data):
            # RIFF pads chunks of odd length; a file cut off behind the last byte lacks just that.
            kept.append(data[at:end] + b"\0" * (length & 1))
        at = end + (length & 1)
    # Flags that promise chunks which are gone would have the file refused.
    body = bytearray(b"WEBP" + b"".join(kept))
    if body[4:8] == b"VP8X" and len(body) > 12:
        body[12] &= ~_WEBP_METADATA
    return b"RIFF" + struct.pack("<I", len(body)) + bytes(body)


def _bare_tiff(data: bytes, order: str) -> bytes:
    """Give the first picture a directory with no other tags than those of pixels."""
    (at,) = struct.unpack_from(order + "I", data.ljust(8, b"\0"), 4)
    if at + 2 > len(data):
        return data
    (number,) = struct.unpack_from(order + "H", data, at)
    entries = [data[at + 2 + 12 * i :][:12] for i in range(number)]
    kept = [
        entry
        for entry in entries
        if len(entry) == 12 and struct.unpack_from(order + "H", entry)[0] in _TIFF_PIXELS
    ]
    if len(kept) == number:
        return data
    # Behind the file, for entries hold offsets from its start: nothing may move. TIFF wants even ones.
    behind = len(data) + (len(data) & 1)
    head = data[:4] + struct.pack(order + "I", behind) + data[8:].ljust(behind - 8, b"\0")
    return head + struct.pack(order + "H", len(kept)) + b"".join(kept) + bytes(4)
