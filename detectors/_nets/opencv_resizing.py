"""Pictures that OpenCV scales, whose filters read few pixels however much they shrink."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self

import numpy as np
import torch

from forenbench.errors import NotHere

from .pixels import PLAIN, Preparation, Statistics

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor


@dataclass(frozen=True)
class SquashedByOpenCV(Preparation):
    """What becomes of an image where code of OpenCV's squashes it; equal ones run once for many detectors.

    Attributes:
        statistics: Of the normalisation.
        side: Of the square.
        filter: "LINEAR" or "CUBIC", as in OpenCV's ``INTER_LINEAR``.

    Raises:
        BenchError: OpenCV is not installed.
    """

    statistics: Statistics
    side: int
    filter: str

    def __post_init__(self) -> None:
        # Asked here, once and before a run, for what is raised for a picture only makes rows that failed.
        if find_spec("cv2") is None:
            raise NotHere("squashing pictures as OpenCV does needs it: pip install 'forenbench[opencv]'")

    def plain(self) -> Self:
        """Return the same without statistics of its own."""
        return replace(self, statistics=PLAIN)

    def eight_bit(self, image: Image) -> Tensor:
        """Squash one RGB image to uint8 (3, side, side)."""
        import cv2

        how = getattr(cv2, f"INTER_{self.filter}")
        pixels = cv2.resize(np.asarray(image), (self.side, self.side), interpolation=how)
        return torch.from_numpy(pixels).permute(2, 0, 1)
