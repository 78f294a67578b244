"""Six small generators, one per family that the papers test.

Each maps an image (n, 3, h, w) in [-1, 1], h and w divisible by 4, to an image of the same content, so that
real and fake images differ by how they were made and by nothing else (after AutoGAN: Zhang et al.,
"Detecting and Simulating Artifacts in GAN Fake Images", WIFS 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Generator(nn.Module):
    """Makes a fake with the content of an image, and draws what is random from the given torch generator."""

    def forward(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Map images (n, 3, h, w) in [-1, 1] to fakes of the same shape, not yet clipped to that range."""
        raise NotImplementedError

    def attempt(self, images: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return what the adversary judges, and the family's own loss."""
        fakes = self(images, random)
        return fakes, F.l1_loss(fakes, images)


class Blur(nn.Module):
    """Binomial 3×3 low-pass, as StyleGAN puts behind its upsampling."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, h, w) to the same shape."""
        line = x.new_tensor([0.25, 0.5, 0.25])
        kernel = torch.outer(line, line).expand(x.shape[1], 1, 3, 3)  # a view: one filter for all channels
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), kernel, groups=x.shape[1])


class Residual(nn.Module):
    """Two 3×3 convolutions beside a skip; without a norm, images of every size come out alike."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_conv(width, width), nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, h, w) to the same shape."""
        # A tenth, in place of the missing norm: at the start a stack of these is close to the identity.
        result: Tensor = x + 0.1 * self.layers(x)
        return result


# Leaky by 0.2, as in StyleGAN and PatchGAN.
def _conv(inside: int, outside: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(inside, outside, 3, stride=stride, padding=1), nn.LeakyReLU(0.2)


def _encoder(latent: int) -> nn.Sequential:
    """A quarter of the size, `latent` channels."""
    enter, leave = nn.Conv2d(48, 48, 3, padding=1), nn.Conv2d(48, latent, 3, padding=1)
    return nn.Sequential(nn.PixelUnshuffle(4), enter, Residual(48), leave)


def _decoder(latent: int, up: Callable[[int, int], nn.Module]) -> nn.Sequential:
    """Four times the size; `up` makes the layer that doubles it."""
    enter, leave = nn.Conv2d(latent, 48, 3, padding=1), nn.Conv2d(24, 3, 3, padding=1)
    stages = [nn.Sequential(up(*widths), Residual(widths[1])) for widths in pairwise((48, 32, 24))]
    return nn.Sequential(enter, Residual(48), Residual(48), *stages, leave)


def _transposed(inside: int, outside: int) -> nn.Module:
    """An uneven overlap of 3×3 kernels at stride 2: the checkerboard (CycleGAN's layer)."""
    return nn.Sequential(nn.ConvTranspose2d(inside, outside, 3, 2, 1, output_padding=1), nn.LeakyReLU(0.2))


def _nearest(inside: int, outside: int) -> nn.Module:
    return nn.Sequential(nn.Upsample(scale_factor=2), *_conv(inside, outside))


def _shuffled(inside: int, outside: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inside, 4 * outside, 3, padding=1), nn.PixelShuffle(2), nn.LeakyReLU(0.2))


