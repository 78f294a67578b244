"""A file that gives no picture is called by its name, with what to do."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from forenbench.images import UnreadableImage, decode
from forenbench.images.signatures import describe


def box(brand: bytes, *others: bytes) -> bytes:
    names = brand + bytes(4) + b"".join(others)
    return (8 + len(names)).to_bytes(4) + b"ftyp" + names + bytes(200)


def targa() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (5, 4)).save(file, "TGA")
    return file.getvalue()


BYTES = {
    "HEIC or HEIF picture, as phones take them, .* convert it to PNG": box(b"heic", b"mif1", b"heic"),
    "HEIC or HEIF picture,.* convert": box(b"mif1", b"heic"),
    "an AVIF picture with a damaged": box(b"mif1", b"avif"),
    "raw picture .CR3.*convert": box(b"crx ", b"isom"),
    "raw picture .CR2.*convert": b"II*\0\x10\0\0\0CR\2\0" + bytes(200),
    "raw picture .RAF.": b"FUJIFILMCCD-RAW 0201",
    "raw picture .RW2.": b"IIU\0\x18\0\0\0",
    "raw picture .ORF.": b"IIRO\x08\0\0\0",
    "a TIFF file, or a camera's raw picture, with a damaged": b"MM\0*\0\0\0\x08" + bytes(8),
    "a JPEG XL picture": b"\xff\x0a" + b"\1" * 200,
    "JPEG XL picture": b"\0\0\0\x0cJXL \x0d\x0a\x87\x0a",
    "a Photoshop document": b"8BPS\0\1" + bytes(200),
    "video .MP4 or QuickTime.; extract frames": box(b"isom", b"iso2", b"avc1", b"mp41"),
    "video .MP4": box(b"qt  "),
    "video .MP4.": b"\0\0\0\x08wide\0\0\0\0mdat",
    "video .Matroska": b"\x1a\x45\xdf\xa3\x01\0\0\0",
    "video .AVI": b"RIFF\0\1\0\0AVI LIST",
    "a WebP file that is damaged or cut off": b"RIFF\0\1\0\0WEBPVP8 ",
    "an SVG drawing": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "a PDF document": b"%PDF-1.7\n",
    "a Targa picture": targa(),
    "JSON, '.\"error\": \"404\".'": b'{"error": "404"}',
    "JSON": "[{\"ü\": 1}]".encode(),
    "text, 'a cat on a mat'": b"a cat on a mat",
    "a Parquet file; name its folder": b"PAR1\x15\x04",
    "'git lfs pull' gets it": b"version https://git-lfs.github.com/spec/v1\n",
}  # fmt: skip


@pytest.mark.parametrize("words", BYTES)
def test_what_is_no_image_that_is_read_is_named_with_what_to_do(words: str) -> None:
    with pytest.raises(UnreadableImage, match=f"looks like.* {words}|looks like {words}"):
        decode(BYTES[words])


def test_bytes_that_say_nothing_are_shown() -> None:
    assert describe(bytes(9)) == "starts with bytes 00 00 00 00 00 00 00 00"
    assert describe(b"\xff\xfeh\0i\0") == "starts with bytes ff fe 68 00 69 00"


def test_a_picture_is_not_called_no_image() -> None:
    for data, called in ((box(b"heic"), False), (b"8BPS\0\1", False), (b"%PDF-1.7", True), (b"hello", True)):
        with pytest.raises(UnreadableImage) as caught:
            decode(data)
        assert str(caught.value).startswith("not an image: looks like" if called else "looks like")
