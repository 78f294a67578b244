"""CO-SPY's two networks for artefacts: pixels against their neighbours, or against a rebuilt picture.

The authors' code: https://github.com/Megum1/CO-SPY (MIT), detectors/{progan,sd-v1_4}/artifact.py. Names are
those of its files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn.functional import interpolate

from .autoencoder import Autoencoder
from .pixel_residuals import ShortResNet, block_residual
from .pixels import IMAGENET

if TYPE_CHECKING:
    from torch import Tensor


class NeighbourArtifacts(nn.Module):
    """NPR's differences and its network, with another last layer."""

    def __init__(self) -> None:
        super().__init__()
        # Its own last layer `fc1`, which judges in NPR, is in the file, and has no say here.
        self.artifact_encoder = ShortResNet(1)
        self.fc = nn.Linear(512, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Map pictures (n, 3, H, W) in [0, 1] to raw logits (n, 1)."""
        from torchvision.transforms.functional import normalize

        normalised = normalize(images, list(IMAGENET.mean), list(IMAGENET.std))
        residuals = block_residual(normalised) * 2 / 3
        logits: Tensor = self.fc(self.artifact_encoder.features(residuals))
        return logits


class RebuildingArtifacts(nn.Module):
    """What Stable Diffusion's autoencoder cannot rebuild of a picture, and the same short network on it."""

    def __init__(self) -> None:
        super().__init__()
        self.artifact_encoder = ShortResNet(1)
        del self.artifact_encoder.fc1
        self.artifact_encoder.vae = Autoencoder()
        self.fc = nn.Linear(512, 1)

    @staticmethod
    def shrink(images: Tensor) -> Tensor:
        """Scale (n, 3, 384, 384) to (n, 3, 224, 224)."""
        # Without smoothing: torchvision's Resize of a tensor did none when this was
        # trained and the authors ask for none; a present torchvision's default would.
        return interpolate(images, (224, 224), mode="bilinear", antialias=False)

    def artifacts(self, images: Tensor) -> Tensor:
        """Say what is lost of pictures (n, 3, H, W), times 100/7: the same shape."""
        # They are in [0, 1], though the autoencoder knows [-1, 1].
        rebuilt: Tensor = self.artifact_encoder.get_submodule("vae")(images)
        return (images - rebuilt) / 7 * 100

    def forward(self, images: Tensor) -> Tensor:
        """Map pictures (n, 3, 384, 384) in [0, 1] to raw logits (n, 1)."""
        features = self.artifact_encoder.features(self.artifacts(self.shrink(images)))
        logits: Tensor = self.fc(features)
        return logits
