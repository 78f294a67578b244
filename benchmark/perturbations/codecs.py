"""Lossy re-encoding, in memory, with the codecs' own defaults (4:2:0) except for the quality.

JPEG is the same on every machine: libjpeg-turbo's arithmetic is exact whatever the processor, and so far its
versions in Pillow and OpenCV agree. WebP and AVIF are the same for one version of their library, which comes
with Pillow; AVIF's encoder uses floating point, so that processors may differ.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from PIL import Image, features

from forenbench.errors import BenchError
from forenbench.images import recompress

from .reaches import LONGEST_JPEG


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    """Re-encode as JPEG with Pillow."""
    return recompress(image, "JPEG", quality)


def jpeg_opencv(image: Image.Image, quality: int) -> Image.Image:
    """Re-encode as JPEG with OpenCV, as half of CNNDetection's training pictures are.

    Raises:
        BenchError: A side is longer than JPEG can hold.
    """
    import cv2

    # imencode above that length returns False with an empty buffer rather than an error.
    if max(image.size) > LONGEST_JPEG:
        raise BenchError(
            f"JPEG cannot hold {image.width}×{image.height} pixels: a side is over {LONGEST_JPEG}"
        )
    # OpenCV's channels are blue, green, red; as a view they go in without a copy.
    blue_first = np.asarray(image)[..., ::-1]
    _, data = cv2.imencode(".jpg", blue_first, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return Image.fromarray(np.ascontiguousarray(decoded[..., ::-1]))


def webp(image: Image.Image, quality: int) -> Image.Image:
    """Re-encode as lossy WebP; it holds sides up to 16,383 and takes about 1 GiB at 60 megapixels."""
    return recompress(image, "WEBP", quality)


def avif(image: Image.Image, quality: int) -> Image.Image:
    """Re-encode as AVIF, in one thread and one tile so that the number of cores has no say in the pixels."""
    # With Pillow 13, two threads write other bytes than one, and tiles chosen by libavif other ones again.
    return recompress(image, "AVIF", quality, max_threads=1, autotiling=False)


def lack_of_opencv() -> str:
    """Say what to install where OpenCV is absent; empty where it is there."""
    # find_spec rather than an import, which would load 150 MB for a list of names.
    return "" if find_spec("cv2") else "needs OpenCV: pip install 'forenbench[opencv]'"


def lack_of_avif() -> str:
    """Say what to install where this Pillow knows no AVIF; empty where it does."""
    return "" if features.check("avif") else "needs a Pillow that was built with AVIF, as its wheels are"
