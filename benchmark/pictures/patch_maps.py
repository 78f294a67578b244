"""Patch maps: what a detector that judges patches of an image says of each, over the image as it sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from forenbench.errors import BenchError
from forenbench.scoring.numerics import Numerics
from forenbench.types import Detector

from . import detector_input, seen
from .heatmaps import overlay

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor


@runtime_checkable
class JudgesPatches(Protocol):
    """What a detector has beside the members of `forenbench.types.Detector` if it judges patches."""

    def patches(self, batch: Tensor) -> Tensor:
        """Map what `score` gets of n images to each patch's probability of "generated", (n, h, w) in [0, 1].

        Rows and columns of patches are laid evenly over the image as the detector sees it.
        """
        ...


def patch_map(detector: Detector, image: Image, device: str = "cpu") -> NDArray[np.float32]:
    """Return each patch's probability of "generated" for an RGB image, float32 (h, w).

    Raises:
        BenchError: The detector judges no patches, or says something else of them than probabilities.
    """
    if not isinstance(detector, JudgesPatches):
        raise BenchError(f"detector '{detector.name}' judges no patches; patchfor does")
    batch = detector_input(detector, image, device)
    with Numerics(device).applied():
        found = detector.patches(batch).float().cpu()
    if found.ndim != 3 or len(found) != 1 or not bool(((found >= 0) & (found <= 1)).all()):
        raise BenchError(
            f"the patches of detector '{detector.name}' must be probabilities from 0 to 1, (1, h, w) for one "
            f"image, and are {tuple(found.shape)} from {found.min():.3g} to {found.max():.3g}"
        )
    values: NDArray[np.float32] = found[0].numpy()
    return values


def patch_picture(detector: Detector, image: Image, device: str = "cpu") -> Image:
    """Draw an RGB image as the detector sees it, red where patches look generated, blue where real.

    Raises:
        BenchError: As `patch_map`.
    """
    return patch_overlay(detector, image, patch_map(detector, image, device))


def patch_overlay(detector: Detector, image: Image, probabilities: NDArray[np.float32]) -> Image:
    """Draw the probabilities of an image's patches, (h, w), over it: 1 is all red, 0 all blue, 0.5 clear."""
    # Over one scale for all images, where the authors of patch-forensics stretch each: colours compare.
    return overlay(seen(detector, image), 2 * probabilities - 1, strongest=1)
