"""Image files broken in every way that disks, networks, programs and attackers break them; all seeded."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image

Random = np.random.Generator
_FORMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("PNG", {}),
    ("PNG", {"icc_profile": b"profile" * 40, "exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}),
    ("JPEG", {}),
    ("JPEG", {"progressive": True, "restart_marker_blocks": 3}),
    ("JPEG", {"comment": b"a comment", "icc_profile": b"profile" * 40}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True, "exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}),
    ("GIF", {"comment": b"a comment"}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ("BMP", {}),
)
_MAGICS = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF89a",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"RIFF....WEBP",
    b"qoif",
    b"P3 ",
)
_NUMBERS = (0, 1, 0x7F, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 60_000)


def mutants(seed: int, number: int) -> Iterator[bytes]:
    """Yield broken files, the same ones for a seed."""
    random = np.random.default_rng(seed)
    for at in range(number):
        data = whole(random, *_FORMS[at % len(_FORMS)])
        for _ in range(random.integers(1, 4)):
            data = _WAYS[random.integers(len(_WAYS))](random, data)
        yield data


def whole(random: Random, codec: str, options: dict[str, Any]) -> bytes:
    """Write a small picture."""
    width, height = random.integers(1, 60, size=2)
    colours = random.integers(0, 256, size=(3, 4, random.integers(1, 5)), dtype=np.uint8)
    picture = Image.fromarray(colours.squeeze()) if colours.shape[2] != 2 else Image.fromarray(colours, "LA")
    picture = picture.resize((int(width), int(height)), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    picture.convert("P" if codec == "GIF" else "RGB").save(file, codec, **options)
    return file.getvalue()


def _cut(random: Random, data: bytes) -> bytes:
    return data[: random.integers(len(data) + 1)]


def _cut_the_end(random: Random, data: bytes) -> bytes:
    return data[: -random.integers(1, 20)]


def _flip(random: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for at in random.integers(len(data), size=random.integers(1, 9)) if data else ():
        changed[at] ^= 1 << random.integers(8)
    return bytes(changed)


def _write_a_number(random: Random, data: bytes) -> bytes:
    at, number = random.integers(len(data) + 1), _NUMBERS[random.integers(len(_NUMBERS))]
    form = (">I", "<I", ">H", "<H")[random.integers(4)]
    number &= 0xFFFFFFFF if form[1] == "I" else 0xFFFF
    return data[:at] + struct.pack(form, number) + data[at + struct.calcsize(form) :]


def _write_noise(random: Random, data: bytes) -> bytes:
    at = random.integers(len(data) + 1)
    return data[:at] + random.bytes(random.integers(1, 200)) + data[at + random.integers(200) :]


def _repeat(random: Random, data: bytes) -> bytes:
    first, last = sorted(random.integers(len(data) + 1, size=2))
    return data[:last] + data[first:last] * random.integers(1, 5) + data[last:]


def _drop(random: Random, data: bytes) -> bytes:
    first, last = sorted(random.integers(len(data) + 1, size=2))
    return data[:first] + data[last:]


def _swap_magic(random: Random, data: bytes) -> bytes:
    magic = _MAGICS[random.integers(len(_MAGICS))]
    return magic + data[len(magic) :]


def _edit_chunk(random: Random, data: bytes) -> bytes:
    """Give a PNG chunk another kind or content, with the right checksum; other files a changed length."""
    if not data.startswith(_MAGICS[0]):
        return _write_a_number(random, data)
    at, chunks = 8, []
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append(data[at + 4 : at + 8 + length])
        at += 12 + length
    if chunks:
        chosen = random.integers(len(chunks))
        chunks[chosen] = (_flip, _drop, _write_a_number)[random.integers(3)](random, chunks[chosen])
    framed = (struct.pack(">I", max(0, len(c) - 4)) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    return data[:8] + b"".join(framed)


def _nothing(random: Random, data: bytes) -> bytes:
    return b""


_WAYS: tuple[Callable[[Random, bytes], bytes], ...] = (
    *[_cut, _cut_the_end, _flip, _write_a_number, _write_noise, _repeat, _drop, _edit_chunk] * 5,
    *[_swap_magic] * 3,
    _nothing,
)
