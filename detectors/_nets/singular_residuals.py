"""Matrices that are published as a fixed part and what was learnt beside it, in a few singular directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from .huggingface_clip import HuggingFaceNames

if TYPE_CHECKING:
    from .image_models import State

FIXED = ".weight_main"
UNUSED = (".S_r", ".U_r", ".V_r")
"""The fixed part's own singular vectors, which the training code may have saved along with it."""


@dataclass(frozen=True)
class ResidualNames(HuggingFaceNames):
    """The same of a tower whose attention has such matrices: each becomes one, as it is used."""

    def __call__(self, content: State) -> State:
        """Add up and rename the entries; another file comes back as it is, to be described."""
        # A tower without residuals is another detector's, even where all else fits.
        if f"{self.tower}encoder.layers.0.self_attn.k_proj{FIXED}" not in content:
            return content
        whole = {key: value for key, value in content.items() if not key.endswith(UNUSED)}
        for key in [key for key in whole if key.endswith(FIXED)]:
            stem = key.removesuffix(FIXED)
            names = [key, *(f"{stem}.{letter}_residual" for letter in "USV")]
            parts = [part for name in names if isinstance(part := whole.get(name), Tensor)]
            # What lacks a part keeps its names: strict loading then misses the matrix.
            if len(parts) == len(names) and [part.ndim for part in parts] == [2, 2, 1, 2]:
                fixed, left, singular, right = parts
                for name in names:
                    del whole[name]
                whole[f"{stem}.weight"] = fixed + (left * singular) @ right
        state = super().__call__(whole)
        return content if state is whole else state
