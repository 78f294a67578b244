"""LGrad's learned gradients: those of a frozen network's output with respect to the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn


_AT_ONCE = 4
"""Images differentiated together: StyleGAN keeps 200 MB for each, and more at once is no faster on a CPU."""


def gradient_images(model: nn.Module, batch: Tensor, at_once: int = _AT_ONCE) -> Tensor:
    """Turn images into 8-bit pictures of the gradient of the model's outputs, summed, with respect to them.

    Args:
        model: Maps each image to any number of outputs, none depending on the other images.
        batch: Images (n, 3, H, W) in the model's range.
        at_once: How many are differentiated together; more need more memory.

    Returns:
        uint8 pictures (n, 3, H, W).
    """
    return to_pictures(gradients(model, batch, at_once))


def gradients(model: nn.Module, batch: Tensor, at_once: int = _AT_ONCE) -> Tensor:
    """Differentiate each image's outputs: float32 (n, 3, H, W), also under ``torch.no_grad``."""
    found = []
    for images in torch.split(batch, at_once):
        # A leaf of its own: the gradient is taken after resizing and normalising, as the paper's is, and for
        # as few images as its backward pass leaves memory for.
        leaf = images.detach().requires_grad_()
        # Scoring runs without gradients; here, and only here, they are what is asked for.
        with torch.enable_grad():
            total = model(leaf).sum()
        (gradient,) = torch.autograd.grad(total, leaf)
        found.append(gradient)
    return torch.cat(found)


def to_pictures(gradient: Tensor) -> Tensor:
    """Stretch each gradient (n, 3, H, W) to 0…255 by its own extremes over all pixels and channels; uint8.

    Rounds half to even, as OpenCV does when the official code saves the picture. Red stays red.

    Raises:
        ValueError: A gradient is not finite; as a black picture it would get a score like any other.
    """
    # img2gad_pytorch/gen_imggrad.py of the official code: one
    # minimum and one maximum a picture, over all channels.
    shifted = gradient - gradient.amin(dim=(1, 2, 3), keepdim=True)
    largest = shifted.amax(dim=(1, 2, 3), keepdim=True)
    if not largest.isfinite().all():
        raise ValueError("the gradient is not finite: the transformation model's weights may be damaged")
    scaled = shifted / torch.where(largest == 0, 1, largest)  # a constant gradient becomes black
    return scaled.mul(255).round().to(torch.uint8)