class Autoencoder(Generator):
    """The transposed-convolution GAN and the nearest-neighbour GAN (ProGAN's kind)."""

    def __init__(self, up: Callable[[int, int], nn.Module]) -> None:
        super().__init__()
        self.encoder, self.decoder = _encoder(16), _decoder(16, up)

    def forward(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Encode and decode; nothing is random."""
        fakes: Tensor = self.decoder(self.encoder(images))
        return fakes


class NoisyUp(nn.Module):
    """StyleGAN's synthesis layer: upsample, convolve, blur, add noise of learned strength per channel."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, 3, padding=1)
        self.strength = nn.Parameter(torch.full((1, outside, 1, 1), 0.05))
        self.blur = Blur()

    def forward(self, x: Tensor, random: torch.Generator) -> Tensor:
        """Map (n, inside, h, w) to (n, outside, 2h, 2w)."""
        x = self.blur(self.conv(F.interpolate(x, scale_factor=2.0)))
        noise = torch.randn(x[:, :1].shape, generator=random)
        return F.leaky_relu(x + self.strength * noise, 0.2)


class Blurred(Generator):
    """The blurred-upsampling GAN (StyleGAN's kind)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = _encoder(16)
        self.start = nn.Sequential(nn.Conv2d(16, 48, 3, padding=1), Residual(48), Residual(48))
        self.ups = nn.ModuleList(NoisyUp(*widths) for widths in pairwise((48, 32, 24)))
        self.convs = nn.ModuleList(Residual(width) for width in (32, 24))
        self.colour = nn.Conv2d(24, 3, 3, padding=1)

    def forward(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Encode, and decode with fresh noise at each size."""
        x = self.start(self.encoder(images))
        for up, conv in zip(self.ups, self.convs, strict=True):
            x = conv(up(x, random))
        fakes: Tensor = self.colour(x)
        return fakes


class SuperResolution(Generator):
    """Sees the image at a quarter of its size and restores it by pixel shuffling (SRGAN's kind)."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = _decoder(3, _shuffled)

    def forward(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Shrink with antialiasing and restore; nothing is random."""
        small = F.interpolate(images, scale_factor=0.25, mode="bicubic", antialias=True)
        coarse = F.interpolate(small, scale_factor=4.0, mode="bilinear")
        fakes: Tensor = coarse + self.decoder(small)
        return fakes


class VariationalAutoencoder(Generator):
    """A KL autoencoder with four channels at a quarter of the size (latent diffusion's first stage, f=4)."""

    channels = 4
    divergence_weight = 1e-4

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = _encoder(2 * self.channels), _decoder(self.channels, _nearest)

    def forward(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Decode a sample of the latent distribution."""
        return self._sample(self._latent(images), random)

    def attempt(self, images: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """L1 and the divergence of the latent distribution from a standard normal one."""
        mean, log_variance = latent = self._latent(images)
        fakes = self._sample(latent, random)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        return fakes, F.l1_loss(fakes, images) + self.divergence_weight * divergence

    def _latent(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 4)

    def _sample(self, latent: tuple[Tensor, Tensor], random: torch.Generator) -> Tensor:
        mean, log_variance = latent
        noise = torch.randn(mean.shape, generator=random)
        fakes: Tensor = self.decoder(mean + (0.5 * log_variance).exp() * noise)
        return fakes


class Diffusion(Generator):
    """A small noise predictor: the image is noised part of the way and brought back in a few DDIM steps."""

    # Standard deviations of the noise. From more than 0.15 this small net leaves coloured clouds behind.
    loudest = 0.35  # in training
    levels = (0.15, 0.09, 0.05, 0.02, 0.0)  # on the way back

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Sequential(*_conv(4, 20))
        self.down1 = nn.Sequential(*_conv(20, 40, 2), Residual(40))
        self.down2 = nn.Sequential(*_conv(40, 56, 2), Residual(56), Residual(56))
        self.up1 = _nearest(56, 40)
        self.up2 = nn.Sequential(Residual(40), _nearest(40, 20))
        self.leave = nn.Sequential(*_conv(20, 20), nn.Conv2d(20, 3, 3, padding=1))

    def forward(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Add noise of the first level, then remove it step by step (DDIM: no fresh noise)."""
        x = images + self.levels[0] * torch.randn(images.shape, generator=random)
        for level, following in pairwise(self.levels):
            x = x + (following - level) * self._noise(x, torch.full((len(x), 1, 1, 1), level))
        return x

    def attempt(self, images: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Predict the noise at a random level."""
        level = self.loudest * torch.rand(len(images), 1, 1, 1, generator=random).clamp(min=0.03)
        noise = torch.randn(images.shape, generator=random)
        found = self._noise(images + level * noise, level)
        return images + level * (noise - found), F.mse_loss(found, noise)

    def _noise(self, x: Tensor, level: Tensor) -> Tensor:
        fine = self.enter(torch.cat([x, level.expand_as(x[:, :1])], dim=1))
        middle = self.down1(fine)
        middle = middle + self.up1(self.down2(middle))
        noise: Tensor = self.leave(fine + self.up2(middle))
        return noise


FAMILIES: Mapping[str, Callable[[], Generator]] = {
    "transposed": lambda: Autoencoder(_transposed),
    "nearest": lambda: Autoencoder(_nearest),
    "blurred": Blurred,
    "superres": SuperResolution,
    "vae": VariationalAutoencoder,
    "diffusion": Diffusion,
}
