"""The autoencoder of Stable Diffusion 1 and 2: a picture to an eighth of its sides, and back.

Rombach, Blattmann, Lorenz, Esser, Ommer, "High-Resolution Image Synthesis with Latent Diffusion Models" (CVPR
2022). Layers, names and their order are those of `AutoencoderKL` in diffusers (Apache-2.0), in whose format
such files are published; nothing else of that library is of use here.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import TYPE_CHECKING

from torch import nn
from torch.nn.functional import interpolate, pad, scaled_dot_product_attention, silu

if TYPE_CHECKING:
    from torch import Tensor

    from .image_models import State

LATENT = 4
"""Channels of what lies in the middle; the encoder gives as many variances beside the means."""
SHRINKS = 8
"""A picture's sides to those of its latents."""
_OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""What diffusers called an attention's layers before 2023, and calls them since."""


def of_diffusers(content: State) -> State:
    """Give the attentions of an older file their present names."""
    found = {}
    for key, value in content.items():
        stem, _, kind = key.rpartition(".")
        before, _, last = stem.rpartition(".")
        is_old = ".attentions." in key and last in _OLD_NAMES
        found[f"{before}.{_OLD_NAMES[last]}.{kind}" if is_old else key] = value
    return found


class Autoencoder(nn.Module):
    """The two halves; pictures have sides that are multiples of eight."""

    def __init__(self) -> None:
        super().__init__()
        levels = nn.Sequential(
            _level(128, 128, 2, downsamplers=_Halving(128)),
            _level(128, 256, 2, downsamplers=_Halving(256)),
            _level(256, 512, 2, downsamplers=_Halving(512)),
            _level(512, 512, 2),
        )
        self.encoder = nn.Sequential(
            OrderedDict(
                conv_in=nn.Conv2d(3, 128, 3, padding=1),
                down_blocks=levels,
                mid_block=_Middle(512),
                conv_norm_out=_norm(512),
                conv_act=nn.SiLU(),
                conv_out=nn.Conv2d(512, 2 * LATENT, 3, padding=1),
            )
        )
        self.decoder = _Decoder()
        self.quant_conv = nn.Conv2d(2 * LATENT, 2 * LATENT, 1)
        self.post_quant_conv = nn.Conv2d(LATENT, LATENT, 1)

    def encode(self, images: Tensor) -> Tensor:
        """Map (n, 3, H, W) to the means of the latents' distributions (n, 4, H / 8, W / 8), not scaled."""
        means, _ = self.distributions(images)
        return means

    def distributions(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map (n, 3, H, W) to means and standard deviations of the latents, (n, 4, H / 8, W / 8) each."""
        moments: Tensor = self.quant_conv(self.encoder(images))
        means, log_variances = moments.chunk(2, dim=1)
        # The bounds are those of its authors' code.
        return means, log_variances.clamp(-30, 20).div(2).exp()

    def decode(self, latents: Tensor) -> Tensor:
        """Map latents (n, 4, h, w) to pictures (n, 3, 8 h, 8 w), mostly in [-1, 1]."""
        images: Tensor = self.decoder(self.post_quant_conv(latents))
        return images

    def forward(self, images: Tensor) -> Tensor:
        """Rebuild pictures (n, 3, H, W) from the means; its training had pictures in [-1, 1]."""
        return self.decode(self.encode(images))


class _Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(LATENT, 512, 3, padding=1)
        self.up_blocks = nn.Sequential(
            _level(512, 512, 3, upsamplers=_Doubling(512)),
            _level(512, 512, 3, upsamplers=_Doubling(512)),
            _level(512, 256, 3, upsamplers=_Doubling(256)),
            _level(256, 128, 3),
        )
        self.mid_block = _Middle(512)  # runs first, and stands last in the file
        self.conv_norm_out = _norm(128)
        self.conv_out = nn.Conv2d(128, 3, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        maps = self.up_blocks(self.mid_block(self.conv_in(latents)))
        images: Tensor = self.conv_out(silu(self.conv_norm_out(maps)))
        return images


def _level(before: int, width: int, blocks: int, **scaling: nn.Module) -> nn.Sequential:
    """Make blocks of one width, and a change of size behind them; the file has a list of one there."""
    widths = (before, *[width] * blocks)
    resnets = nn.Sequential(*(_Residual(*pair) for pair in pairwise(widths)))
    return nn.Sequential(
        OrderedDict(resnets=resnets, **{name: nn.Sequential(one) for name, one in scaling.items()})
    )


class _Residual(nn.Module):
    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = _norm(before), nn.Conv2d(before, width, 3, padding=1)
        self.norm2, self.conv2 = _norm(width), nn.Conv2d(width, width, 3, padding=1)
        if before != width:
            self.conv_shortcut = nn.Conv2d(before, width, 1)

    def forward(self, maps: Tensor) -> Tensor:
        changed: Tensor = self.conv2(silu(self.norm2(self.conv1(silu(self.norm1(maps))))))
        kept: Tensor = self.conv_shortcut(maps) if hasattr(self, "conv_shortcut") else maps
        return kept + changed


class _Middle(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.attentions = nn.Sequential(_Attention(width))
        self.resnets = nn.Sequential(_Residual(width, width), _Residual(width, width))

    def forward(self, maps: Tensor) -> Tensor:
        first, second = self.resnets
        seen: Tensor = second(self.attentions(first(maps)))
        return seen


class _Attention(nn.Module):
    """Every position looks at all others, with one head as wide as the maps."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.group_norm = _norm(width)
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, width) for _ in range(3))
        self.to_out = nn.Sequential(nn.Linear(width, width))  # the file's name: a dropout follows there

    def forward(self, maps: Tensor) -> Tensor:
        tokens = self.group_norm(maps).flatten(2).mT  # (n, H * W, width)
        found = scaled_dot_product_attention(self.to_q(tokens), self.to_k(tokens), self.to_v(tokens))
        changed: Tensor = self.to_out(found).mT.reshape(maps.shape)
        return maps + changed


class _Halving(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2)

    def forward(self, maps: Tensor) -> Tensor:
        # Zeros to the right and below alone, as the authors' first code had it.
        halved: Tensor = self.conv(pad(maps, (0, 1, 0, 1)))
        return halved


class _Doubling(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        doubled: Tensor = self.conv(interpolate(maps, scale_factor=2, mode="nearest"))
        return doubled


def _norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(32, width, eps=1e-6)
