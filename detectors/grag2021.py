"""Gragnaniello et al.: a ResNet-50 that keeps the full resolution longest, on large pictures tile by tile.

Gragnaniello, Cozzolino, Marra, Poggi, Verdoliva, "Are GAN generated images easy to detect? A critical
analysis of the state-of-the-art" (ICME 2021). Code: https://github.com/grip-unina/GANimageDetection (GRIP's
own licence, not for profit).

Pictures are neither resized nor cropped. One with both sides above 1536 pixels is cut into tiles of 1024 from
its top left, the last ones as narrow as they come, down to a single pixel; its logit is the tiles' average,
weighed by their areas. Other pictures are seen whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch

from ._nets.res50nodown import NoDownDetector, no_down_checkpoint, whole_logit

if TYPE_CHECKING:
    from torch import Tensor, nn

SEEN = {
    "progan": ("progan",),
    "stylegan2": ("stylegan2", "lsun", "afhq", "animalweb", "brecahad", "ffhq", "metfaces"),
}
"""By variant: what its weights were trained on."""

CHECKPOINTS = {variant: no_down_checkpoint(f"grag2021-{variant}") for variant in SEEN}


class Gragnaniello(NoDownDetector):
    """One logit of the whole picture, or of its tiles."""

    family = "grag2021"
    seen = SEEN
    variants: ClassVar = {"published": tuple(SEEN)}
    needs: ClassVar = {variant: (file,) for variant, file in CHECKPOINTS.items()}
    checkpoints: ClassVar = tuple(CHECKPOINTS.values())

    def judge(self, picture: Tensor) -> Tensor:
        """Map one picture (1, 3, H, W) to its logit (1,)."""
        return average_logit(self.network, tiles(picture))


def tiles(picture: Tensor, above: int = 1536, side: int = 1024) -> list[Tensor]:
    """Cut a picture (..., H, W), row by row, if both its sides are above a length.

    Args:
        picture: Of any size.
        above: That length in pixels.
        side: Of a tile; those at the right and at the bottom are as small as what remains.
    """
    if min(picture.shape[-2:]) <= above:
        return [picture]
    return [tile for row in torch.split(picture, side, -2) for tile in torch.split(row, side, -1)]


def average_logit(network: nn.Module, parts: list[Tensor]) -> Tensor:
    """Weigh the logits of a picture's parts, each (1, 3, h, w), by their areas: (1,)."""
    areas = torch.tensor([part.shape[-2] * part.shape[-1] for part in parts], device=parts[0].device)
    logits = torch.cat([whole_logit(network, part) for part in parts])
    return (logits * areas).sum(0, keepdim=True) / areas.sum()
