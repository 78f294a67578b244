"""What a detector sees in an image: the gradient picture it judges, or else its class activation map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import ImageOps

from forenbench.pictures import judged_picture
from forenbench.pictures.cam import cam_picture

from .thumbnails import SIDE, Explain

if TYPE_CHECKING:
    from PIL.Image import Image

    from forenbench.types import Detector


def explainer(detector: Detector, device: str) -> Explain:
    """Return what draws one detector's view of RGB images; it raises BenchError where there is none."""

    def draw(image: Image) -> Image:
        picture = judged_picture(detector, image, device)
        if picture is None:
            return cam_picture(detector, image, device)
        # As much of the middle as a thumbnail shows pixel by pixel. Cut out, not shrunk: shrinking averages
        # neighbouring gradients, which leaves an even grey.
        left, top = ((side - SIDE) // 2 for side in picture.size)
        return ImageOps.autocontrast(picture.crop((left, top, left + SIDE, top + SIDE)), cutoff=1)

    return draw
