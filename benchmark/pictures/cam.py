"""Class activation maps: where in an image a convolutional network finds what it decides by.

Zhou et al., "Learning Deep Features for Discriminative Localization" (CVPR 2016), in the form of Selvaraju et
al., "Grad-CAM" (ICCV 2017), without their cut at zero: here one logit speaks for both labels, so what is
negative speaks for "real". For a network that averages its last feature map and weighs the averages, as
ResNets do, it is Zhou's map, weight by weight, and its mean is the logit without the bias.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from PIL import Image
from torch import Tensor, nn

from forenbench.errors import BenchError
from forenbench.scoring.numerics import Numerics
from forenbench.types import Detector, LogitDetector

from . import detector_input, seen
from .heatmaps import overlay

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ActivationMap:
    """What each place of the last feature map contributes.

    Attributes:
        values: float32 (h, w); positive speaks for "generated". In units of `output`, as a mean over places.
        output: The detector's logit for the image; its score where it has no logit.
        is_logit: Which of the two.
    """

    values: NDArray[np.float32]
    output: float
    is_logit: bool


def activation_map(detector: Detector, image: Image.Image, device: str = "cpu") -> ActivationMap:
    """Map what a detector finds in an RGB image, by the last feature map with more than one place.

    Raises:
        BenchError: No network of the detector's own has a feature map that its score depends on.
    """
    batch, first = detector_input(detector, image, device), _Watch(0)
    with Numerics(device).applied():
        # Which feature map is the last one shows only when the network has run: layers run in any order, and
        # some more than once. So it runs twice: to count, and to keep.
        first.over(detector, batch)
        last = _Watch(first.count)
        with torch.enable_grad():
            output = last.over(detector, batch)
    features = last.kept
    if features is None or not getattr(output, "requires_grad", False):  # an array has none
        raise BenchError(
            f"detector '{detector.name}' has no feature map to draw: a CAM needs a convolutional network "
            "that the detector holds as an attribute; cnndetection and lgrad do"
        )
    # materialize_grads: of a score that does not depend on the map at all, zeros rather than None.
    (gradient,) = torch.autograd.grad(output.sum(), features, materialize_grads=True)
    positions = features.shape[-2] * features.shape[-1]
    # Without Grad-CAM's average of the gradient over places: behind a global pooling it is the same
    # everywhere, and elsewhere each place keeps its own. Times the places, so that the mean of the map is the
    # logit.
    values = (gradient * features.detach()).sum(1)[0] * positions
    return ActivationMap(values.float().cpu().numpy(), output[0].item(), isinstance(detector, LogitDetector))


def cam_picture(detector: Detector, image: Image.Image, device: str = "cpu") -> Image.Image:
    """Draw an RGB image as the detector sees it, red where that speaks for "generated", blue for "real".

    Raises:
        BenchError: As `activation_map`.
    """
    return overlay(seen(detector, image), activation_map(detector, image, device).values)


@dataclass(slots=True)
class _Watch:
    """Counts the feature maps with more than one place that layers give, and keeps one of them.

    Attributes:
        at: Which one is kept, to be differentiated by; with 0, none.
        count: How many came by.
        kept: The one (1, c, h, w).
    """

    at: int
    count: int = 0
    kept: Tensor | None = None

    def __call__(self, layer: nn.Module, inputs: object, output: object) -> Tensor | None:
        """Look at what a layer gives, as a forward hook."""
        if not isinstance(output, Tensor) or output.ndim != 4 or output[0, 0].numel() < 2:
            return None
        self.count += 1
        if self.count != self.at:
            return None
        self.kept = output.detach().requires_grad_()
        return self.kept.clone()  # so that what follows may change it in place

    def over(self, detector: Detector, batch: Tensor) -> Tensor:
        """Run a detector and return its output (1,): logits where it has them."""
        with ExitStack() as hooks:
            for name, value in vars(detector).items():
                # An encoder is shared, and often no convolutional one; its features are the detector's input.
                if isinstance(value, nn.Module) and name != "encoder":
                    for layer in value.modules():
                        hooks.callback(layer.register_forward_hook(self).remove)
            return detector.logit(batch) if isinstance(detector, LogitDetector) else detector.score(batch)
