"""What a detector sees of an image: the picture it looks at, and the gradient picture behind its score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from forenbench.errors import BenchError
from forenbench.scoring.calls import encoded, encoder_of, output_of, prepare_of, prepared
from forenbench.scoring.numerics import Numerics
from forenbench.types import Detector

if TYPE_CHECKING:
    from torch import Tensor


def detector_input(detector: Detector, image: Image.Image, device: str = "cpu") -> Tensor:
    """Return what a detector's `score` gets for an RGB image: a prepared image or its features, (1, …)."""
    # A copy, for what is drawn beside the result has to be the image as it was.
    batch, encoder = prepared(prepare_of(detector), image.copy())[None].to(device), encoder_of(detector)
    output = output_of(detector)
    with Numerics(device).applied():
        return batch if encoder is None else encoded(encoder, [output], batch)[output]


def gradient_picture(detector: Detector, image: Image.Image, device: str = "cpu") -> Image.Image:
    """Draw the 8-bit gradient picture that a detector such as LGrad judges in place of an RGB image.

    The pixels are those that its classifier gets, each picture stretched over its own extremes.

    Raises:
        BenchError: The detector judges no pictures that an encoder makes.
    """
    picture = judged_picture(detector, image, device)
    if picture is None:
        raise BenchError(f"detector '{detector.name}' judges no gradient pictures; lgrad does")
    return picture


def judged_picture(detector: Detector, image: Image.Image, device: str = "cpu") -> Image.Image | None:
    """Draw the 8-bit picture that an encoder made for a detector; None where it made something else."""
    features = detector_input(detector, image, device)
    is_picture = features.dtype == torch.uint8 and features.ndim == 4 and features.shape[1] == 3
    if encoder_of(detector) is None or not is_picture:
        return None
    return Image.fromarray(features[0].permute(1, 2, 0).cpu().numpy())


def seen(detector: Detector, image: Image.Image) -> Image.Image:
    """Draw an RGB image as the detector sees it: resized and cropped.

    Where its `prepare` has no method ``pixels`` (RGB image to RGB image) that says so, the prepared tensor
    is stretched over its own extremes.

    Raises:
        BenchError: What is prepared is no picture (3, H, W).
    """
    prepare = prepare_of(detector)
    # A normalised tensor has lost its scale: stretching it shows a dim picture as a bright one.
    if hasattr(prepare, "pixels"):
        picture: Image.Image = prepare.pixels(image.copy())
        return picture
    tensor = prepared(prepare, image.copy()).float()
    if tensor.ndim != 3 or len(tensor) != 3:
        raise BenchError(f"detector '{detector.name}' prepares no picture, but {tuple(tensor.shape)}")
    shifted = tensor - tensor.min()
    # An even picture has no extremes to stretch between: black rather than NaN.
    scaled = shifted.div(shifted.max().clamp(min=1e-12)).mul(255).round()
    return Image.fromarray(scaled.permute(1, 2, 0).numpy().astype(np.uint8))
