"""Metadata that Pillow refuses keep nobody from the pixels, whatever the format."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from forenbench.audit.traits import examine
from forenbench.data.sources.folder import Folder
from forenbench.images import UnreadableImage, decode, header
from forenbench.images.metadata import without_metadata

PICTURE = Image.fromarray(np.random.default_rng(4).integers(0, 256, size=(23, 34, 3), dtype=np.uint8))


def encoded(codec: str, image: Image.Image = PICTURE, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, codec, **options)
    return file.getvalue()


def chunk(kind: bytes, content: bytes, wrong: int = 0) -> bytes:
    checksum = zlib.crc32(kind + content) ^ wrong
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def workflow(compressed: bool, number: int = 1) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    for at in range(number):
        info.add_itxt(f"workflow {at}", '{"n": 1}' * 150_000, zip=compressed)
    return info


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def riff(webp: bytes, more: int) -> bytes:
    """Claim more bytes than there are."""
    return webp[:4] + struct.pack("<I", struct.unpack("<I", webp[4:8])[0] + more) + webp[8:]


def with_tag(tiff: bytes, tag: int, form: int, count: int, value: int) -> bytes:
    """Add an entry to the directory of a TIFF file, written anew behind the pixels."""
    (at,) = struct.unpack("<I", tiff[4:8])
    (number,) = struct.unpack("<H", tiff[at : at + 2])
    entries = [tiff[at + 2 + 12 * i :][:12] for i in range(number)]
    entries = sorted([*entries, struct.pack("<HHII", tag, form, count, value)], key=lambda e: e[:2][::-1])
    directory = struct.pack("<H", number + 1) + b"".join(entries) + bytes(4)
    return tiff[:4] + struct.pack("<I", len(tiff)) + tiff[8:] + directory


PLAIN = {name: encoded(name) for name in ("PNG", "JPEG", "WEBP", "TIFF")}
PNG, JPEG, TIFF = PLAIN["PNG"], PLAIN["JPEG"], PLAIN["TIFF"]
TEXT = chunk(b"zTXt", b"k\0\0" + zlib.compress(b"a" * 2_000_000))
WEBP = encoded("WEBP", exif=b"Exif\0\0II*\0" + b"\1" * 90, icc_profile=b"i" * 90, xmp=b"x" * 90)

REFUSED = {
    "PNG compressed text": encoded("PNG", pnginfo=workflow(compressed=True, number=2)),
    "PNG text behind the pixels": PNG[:-12] + TEXT + PNG[-12:],
    "PNG too much text": PNG[:33] + 70 * chunk(b"tEXt", b"k\0" + b"v" * 1_000_000) + PNG[33:],
    "PNG colour profile": encoded("PNG", icc_profile=bytes(2_000_000)),
    "PNG text with a wrong checksum": PNG[:33] + chunk(b"tEXt", b"k\0v", wrong=1) + PNG[33:],
    "PNG time with a wrong checksum": PNG[:33] + chunk(b"tIME", bytes(7), wrong=1) + PNG[33:],
    "PNG short gamma": PNG[:33] + chunk(b"gAMA", b"\0") + PNG[33:],
    "PNG unknown way to compress": PNG[:33] + chunk(b"iCCP", b"name\0\7....") + PNG[33:],
    "PNG short animation": PNG[:33] + chunk(b"acTL", b"\0") + PNG[33:],
    "JPEG short JFIF": JPEG[:2] + segment(0xE0, b"JFIF\0") + JPEG[2:],
    "JPEG short Adobe": JPEG[:2] + segment(0xEE, b"Adobe") + JPEG[2:],
    "JPEG short colour profile": JPEG[:2] + segment(0xE2, b"ICC_PROFILE\0") + JPEG[2:],
    "JPEG short Photoshop": JPEG[:2] + segment(0xED, b"Photoshop 3.0\x008BIM\x03\xed") + JPEG[2:],
    "JPEG all of it, and no end": JPEG[:2] + segment(0xE2, b"ICC_PROFILE\0") + JPEG[2:-2],
    "WEBP cut-off metadata": WEBP[:-40],
    "WEBP wrong length of all": riff(WEBP, 500),
    "TIFF name behind the end": with_tag(TIFF, 270, 2, 500, 1 << 31),
    "TIFF number as XMP": with_tag(TIFF, 700, 4, 1, 1),
    "TIFF text as XMP": with_tag(TIFF, 700, 2, 1, 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_pixels_are_those_of_the_plain_file(name: str) -> None:
    codec, data = name.split(" ")[0], REFUSED[name]
    refusals = (OSError, ValueError, SyntaxError, TypeError)
    with warnings.catch_warnings(action="ignore"), pytest.raises(refusals):
        Image.open(io.BytesIO(data)).convert("RGB")
    assert decode(data).tobytes() == decode(PLAIN[codec]).tobytes()
    assert header(data) == header(PLAIN[codec])


@pytest.mark.parametrize("codec", PLAIN)
def test_leaving_metadata_out_changes_no_pixel(codec: str) -> None:
    grey, alpha, palette = PICTURE.convert("L"), PICTURE.copy(), PICTURE.quantize(9)
    alpha.putalpha(grey)
    modes = {"PNG": [grey, grey.convert("1"), alpha, palette], "JPEG": [grey, PICTURE.convert("CMYK")]}
    modes |= {
        "WEBP": [alpha],
        "TIFF": [grey, alpha, palette, PICTURE.convert("CMYK"), PICTURE.convert("YCbCr")],
    }
    files = [encoded(codec, image) for image in (PICTURE, *modes[codec])]
    files += [encoded(codec, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0", icc_profile=b"profile" * 20)]
    if codec == "PNG":
        files += [encoded(codec, palette, transparency=3), encoded(codec, grey, transparency=7)]
        files += [encoded(codec, save_all=True, append_images=[Image.new("RGB", PICTURE.size)])]
    if codec == "JPEG":
        files += [encoded(codec, progressive=True), encoded(codec, keep_rgb=True)]
    if codec == "WEBP":
        files += [encoded(codec, lossless=True), encoded(codec, alpha, save_all=True, append_images=[grey])]
    if codec == "TIFF":
        packed = ("tiff_lzw", "jpeg", "tiff_adobe_deflate", "packbits")
        files += [encoded(codec, compression=name) for name in packed]
        files += [
            encoded(codec, grey.convert("1"), compression="group4"),
            encoded(codec, grey.convert("I;16")),
        ]
    for data in files:
        assert decode(without_metadata(data)).tobytes() == decode(data).tobytes()


def test_metadata_are_left_out() -> None:
    """Else another try with them would be worth nothing."""
    described = [REFUSED["PNG compressed text"], WEBP, encoded("JPEG", comment=b"x", exif=b"Exif\0\0II*\0")]
    for data in [*described, with_tag(TIFF, 270, 2, 4, 0)]:
        opened = Image.open(io.BytesIO(without_metadata(data)))
        opened.load()
        left = {*opened.info} & {"comment", "exif", "icc_profile", "xmp", "workflow 0"}
        assert not left
        assert 270 not in getattr(opened, "tag_v2", {})


def test_what_is_cut_off_or_no_image_is_left_as_broken_as_it_was() -> None:
    for data in (*PLAIN.values(), WEBP):
        for length in range(0, len(data), 7):
            bare = without_metadata(data[:length])
            with pytest.raises(UnreadableImage):
                decode(bare[: len(bare) // 2])
    assert without_metadata(b"GIF89a no picture") == b"GIF89a no picture"


def test_a_bomb_stays_one_without_its_metadata() -> None:
    size = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = PNG[:8] + chunk(b"IHDR", size) + chunk(b"tEXt", b"k\0v", wrong=1) + PNG[33:]
    for read in (decode, header):
        with pytest.raises(UnreadableImage, match=r"PNG|bomb"):
            read(bomb)


def test_an_audit_tells_of_metadata_that_stood_in_the_way(tmp_path: Path) -> None:
    exif = PNG[:33] + chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\0", wrong=1) + PNG[33:]
    for name, data in (("icc", REFUSED["PNG colour profile"]), ("exif", exif)):
        (tmp_path / name).write_bytes(data)
        found = examine(Folder(tmp_path), name)
        assert (found.problem, found.container, found.width) == ("", "PNG", 34)
        assert (found.icc, found.exif) == (name == "icc", name == "exif")
