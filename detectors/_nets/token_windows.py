"""DINOv2's ViT-B/14 with registers on windows of one common grid of tokens, as B-Free looks at pictures."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

SIDE, PATCH = 36, 14
"""Tokens along each side of a window, and pixels along each side of a token."""


class Grid(nn.Module):
    """A patch convolution that is run by itself, on whole pictures, before the network sees its tokens."""

    def __init__(self, proj: nn.Module) -> None:
        super().__init__()
        self.proj = proj  # under timm's name, which the file has

    def forward(self, window: Tensor) -> Tensor:
        """Turn a window of tokens (n, width, SIDE, SIDE) into a sequence, row after row."""
        return window.flatten(2).transpose(1, 2)


def window_transformer(**changes: int) -> nn.Module:
    """Make the network, unfilled: windows of tokens (n, 768, SIDE, SIDE) to one logit each, (n, 1).

    Its `patch_embed.proj` makes the tokens of whole pictures, (n, 3, H, W) of any size.

    Args:
        **changes: What a smaller one has other than ViT-B/14: timm's arguments.
    """
    import timm

    sizes = {"img_size": PATCH * SIDE, "num_classes": 1, **changes}
    network: nn.Module = timm.create_model("vit_base_patch14_reg4_dinov2", **sizes)
    network.patch_embed = Grid(network.get_submodule("patch_embed.proj"))
    return network


def windows(tokens: Tensor) -> list[tuple[Tensor, float]]:
    """Cut windows out of a picture's tokens.

    A grid that is shorter than a window in either direction is repeated in both, and its top left corner is
    the only window: what a longer side has beyond it is never seen. Any other grid is seen in five, its
    centre and its corners, which overlap unless it is large.

    Args:
        tokens: (n, width, H, W).

    Returns:
        Windows (n, width, SIDE, SIDE), each with its share of the picture; shares sum to 1.
    """
    height, width = tokens.shape[2:]
    if min(height, width) < SIDE:
        return [(tiled(tokens, SIDE)[..., :SIDE, :SIDE], 1.0)]
    bottom, right = height - SIDE, width - SIDE
    corners = [(bottom // 2, right // 2), (0, 0), (bottom, 0), (bottom, right), (0, right)]
    # A picture of 504 to 517 pixels has one window five times over; it is judged once.
    return [
        (tokens[..., top : top + SIDE, left : left + SIDE], times / len(corners))
        for (top, left), times in Counter(corners).items()
    ]


def tiled(maps: Tensor, side: int) -> Tensor:
    """Repeat maps (n, channels, H, W) downwards and to the right, whole, until no side is below `side`."""
    height, width = maps.shape[2:]
    return maps.repeat(1, 1, -(-side // height), -(-side // width))
