"""AEROBLADE: how well the autoencoder of a latent diffusion model rebuilds a picture; nothing is trained.

Ricker, Lukovnikov, Fischer, "AEROBLADE: Training-Free Detection of Latent Diffusion Images Using Autoencoder
Reconstruction Error" (CVPR 2024). Code: https://github.com/jonasricker/aeroblade (no licence stated).

Pictures keep their size. The score is minus LPIPS's distance between a picture and what is rebuilt of it: the
official code's third autoencoder, Kandinsky 2.1's MoVQ, is left out. That code draws the latents of a whole
folder from one generator, so that a score depends on the pictures before it; here each picture is drawn as
if it were the first. It computes in half precision, this in single.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from ._nets.autoencoder import LATENT, SHRINKS, Autoencoder, of_diffusers
from ._nets.networks import Network
from ._nets.perceptual_distance import LINEAR, VGG16, in_eight_bits, perceptual_distance
from ._nets.pixels import PLAIN, Preparation, Preprocess, Statistics, Tiled
from ._nets.published import published

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor, nn

    from forenbench.weights import Weights

SEED = 1
"""The official code's."""


_MARKS = {"quant_conv.weight": (8, 8, 1, 1), "decoder.conv_in.weight": (512, 4, 3, 3)}
AUTOENCODERS = {
    name: Network(Autoencoder, published(f"{name}-autoencoder", _MARKS), of_diffusers)
    for name in ("sd1", "sd2")
}
"""Those of Stable Diffusion 1 and 2: equal networks, other numbers."""
VARIANTS = {"sd1": ("sd1",), "sd2": ("sd2",), "sd1-sd2": ("sd1", "sd2")}
"""Which autoencoders rebuild a picture; of several, the best counts, which is the paper's way."""


@dataclass(frozen=True)
class WholeLatents(Preparation):
    """Pictures in [0, 1] of their own size, less what an autoencoder could not give back at the edges."""

    statistics: Statistics = PLAIN

    def eight_bit(self, image: Image) -> Tensor:
        """Turn one RGB image into uint8 (3, H, W), both multiples of eight."""
        # The official code asks for sides that are, and fails on others. From the right and below, so that
        # the blocks of a JPEG stay where they are; a picture of less than eight is repeated.
        pixels = Tiled(SHRINKS, Preprocess(PLAIN)).eight_bit(image)
        height, width = (side // SHRINKS * SHRINKS for side in pixels.shape[1:])
        return pixels[:, :height, :width].contiguous()


class Aeroblade:
    """Minus the distance to the best reconstruction."""

    variants: ClassVar = {"published": tuple(VARIANTS)}
    rows: ClassVar = {"published": ("sd1-sd2",)}
    needs: ClassVar = {
        variant: (*(AUTOENCODERS[name].checkpoint for name in names), VGG16.checkpoint, LINEAR)
        for variant, names in VARIANTS.items()
    }
    checkpoints: ClassVar = tuple(dict.fromkeys(file for files in needs.values() for file in files))
    version = "1"
    threshold = -0.01  # ours, a mere order of magnitude: nobody published one
    prepare = WholeLatents()

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"aeroblade:{variant}"
        self.autoencoders = [AUTOENCODERS[name].load(weights, self.checkpoints) for name in VARIANTS[variant]]
        self.distance = perceptual_distance(weights)

    def score(self, batch: Tensor) -> Tensor:
        """Map n pictures (n, 3, H, W) in [0, 1] to n scores of at most 0."""
        # One after the other: the maps of one picture of 512² take a gigabyte.
        scores = []
        for picture in batch.unsqueeze(1):
            rebuilt = [rebuild(autoencoder, picture) for autoencoder in self.autoencoders]
            scores.append(torch.stack([-self.distance(picture, one).mean() for one in rebuilt]).amax())
        return torch.stack(scores)


def rebuild(autoencoder: nn.Module, pictures: Tensor) -> Tensor:
    """Rebuild pictures (n, 3, H, W) in [0, 1] from latents drawn at random, the same for each; as a file."""
    assert isinstance(autoencoder, Autoencoder)
    means, deviations = autoencoder.distributions(pictures * 2 - 1)
    latents = means + deviations * first_draw(*means.shape[2:]).to(means)
    return in_eight_bits(autoencoder.decode(latents) / 2 + 0.5)


def first_draw(height: int, width: int) -> Tensor:
    """Draw what the official generator gives the first picture of a folder, (1, 4, height, width)."""
    # On the CPU whatever the device, as there: other devices draw other numbers.
    return torch.randn((1, LATENT, height, width), generator=torch.Generator().manual_seed(SEED))
