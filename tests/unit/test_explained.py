"""Thumbnails of what a detector judged: which part of a large picture they show."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor

from forenbench.report.explained import explainer
from forenbench.report.thumbnails import SIDE


class AsItIs:
    """Hands 8-bit pictures on, as LGrad's encoder does gradient pictures."""

    def prepare(self, image: Image.Image) -> Tensor:
        return pil_to_tensor(image)

    def encode(self, batch: Tensor) -> Tensor:
        return batch


class Judge:
    name, version, threshold = "judge", "1", 0.5
    encoder = AsItIs()

    def prepare(self, image: Image.Image) -> Tensor:
        return self.encoder.prepare(image)

    def score(self, batch: Tensor) -> Tensor:
        return torch.zeros(len(batch))


def test_a_thumbnail_shows_the_middle_of_a_picture_pixel_by_pixel() -> None:
    pixels = np.zeros((SIDE + 40, SIDE + 20, 3), np.uint8)
    pixels[20 : 20 + SIDE, 10 : 10 + SIDE] = np.random.RandomState(0).randint(60, 200, (SIDE, SIDE, 1))
    pixels[20, 10], pixels[20 + SIDE - 1, 10 + SIDE - 1] = 0, 255
    drawn = np.asarray(explainer(Judge(), "cpu")(Image.fromarray(pixels)))
    assert drawn.shape == (SIDE, SIDE, 3)
    # Stretched over its own levels, but for one in a hundred at each end: what was brighter stays so.
    middle = pixels[20 : 20 + SIDE, 10 : 10 + SIDE]
    order = np.argsort(middle[..., 0], axis=None, kind="stable")
    assert (np.diff(drawn[..., 0].ravel()[order].astype(int)) >= 0).all()
    assert drawn.min() == 0
    assert drawn.max() == 255
