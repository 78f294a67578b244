"""A JPEG that was cut off is read where it lacks no pixel, and only there."""

from __future__ import annotations

import io
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from forenbench.images import UnreadableImage, decode, header
from forenbench.images.jpeg_segments import EOI, SOS, segments

NOISE = np.random.default_rng(3).integers(0, 256, size=(5, 7, 3), dtype=np.uint8)
PICTURE = Image.fromarray(NOISE).resize((40, 24), Image.Resampling.BICUBIC)

KINDS: dict[str, tuple[str, dict[str, object]]] = {
    "baseline": ("RGB", {}),
    "4:4:4": ("RGB", {"subsampling": 0, "quality": 95}),
    "own codes": ("RGB", {"optimize": True}),
    "grey": ("L", {}),
    "four channels": ("CMYK", {}),
    "restarts": ("RGB", {"restart_marker_blocks": 2}),
    "restarts at the end of rows": ("RGB", {"restart_marker_rows": 1}),
    "progressive": ("RGB", {"progressive": True}),
    "progressive grey": ("L", {"progressive": True}),
    "progressive with restarts": ("RGB", {"progressive": True, "restart_marker_blocks": 2}),
}


def jpeg(kind: str) -> bytes:
    mode, options = KINDS[kind]
    file = io.BytesIO()
    PICTURE.convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_wherever_a_jpeg_is_cut_it_gives_its_own_pixels_or_none(kind: str) -> None:
    whole = jpeg(kind)
    pixels, read = decode(whole).tobytes(), []
    for length in range(whole.index(b"\xff\xda"), len(whole)):
        with suppress(UnreadableImage):
            assert decode(whole[:length]).tobytes() == pixels, length
            read.append(len(whole) - length)
    assert {1, 2} <= set(read), "the end mark alone is no pixel"
    assert max(read) <= 12, "scan data were lacking"


def test_a_jpeg_that_ends_behind_its_pixels_in_the_midst_of_a_comment_is_read() -> None:
    whole = jpeg("progressive")
    cut = whole[:-2] + b"\xff\xfe\x00\x40half a comment"
    assert decode(cut).tobytes() == decode(whole).tobytes()
    assert header(cut) == header(whole)


def test_a_scan_that_is_lacking_altogether_is_missed() -> None:
    whole = jpeg("progressive")
    scans = [one for one in segments(whole) if one.marker == SOS]
    assert len(scans) > 3
    for one in scans[:-1]:
        with pytest.raises(UnreadableImage, match="truncated JPEG"):
            decode(whole[: one.end])


def test_segments_are_those_of_the_file_and_end_with_the_first_end_mark() -> None:
    whole = jpeg("restarts")
    found = list(segments(whole + jpeg("grey")))
    assert found[-1].marker == EOI
    assert found[-1].end == len(whole)
    assert [one.start for one in found[1:]] == [one.end for one in found[:-1]]
    assert list(segments(b"\xff")) == list(segments(b"")) == list(segments(b"GIF89a")) == []


def test_cut_segments_and_padding_between_them_are_no_error() -> None:
    whole = jpeg("baseline")
    for length in range(len(whole)):
        assert all(one.start < one.end <= length for one in segments(whole[:length]))
    start = whole.index(b"\xff\xdb")
    assert decode(whole[:start] + b"\xff\xff" + whole[start:-2]).tobytes() == decode(whole).tobytes()
