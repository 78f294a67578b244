"""AlignedForensics: GRIP's ResNet-50, trained on photographs and what an autoencoder makes of the same ones.

Rajan, Ojha, Schloesser, Lee, "Aligned Datasets Improve Detection of Latent Diffusion-Generated Images" (ICLR
2025). Code and weights: https://github.com/AniSundar18/AlignedForensics (its licence file is Apache-2.0's).

Pictures are neither resized nor cropped (see `corvi`, whose network and input these are). In `ours-sync` a
photograph and its reconstruction had the same augmentation in the same batch, in `ours` they had not;
`-shaders` were trained on pictures of procedural shaders in place of photographs.
"""

from __future__ import annotations

from typing import ClassVar

from ._nets.res50nodown import NoDownDetector, no_down_checkpoint

SEEN = {
    "ours-sync": ("ldm", "coco", "lsun"),
    "ours": ("ldm", "coco", "lsun"),
    "ours-sync-shaders": ("ldm",),
    "ours-shaders": ("ldm",),
}
"""By variant: what its weights were trained on."""

CHECKPOINTS = {variant: no_down_checkpoint(f"aligned-{variant}") for variant in SEEN}


class AlignedForensics(NoDownDetector):
    """One logit of the whole picture."""

    family = "aligned"
    seen = SEEN
    variants: ClassVar = {"published": tuple(SEEN)}
    rows: ClassVar = {"published": ("ours-sync",)}
    needs: ClassVar = {variant: (file,) for variant, file in CHECKPOINTS.items()}
    checkpoints: ClassVar = tuple(CHECKPOINTS.values())
