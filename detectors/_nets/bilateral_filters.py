"""BiHPF's two high-pass filters: one over the pixels of a picture, one over the frequencies of its spectrum.

Jeong et al., "BiHPF: Bilateral High-Pass Filters for Robust Deepfake Detection" (WACV 2022), who released no
code. What its descriptions say: the filter of pixels stresses the background around the central object, that
of frequencies amplifies the magnitudes of high ones, and the resulting spectrum is classified. **Shapes and
widths are ours**, with one shape for both, 1 - exp(-d² / 2w²):

* over pixels, d is the distance from the middle as a share of each side, w a quarter: the object's middle
  weighs nothing, the middle of an edge 0.86, a corner 0.98;
* over frequencies, d is counted in cycles a pixel, w is 1/8: half the weight comes at 0.15, and 4 is the
  weight of the highest ones, which lifts the rounding to 8 bits (0.29 levels) above 1;
* then ln(1 + magnitude), of each colour, less its mean and over its deviation: the range that ImageNet's
  networks know. Phases are left out.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .pixels import PLAIN, Preprocess

PIXEL_WIDTH, FREQUENCY_WIDTH, GAIN = 0.25, 0.125, 4.0

FILTERS = {
    "pixel_filter": f"1 - exp(-d² / 2w²), d from the middle in shares of a side, w {PIXEL_WIDTH} (ours)",
    "frequency_filter": f"{GAIN} times the same, d in cycles a pixel, w {FREQUENCY_WIDTH} (ours)",
    "input": "ln(1 + magnitude) of each colour, standardised (ours)",
}
"""For cards."""

WHOLE = Preprocess(PLAIN, resize=256, crop=256, squash=False)
"""Nearly all of a picture, in its own proportions: the background is what matters."""


def filtered_spectra(levels: Tensor) -> Tensor:
    """Filter pixels, and the magnitudes of their spectra.

    Args:
        levels: Pictures (n, 3, H, W), 0 to 255, as float32.

    Returns:
        Amplified magnitudes (n, 3, H, W) of the orthonormal spectrum, frequency zero at (H // 2, W // 2).
    """
    height, width = levels.shape[-2:]
    down, across = ((torch.arange(side, device=levels.device) + 0.5) / side - 0.5 for side in (height, width))
    spectra = torch.fft.fft2(levels * _high_pass(down, across, PIXEL_WIDTH), norm="ortho").abs()
    down, across = (torch.fft.fftfreq(side, device=levels.device) for side in (height, width))
    amplified = spectra * _high_pass(down, across, FREQUENCY_WIDTH) * GAIN
    shifted: Tensor = torch.fft.fftshift(amplified, dim=(-2, -1))
    return shifted


def classifier_input(spectra: Tensor) -> Tensor:
    """Turn magnitudes (n, 3, H, W) into what the classifier sees, of the same shape."""
    logarithms = spectra.log1p()
    deviation, mean = torch.std_mean(logarithms, dim=(1, 2, 3), keepdim=True, correction=0)
    return (logarithms - mean) / (deviation + 1e-6)  # a black picture has none


def _high_pass(down: Tensor, across: Tensor, width: float) -> Tensor:
    """Weigh places by their distance from zero: (h,), (w,) to (h, w) in [0, 1)."""
    return 1 - torch.exp(-(down[:, None] ** 2 + across**2) / (2 * width**2))
