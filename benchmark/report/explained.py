"""What a detector sees in an image: the gradient picture it judges, or else its class activation map."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from forenbench.cam import cam_picture
from forenbench.pictures import judged_picture

if TYPE_CHECKING:
    from PIL.Image import Image

    from forenbench.types import Detector

    from .pictures import Explain


def explainer(detector: Detector, device: str) -> Explain:
    """Return what draws one detector's view of RGB images; it raises BenchError where there is none."""
    return partial(_draw, detector, device)


def _draw(detector: Detector, device: str, image: Image) -> Image:
    picture = judged_picture(detector, image, device)
    return cam_picture(detector, image, device) if picture is None else picture
