"""What an image file is, pixels aside: container, JPEG settings, size, metadata; and how it looks, hashed."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFile, JpegImagePlugin

from forenbench.images import UnreadableImage, decode, look
from forenbench.images.metadata import PNG, png_chunks
from forenbench.types import Source

from .jpeg_tables import read_tables

_SAMPLINGS = {
    (1, 1): "4:4:4",
    (2, 1): "4:2:2",
    (2, 2): "4:2:0",
    (1, 2): "4:4:0",
    (4, 1): "4:1:1",
    (4, 2): "4:1:0",
}
"""By how many times finer the finest channel is than the coarsest, across and down."""
_FLAT = 2
"""Of 255; what is left of flat colour after JPEG, or of unit noise once a picture is 32 pixels wide."""
_TEXT_EXIF = b"Raw profile type exif"
"""EXIF data as a PNG's text."""


@dataclass(frozen=True, slots=True)
class Traits:
    """One file.

    Attributes:
        container: Pillow's name of the format; empty where the file is no image.
        mode: Pillow's mode of the stored pixels, such as ``RGBA``.
        width: Pixels.
        height: Pixels.
        bytes: Of the file.
        quality: Of a JPEG, estimated (see `forenbench.audit.jpeg_tables`); NaN for others.
        table: A short name for a JPEG's quantisation tables; empty for others.
        subsampling: Of a JPEG's chroma: 4:4:4, 4:2:2, 4:2:0, 4:4:0, 4:1:1, 4:1:0, ``other``, or ``grey``;
            empty for others.
        exif: Whether there are EXIF data.
        icc: Whether there is a colour profile.
        sha256: Of the file; empty where it cannot be read.
        looks: The 64-bit perceptual hash (DCT, `imagehash.phash`) of the pixels; 0 where there are none, and
            for a flat picture, of which it would be noise.
        problem: Why there are no pixels; empty for a whole image.
    """

    container: str = ""
    mode: str = ""
    width: int = 0
    height: int = 0
    bytes: int = 0
    quality: float = math.nan
    table: str = ""
    subsampling: str = ""
    exif: bool = False
    icc: bool = False
    sha256: str = ""
    looks: int = 0
    problem: str = ""


def examine(source: Source, path: str) -> Traits:
    """Read one file, decode it, and say what it is; a broken one has a `problem`."""
    import imagehash

    try:
        data = source.read(path)
    except OSError as error:
        return Traits(problem=str(error))
    known = Traits(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    try:
        # What the header says is kept even where the pixels are broken: the audit tells what file it was.
        known = look(data, lambda opened: _read_header(opened, known))
        # Pillow reads what stands before a PNG's pixels. Some programs write metadata behind them, and of
        # metadata that Pillow refuses it says nothing.
        if data.startswith(PNG):
            chunks = [(kind, chunk[8:]) for kind, chunk in png_chunks(data)]
            exif = any(kind == b"eXIf" or body.startswith(_TEXT_EXIF) for kind, body in chunks)
            icc = any(kind == b"iCCP" for kind, _ in chunks)
            known = replace(known, exif=known.exif or exif, icc=known.icc or icc)
        # phash itself begins with this very step, but how flat a picture is shows only here.
        coarse = decode(data).convert("L").resize((32, 32), Image.Resampling.LANCZOS)
        is_flat = np.ptp(np.asarray(coarse)) <= _FLAT
        return replace(known, looks=0 if is_flat else int(str(imagehash.phash(coarse)), 16))
    except UnreadableImage as error:
        return replace(known, problem=str(error))


def _read_header(opened: ImageFile.ImageFile, known: Traits) -> Traits:
    """Add what an opened file says of itself."""
    found = replace(
        known,
        container=opened.format or "",
        mode=opened.mode,
        width=opened.width,
        height=opened.height,
        exif=bool(opened.info.get("exif")),
        icc=bool(opened.info.get("icc_profile")),
    )
    if not isinstance(opened, JpegImagePlugin.JpegImageFile) or not opened.quantization:
        return found
    tables = read_tables(opened.quantization)
    # Factors count against each other only: 2×2, 1×2, 1×2 is 4:2:2 as much as 2×1, 1×1, 1×1 is.
    _, across, down, _ = zip(*opened.layer, strict=True)
    finer = tuple(max(factors) / max(1, min(factors)) for factors in (across, down))
    sampling = "grey" if opened.mode == "L" else _SAMPLINGS.get(finer, "other")
    return replace(found, quality=tables.quality, table=tables.name, subsampling=sampling)
