"""LNP: a ResNet-50 on the noise that a denoising network finds in a picture.

Liu, Yang, Bi, Xiao, Li, Gao, "Detecting Generated Images by Real Images" (ECCV 2022). The denoiser is
CycleISP's for RGB pictures (Zamir et al., CVPR 2020), with its authors' weights; the classifier
AIGCDetectBenchmark's, trained on ForenSynths' 20 classes: https://github.com/Ekko-zn/AIGCDetectBenchmark
(no licence).

That benchmark multiplies the 8-bit picture of the noise by 255 once more, which turns a value v into
(256 - v) mod 256, and swaps red and blue. Its weights were used so, and its numbers rest on it; so do ours.
Its default scales the shorter side to 256 pixels and sees the central 224. Its README evaluates without
either: the variant with `-full` sees the whole picture as it is.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.denoising import NoiseNetwork
from ._nets.networks import RESNET_50, Network, resnet_50
from ._nets.pixels import AIGCDETECT, IMAGENET, PLAIN, Preprocess
from ._nets.published import published

DENOISER = published("cycleisp-denoise", {"head.0.weight": (64, 3, 3, 3), "tail.0.weight": (3, 64, 3, 3)})
CLASSIFIER = published("lnp", RESNET_50)


class LNP(LogitDetector):
    """A classifier with one logit on pictures of noise."""

    variants: ClassVar = {"published": ("progan", "progan-full")}
    rows: ClassVar = {"published": ("progan",)}
    needs: ClassVar = {"progan": (DENOISER, CLASSIFIER), "progan-full": (DENOISER, CLASSIFIER)}
    checkpoints: ClassVar = (DENOISER, CLASSIFIER)
    version = "1"
    threshold = 0.5
    trained_on = ("progan",)
    prepare = Preprocess(PLAIN)

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"lnp:{variant}"
        self.view = Preprocess(IMAGENET) if variant.endswith("-full") else AIGCDETECT
        self.denoiser = Network(NoiseNetwork, DENOISER).load(weights, self.checkpoints)
        self.classifier = Network(resnet_50, CLASSIFIER).load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n pictures (n, 3, H, W) in [0, 1] to raw logits (n,)."""
        views = torch.stack([self.view(picture) for picture in noise_pictures(self.denoiser(batch))])
        logits: Tensor = self.classifier(views.to(batch.device))
        return logits.squeeze(1)


def noise_pictures(noise: Tensor) -> list[Image.Image]:
    """Turn noise (n, 3, H, W), of which only [0, 1] counts, into the pictures that the classifier knows."""
    levels = noise.clamp(0, 1).mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    negatives = (levels * np.uint8(255))[..., ::-1]  # times 255 modulo 256 is times -1
    return [Image.fromarray(np.ascontiguousarray(one)) for one in negatives]
