"""BiHPF's artefact compression map: which frequencies a classifier of spectra finds fakes by.

Jeong et al. (WACV 2022) learn it adversarially against a frozen classifier; how, their descriptions leave
open. Ours: one map m in [0, 1] over all frequencies, the same for every image and colour, by which magnitudes
are multiplied as 1 - m. It is found by Adam on its logits, so that the classifier calls compressed fakes real
(mean cross-entropy over images) while as little as possible is taken (plus a penalty times the mean of m).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from torch.nn import functional

from forenbench.errors import BenchError
from forenbench.scoring.kept_memory import keeping_memory
from forenbench.scoring.numerics import Numerics
from forenbench.types import Advance, Detector

from . import detector_input

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor

_RATE = 0.2
_BEGIN = -3.0
"""Of the map's logits: a twentieth is taken at first, where a sigmoid still has a slope."""
_AT_ONCE = 4
"""Images of a step, in turn: a large network's backward pass needs memory for each."""


@runtime_checkable
class SpectrumDetector(Protocol):
    """A detector that judges spectra, as BiHPF does."""

    def spectra(self, batch: Tensor) -> Tensor:
        """Map n prepared images to magnitudes (n, c, h, w), frequency zero in the middle."""
        ...

    def judge(self, spectra: Tensor) -> Tensor:
        """Map magnitudes to logits (n,), differentiably."""
        ...


@dataclass(frozen=True, slots=True)
class CompressionMap:
    """A map and what it does.

    Attributes:
        values: float32 (h, w) in [0, 1]: the share of each frequency's magnitude that is taken away.
        before: Mean of ln(1 + magnitude) over images and colours (h, w).
        after: The same of what is left.
        generated: How many images were called generated before, and how many are after.
    """

    values: NDArray[np.float32]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    generated: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Search:
    """How a map is searched for.

    Attributes:
        steps: Of Adam, each on four images.
        penalty: What taking everything costs, in units of the cross-entropy.
        device: Where the detector is.
    """

    steps: int = 200
    penalty: float = 1.0
    device: str = "cpu"


def compression_map(
    detector: Detector,
    images: Sequence[Image],
    search: Search = Search(),
    advance: Advance = lambda what, done, total: None,
) -> CompressionMap:
    """Learn the map of a detector on generated images.

    Args:
        detector: It judges spectra (see `SpectrumDetector`).
        images: Generated ones, RGB, which it prepares to one size.
        search: How.
        advance: Told of progress.

    Raises:
        BenchError: The detector judges no spectra, or calls none of the images generated.
    """
    if not isinstance(detector, SpectrumDetector):
        raise BenchError(f"detector '{detector.name}' judges no spectra; bihpf does")
    with keeping_memory(search.device), Numerics(search.device).applied():
        inputs = (detector_input(detector, image, search.device) for image in images)
        spectra = torch.cat([detector.spectra(one) for one in inputs])
        generated = _generated(detector, spectra)
        if not generated.any():
            raise BenchError(
                f"detector '{detector.name}' calls none of these images generated, so that there is nothing "
                "to take away; name fakes that it finds"
            )
        share = _learned(detector, spectra, search, advance)
        left = spectra * (1 - share)
        numbers = int(generated.sum()), int(_generated(detector, left).sum())
    means = [one.log1p().mean((0, 1)).double().cpu().numpy() for one in (spectra, left)]
    return CompressionMap(share.cpu().numpy(), means[0], means[1], numbers)


def _learned(detector: SpectrumDetector, spectra: Tensor, search: Search, advance: Advance) -> Tensor:
    """Search for the map (h, w) of spectra (n, c, h, w)."""
    # Logits of the map rather than the map itself, so that it stays between 0 and 1 by itself.
    logits = torch.full(spectra.shape[-2:], _BEGIN, device=spectra.device, requires_grad=True)
    adam = torch.optim.Adam([logits], lr=_RATE)
    for step in range(search.steps):
        some = [at % len(spectra) for at in range(step * _AT_ONCE, (step + 1) * _AT_ONCE)]
        with torch.enable_grad():
            share = logits.sigmoid()
            # The cross-entropy of "real" is softplus of the logit of "generated".
            fooled = functional.softplus(detector.judge(spectra[some] * (1 - share))).mean()
            loss = fooled + search.penalty * share.mean()
        (logits.grad,) = torch.autograd.grad(loss, logits)
        adam.step()
        advance("compression map", step + 1, search.steps)
    return logits.detach().sigmoid()


def _generated(detector: SpectrumDetector, spectra: Tensor) -> Tensor:
    """Say which of n spectra are called generated, a few at a time: bool (n,)."""
    return torch.cat([detector.judge(some) > 0 for some in torch.split(spectra, _AT_ONCE)])
