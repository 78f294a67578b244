"""Class activation maps: where in an image a convolutional network finds what it decides by.

Zhou et al., "Learning Deep Features for Discriminative Localization" (CVPR 2016), in the form of Selvaraju et
al., "Grad-CAM" (ICCV 2017), without their cut at zero: here one logit speaks for both labels, so what is
negative speaks for "real". For a network that averages its last feature map and weighs the averages, as
ResNets do, it is Zhou's map, weight by weight, and its mean is the logit without the bias.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from PIL import Image
from torch import Tensor, nn

from .heatmaps import overlay
from .numerics import Numerics
from .pictures import detector_input, seen
from .types import BenchError, Detector, LogitDetector

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
    batch = detector_input(detector, image, device)
    judge = detector.logit if isinstance(detector, LogitDetector) else detector.score
    with Numerics(device).applied():
        layer = _last_layer(detector, judge, batch)
        if layer is None:
            raise _without_map(detector)
        output, features = _watch(layer, judge, batch)
    try:
        (gradient,) = torch.autograd.grad(output.sum(), features)
    except RuntimeError as error:
        raise _without_map(detector) from error
    places = features.shape[-2] * features.shape[-1]
    values = (gradient * features.detach()).sum(1)[0] * places
    return ActivationMap(values.float().cpu().numpy(), output[0].item(), isinstance(detector, LogitDetector))


def cam_picture(detector: Detector, image: Image.Image, device: str = "cpu") -> Image.Image:
    """Draw an RGB image as the detector sees it, red where that speaks for "generated", blue for "real".

    Raises:
        BenchError: As `activation_map`.
    """
    return overlay(seen(detector, image), activation_map(detector, image, device).values)


def _last_layer(detector: Detector, judge: Callable[[Tensor], Tensor], batch: Tensor) -> nn.Module | None:
    """Run the detector and find the last layer that gives a feature map."""
    found: list[nn.Module] = []

    def look(layer: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and output[0, 0].numel() > 1:
            found.append(layer)

    with ExitStack() as hooks:
        for layer in _layers(detector):
            hooks.callback(layer.register_forward_hook(look).remove)
        judge(batch)
    return found[-1] if found else None


def _watch(layer: nn.Module, judge: Callable[[Tensor], Tensor], batch: Tensor) -> tuple[Tensor, Tensor]:
    """Run the detector; return its output (1,) and, to differentiate by, that layer's (1, c, h, w)."""
    kept: list[Tensor] = []

    def keep(layer: nn.Module, inputs: object, output: Tensor) -> Tensor:
        kept.append(output.detach().requires_grad_())
        return kept[-1].clone()  # so that what follows may change it in place

    hook = layer.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            return judge(batch), kept[-1]
    finally:
        hook.remove()


def _layers(detector: Detector) -> Iterator[nn.Module]:
    """Yield all layers of the networks that a detector holds itself, not its encoder's."""
    for name, value in vars(detector).items():
        if isinstance(value, nn.Module) and name != "encoder":
            yield from value.modules()


def _without_map(detector: Detector) -> BenchError:
    return BenchError(
        f"detector '{detector.name}' has no feature map to draw: a CAM needs a convolutional network "
        "that the detector holds as an attribute; cnndetection and lgrad do"
    )
