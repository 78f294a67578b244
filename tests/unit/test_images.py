"""Every kind of file becomes the right pixels, or an error that names the reason."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFile

from forenbench.data.sources.folder import Folder
from forenbench.errors import BenchError
from forenbench.images import ImageHeader, UnreadableImage, decode, format_or_flaw, header
from forenbench.images.effort import DEFAULT_PIXELS, LIMIT, max_pixels


def encoded(image: Image.Image, codec: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, codec, **options)
    return file.getvalue()


def noise(*shape: int, dtype: type[np.unsignedinteger[Any]] = np.uint8) -> NDArray[np.unsignedinteger[Any]]:
    high = np.iinfo(dtype).max + 1
    return np.random.default_rng(5).integers(0, high, size=shape, dtype=dtype)


RGB = Image.fromarray(noise(21, 34, 3))
GREY = Image.fromarray(noise(21, 34))
PALETTE = RGB.quantize(16)


def claiming(width: int, height: int) -> bytes:
    """A PNG file whose header is right and claims a size; there is nearly nothing behind it."""
    chunks = (b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(b"\0"))
    body = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (*chunks, b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


READABLE = {
    "png rgb": encoded(RGB),
    "png alpha": encoded(Image.fromarray(noise(21, 34, 4))),
    "png grey": encoded(GREY),
    "png grey alpha": encoded(Image.fromarray(noise(21, 34, 4)).convert("LA")),
    "png one bit": encoded(GREY.convert("1")),
    "png palette": encoded(PALETTE),
    "png palette, one transparent": encoded(PALETTE, transparency=3),
    "png palette, transparency table": encoded(PALETTE, transparency=bytes(range(16))),
    "png 16 bit": encoded(Image.fromarray(noise(21, 34, dtype=np.uint16) // 100)),
    "tiff 16 bit": encoded(Image.fromarray(noise(21, 34, dtype=np.uint16) // 100), "TIFF"),
    "tiff 32 bit": encoded(Image.fromarray(noise(21, 34).astype(np.int32) * 2 - 100), "TIFF"),
    "tiff float": encoded(Image.fromarray(noise(21, 34).astype(np.float32) * 2 - 100.5), "TIFF"),
    "tiff cmyk": encoded(RGB.convert("CMYK"), "TIFF"),
    "tiff ycbcr": encoded(RGB.convert("YCbCr"), "TIFF"),
    "jpeg": encoded(RGB, "JPEG"),
    "jpeg grey": encoded(GREY, "JPEG"),
    "jpeg cmyk": encoded(RGB.convert("CMYK"), "JPEG"),
    "jpeg progressive": encoded(RGB, "JPEG", progressive=True),
    "gif": encoded(PALETTE, "GIF"),
    "webp": encoded(RGB, "WEBP"),
    "webp alpha": encoded(RGB.convert("RGBA"), "WEBP", lossless=True),
    "bmp": encoded(RGB, "BMP"),
    "ppm": encoded(RGB, "PPM"),
    "one pixel": encoded(RGB.crop((0, 0, 1, 1))),
    "one column": encoded(RGB.crop((0, 0, 1, 21))),
}


@pytest.mark.parametrize("name", READABLE)
def test_pixels_are_those_of_the_published_loaders(name: str) -> None:
    data = READABLE[name]
    image = decode(data)
    with warnings.catch_warnings(action="ignore"):
        expected = Image.open(io.BytesIO(data)).convert("RGB")
    assert image.mode == "RGB"
    assert image.size == expected.size
    assert image.tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", READABLE)
def test_header_tells_the_stored_mode_and_size(name: str) -> None:
    data = READABLE[name]
    with Image.open(io.BytesIO(data)) as opened:
        assert header(data) == ImageHeader(opened.format, opened.mode, *opened.size)


def test_grey_is_replicated_and_alpha_dropped() -> None:
    assert np.array_equal(np.asarray(decode(READABLE["png grey"])), np.stack([np.asarray(GREY)] * 3, axis=-1))
    pixels = noise(21, 34, 4)
    assert np.array_equal(np.asarray(decode(READABLE["png alpha"])), pixels[..., :3])


@pytest.mark.parametrize("codec", ["PNG", "TIFF"])
def test_more_than_eight_bits_are_clipped_not_scaled(codec: str) -> None:
    levels = np.array([[0, 77, 255, 256, 40000, 65535]], dtype=np.uint16)
    grey = np.asarray(decode(encoded(Image.fromarray(levels), codec)))[..., 0]
    assert grey.tolist() == [[0, 77, 255, 255, 255, 255]]


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_wide_modes_are_clipped_at_both_ends(dtype: type[np.int32 | np.float32]) -> None:
    levels = np.array([[-300, 0, 77, 255, 256, 70000]], dtype=dtype)
    grey = np.asarray(decode(encoded(Image.fromarray(levels), "TIFF")))[..., 0]
    assert grey.tolist() == [[0, 0, 77, 255, 255, 255]]


@pytest.mark.parametrize(("codec", "options"), [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})])
def test_animations_give_their_first_frame(codec: str, options: dict[str, bool]) -> None:
    first, second = Image.new("RGB", (9, 7), (200, 0, 0)), Image.new("RGB", (9, 7), (0, 0, 200))
    data = encoded(first, codec, save_all=True, append_images=[second], **options)
    assert decode(data).getpixel((4, 3)) == (200, 0, 0)


def test_exif_orientation_is_ignored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # show rotated by 90 degrees
    assert decode(encoded(RGB, "JPEG", exif=exif)).tobytes() == decode(encoded(RGB, "JPEG")).tobytes()


def test_metadata_is_left_behind() -> None:
    image = decode(encoded(RGB, "JPEG", comment=b"fake", icc_profile=b"profile"))
    assert image.info == {}
    assert type(image) is Image.Image


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "zero bytes"),
        (b"hello there", "not an image: looks like text, 'hello there'"),
        (b"<!DOCTYPE html><title>404</title>", "an HTML page"),
        (b"\xef\xbb\xbf\n<HTML>", "an HTML page"),
        (b'<?xml version="1.0"?><svg/>', "XML"),
        (b"%PDF-1.7", "a PDF document"),
        (b"PK\x03\x04....", "a zip archive"),
        (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
        (bytes(64), "starts with bytes 00 00"),
        (b"   ", "starts with bytes 20 20"),
        (READABLE["png rgb"][:20], "a PNG file with a damaged or cut-off header"),
        (READABLE["jpeg"][:9], "a JPEG file with a damaged or cut-off header"),
        (READABLE["png rgb"][:-200], "truncated PNG file"),
        (READABLE["jpeg"][:-60], "truncated JPEG file"),
        (READABLE["gif"][:-60], "truncated GIF file"),
        (READABLE["bmp"][:-60], "truncated BMP file"),
        (READABLE["webp"][:-60], "WebP"),
        (READABLE["png rgb"][:60] + b"\x55" * 40 + READABLE["png rgb"][100:], "broken PNG file"),
        (claiming(60_000, 60_000), "decompression bomb"),
        (claiming(40, 40), "truncated PNG file"),
    ],
)
def test_unreadable_bytes_are_named(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImage, match=reason) as caught:
        decode(data)
    assert isinstance(caught.value, BenchError)


def test_formats_that_run_outside_programs_are_not_read() -> None:
    with pytest.raises(UnreadableImage, match="a PostScript file, which is not read"):
        decode(encoded(RGB, "EPS"))


@settings(deadline=None)
@given(st.sampled_from(sorted(READABLE)), st.floats(0, 1), st.binary(max_size=6))
def test_damaged_files_are_pixels_or_a_named_error(name: str, place: float, garbage: bytes) -> None:
    data = bytearray(READABLE[name])
    start = int(place * len(data))
    data[start : start + len(garbage)] = garbage
    for damaged in (bytes(data), bytes(data[:start])):
        try:
            assert decode(damaged).mode == "RGB"
        except UnreadableImage as error:
            assert str(error)  # noqa: PT017 - both outcomes are right


@pytest.mark.parametrize("limit", [None, Image.MAX_IMAGE_PIXELS])
@pytest.mark.parametrize("read", [decode, header])
def test_bombs_are_refused_by_their_header_whatever_pillow_allows(
    monkeypatch: pytest.MonkeyPatch, limit: int | None, read: Callable[[bytes], Image.Image | ImageHeader]
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(UnreadableImage, match="decompression bomb"):
        read(claiming(60_000, 60_000))


def test_limit_is_far_above_photographs_and_where_pillow_refuses() -> None:
    assert 120_000_000 < max_pixels() == DEFAULT_PIXELS == 2 * Image.MAX_IMAGE_PIXELS
    assert header(claiming(DEFAULT_PIXELS // 2, 2)).height == 2
    with pytest.raises(UnreadableImage, match="decompression bomb"):
        header(claiming(DEFAULT_PIXELS // 2 + 1, 2))


@pytest.mark.parametrize("read", [decode, header])
def test_the_limit_can_be_set_below_and_above_that_of_pillow(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[bytes], Image.Image | ImageHeader]
) -> None:
    data = READABLE["png rgb"]
    monkeypatch.setenv(LIMIT, str(21 * 34))
    read(data)
    monkeypatch.setenv(LIMIT, str(21 * 34 - 1))
    with pytest.raises(UnreadableImage, match=r"bomb: 34×21 pixels, .* limit of 713 \(FORENBENCH_MAX_PIXELS"):
        read(data)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    monkeypatch.setenv(LIMIT, "1000")
    read(data)


@pytest.mark.parametrize("text", ["many", "-5", "0", "1e9", "٣", "9" * 5000])
def test_a_limit_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(LIMIT, text)
    with pytest.raises(
        BenchError, match=r"FORENBENCH_MAX_PIXELS: .* is no number of pixels; write one such as"
    ):
        max_pixels()


def test_scans_without_end_are_refused_before_they_are_decoded() -> None:
    """Each costs as much as a look at every pixel: 6,000 of them took 13 seconds."""
    ordinary = encoded(Image.new("RGB", (1600, 1200)), "JPEG", progressive=True)
    last = ordinary.rindex(b"\xff\xda")
    many = ordinary[:-2] + ordinary[last:-2] * 3000 + ordinary[-2:]
    for read in (decode, header):
        read(ordinary)
        with pytest.raises(UnreadableImage, match=r"bomb: 30\d\d scans of 1600×1200 pixels"):
            read(many)
    comment = b"\xff\xfe\xff\xff" + b"\xff\xda" * 32766 + b"\0"
    assert decode(ordinary[:2] + comment + ordinary[2:]).size == (1600, 1200)


def slow(codec: str, width: int, height: int) -> bytes:
    """A file for a decoder that is slow, whose header claims a size."""
    if codec == "PPM":
        return b"P3 %d %d 255 " % (width, height) + b"0 " * 99
    if codec == "QOI":
        return b"qoif" + struct.pack(">IIBB", width, height, 3, 0) + bytes(99)
    if codec == "BMP":  # compression 1: run lengths
        head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, 0, 0, 0, 256, 0)
        return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024) + head + bytes(1024) + b"\0\1"
    stream = encoded(RGB, "JPEG2000", no_jp2=True)
    return stream[:8] + struct.pack(">II", width, height) + stream[16:]


@pytest.mark.parametrize(("codec", "megapixels"), [("QOI", 28), ("PPM", 28), ("BMP", 28), ("JPEG2000", 95)])
def test_pictures_that_a_slow_decoder_would_take_minutes_for_are_refused(codec: str, megapixels: int) -> None:
    assert header(slow(codec, 1000, 1000 * megapixels)).format in (codec, "DIB")
    words = f"bomb: 1000×{1000 * megapixels + 1000} pixels in .* bytes of {codec}, which is slow"
    with pytest.raises(UnreadableImage, match=words):
        header(slow(codec, 1000, 1000 * megapixels + 1000))


def test_a_slow_decoder_gets_no_hundreds_of_megabytes_for_one_pixel() -> None:
    with pytest.raises(UnreadableImage, match=r"bomb: 1×1 pixels in 115000000 bytes of PPM, which is slow"):
        decode(b"P3 1 1 255 ".ljust(115_000_000))


def test_sixty_megapixels() -> None:
    image = decode(encoded(Image.new("RGB", (10_000, 6_000), (1, 2, 3)), "BMP"))
    assert image.size == (10_000, 6_000)
    assert image.getpixel((9_999, 5_999)) == (1, 2, 3)


def test_nothing_is_printed_and_pillow_stays_as_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    for data in [*READABLE.values(), READABLE["tiff float"][:-40] + bytes(40)]:
        decode_or_refuse(data)
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)) == before
    assert capfd.readouterr() == ("", "")


def test_threads_are_silent_too() -> None:
    before = list(warnings.filters)
    warning, quiet = READABLE["png palette, transparency table"], READABLE["png rgb"]
    with ThreadPoolExecutor(8) as threads:
        sizes = set(threads.map(lambda n: decode(warning if n % 3 else quiet).size, range(600)))
    assert sizes == {(34, 21)}
    assert list(warnings.filters) == before


def decode_or_refuse(data: bytes) -> Image.Image | None:
    try:
        return decode(data)
    except UnreadableImage:
        return None


def test_a_file_has_a_format_or_a_flaw(tmp_path: Path) -> None:
    RGB.save(tmp_path / "whole.jpg", "PNG")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.jpg").read_bytes()[:-40])
    (tmp_path / "text.png").write_text("no image")
    folder = Folder(tmp_path)
    assert format_or_flaw(folder, "whole.jpg") == ("PNG", "")
    flaws = {"cut.png": "truncated PNG", "text.png": "not an image", "gone.png": "No such file"}
    for path, words in flaws.items():
        found, flaw = format_or_flaw(folder, path)
        assert found == ""
        assert words in flaw
