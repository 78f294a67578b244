"""What a file is, read off files made to be so."""

from __future__ import annotations

import hashlib
import math
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from planted_files import picture

from forenbench.audit.traits import Traits, examine
from forenbench.data.sources.folder import Folder


def traits_of(folder: Path, form: str, image: Image.Image | None = None, **options: Any) -> Traits:  # noqa: ANN401
    buffer = BytesIO()
    (image or picture(0)).save(buffer, form, **options)
    (folder / "file").write_bytes(buffer.getvalue())
    return examine(Folder(folder), "file")


@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_a_jpeg(tmp_path: Path, sampling: str) -> None:
    found = traits_of(tmp_path, "JPEG", quality=83, subsampling=sampling)
    assert (found.container, found.mode, found.width, found.height) == ("JPEG", "RGB", 64, 48)
    assert (found.quality, found.table, found.subsampling) == (83, "IJG 83", sampling)
    data = (tmp_path / "file").read_bytes()
    assert (found.bytes, found.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (found.exif, found.icc, found.problem) == (False, False, "")


def test_a_png_has_nothing_of_a_jpeg(tmp_path: Path) -> None:
    found = traits_of(tmp_path, "PNG", picture(0).convert("RGBA"))
    assert (found.container, found.mode, found.table, found.subsampling) == ("PNG", "RGBA", "", "")
    assert math.isnan(found.quality)


def test_grey_and_cmyk_jpegs(tmp_path: Path) -> None:
    assert traits_of(tmp_path, "JPEG", picture(0).convert("L")).subsampling == "grey"
    assert traits_of(tmp_path, "JPEG", picture(0).convert("CMYK")).subsampling == "4:4:4"


@pytest.mark.parametrize(
    ("factors", "sampling"),
    [
        ("11 11 11", "4:4:4"),
        ("22 22 22", "4:4:4"),
        ("22 12 12", "4:2:2"),
        ("12 11 11", "4:4:0"),
        ("41 11 11", "4:1:1"),
        ("42 11 11", "4:1:0"),
        ("31 11 11", "other"),
        ("32 22 22", "other"),
    ],
)
def test_subsampling_by_the_channels_factors(tmp_path: Path, factors: str, sampling: str) -> None:
    """Factors as other programs write them, put into a header of Pillow's."""
    traits_of(tmp_path, "JPEG")
    data = bytearray((tmp_path / "file").read_bytes())
    frame = data.index(b"\xff\xc0\x00\x11\x08")
    for channel, factor in enumerate(factors.split()):
        data[frame + 11 + 3 * channel] = int(factor, 16)
    (tmp_path / "file").write_bytes(data)
    assert examine(Folder(tmp_path), "file").subsampling == sampling


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_exif_and_colour_profile(tmp_path: Path, form: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "maker"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert traits_of(tmp_path, form, exif=exif).exif
    assert not traits_of(tmp_path, form, exif=exif).icc
    assert traits_of(tmp_path, form, icc_profile=profile).icc
    assert not traits_of(tmp_path, form, icc_profile=profile).exif


@pytest.mark.parametrize("kind", ["eXIf", "zTXt"])
def test_exif_behind_the_pixels_of_a_png(tmp_path: Path, kind: str) -> None:
    content = {"eXIf": b"MM\0*\0\0\0\x08\0\0", "zTXt": b"Raw profile type exif\0\0" + zlib.compress(b"x")}[
        kind
    ]
    assert not traits_of(tmp_path, "PNG").exif
    data, end = (tmp_path / "file").read_bytes(), b"\0\0\0\0IEND"
    chunk = kind.encode() + content
    chunk = struct.pack(">I", len(content)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "file").write_bytes(data.replace(end, chunk + end))
    found = examine(Folder(tmp_path), "file")
    assert found.exif
    assert not found.problem


def test_re_encoding_hardly_changes_how_a_picture_looks(tmp_path: Path) -> None:
    whole = traits_of(tmp_path, "PNG").looks
    small = traits_of(tmp_path, "JPEG", picture(0).resize((48, 36)), quality=60).looks
    other = traits_of(tmp_path, "PNG", picture(1)).looks
    assert (whole ^ small).bit_count() <= 4
    assert (whole ^ other).bit_count() > 16


def test_pictures_are_hashed_as_imagehash_does(tmp_path: Path) -> None:
    import imagehash

    for seed in range(5):
        image = picture(seed, 300, 200)
        assert f"{traits_of(tmp_path, 'PNG', image).looks:016x}" == str(imagehash.phash(image))


@pytest.mark.parametrize("colour", ["black", "white", "teal"])
def test_flat_pictures_have_no_hash(tmp_path: Path, colour: str) -> None:
    """A flat one's would be that of any other, a noisy one's random."""
    flat = Image.new("RGB", (300, 200), colour)
    noise = np.random.RandomState(0).randint(-1, 2, (200, 300, 1))
    noisy = np.clip(np.asarray(flat) + noise, 0, 255).astype(np.uint8)
    for image in (flat, Image.fromarray(noisy)):
        assert traits_of(tmp_path, "PNG", image).looks == 0
        assert traits_of(tmp_path, "JPEG", image, quality=30).looks == 0


def test_broken_files_say_why(tmp_path: Path) -> None:
    traits_of(tmp_path, "JPEG", picture(0, 200, 200))
    (tmp_path / "cut").write_bytes((tmp_path / "file").read_bytes()[:1500])
    (tmp_path / "page").write_bytes(b"<html>404</html>")
    cut, page, gone = (examine(Folder(tmp_path), name) for name in ("cut", "page", "gone"))
    assert "truncated" in cut.problem
    assert cut.container == "JPEG"
    assert "HTML" in page.problem
    assert page.sha256
    assert "no file" in gone.problem
    assert not gone.sha256
