"""DINOv2's ViT-L/14 with low-rank adapters and a linear layer, as DDA's authors trained it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import interpolate, linear

if TYPE_CHECKING:
    from torch import Tensor

RANK, ALPHA = 8, 1.0
"""Of the adapters; the published file has the rank in its shapes, and alpha nowhere."""

ADAPTED = ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")
"""What is adapted of each block."""

OFFSET = 0.1
"""What DINOv2's own code adds to the length of a side when it resamples position embeddings."""


class AdaptedLinear(nn.Module):
    """A linear layer and a low-rank change of it, under the names of the published file.

    Args:
        layer: The one that is changed.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.original_layer = layer
        shapes = {"lora_A": (RANK, layer.in_features), "lora_B": (layer.out_features, RANK)}
        self.lora = nn.ParameterDict({name: torch.zeros(shape) for name, shape in shapes.items()})
        self.scale = ALPHA / RANK

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (..., in) to (..., out)."""
        change = linear(linear(inputs, self.lora["lora_A"]), self.lora["lora_B"])
        outputs: Tensor = self.original_layer(inputs) + self.scale * change
        return outputs


class AdaptedTransformer(nn.Module):
    """Pictures (n, 3, H, W), sides in multiples of 14 pixels, to one logit each, (n, 1).

    Args:
        **changes: What a smaller one has other than ViT-L/14: timm's arguments.
    """

    def __init__(self, **changes: int) -> None:
        import timm

        super().__init__()
        # timm's numbers and names are those of facebookresearch/dinov2, but for how positions are resampled.
        trunk = timm.create_model("vit_large_patch14_dinov2", num_classes=0, **changes)
        width: int = trunk.num_features
        # Of DINOv2's own training, and in the file; no picture meets it.
        trunk.register_parameter("mask_token", nn.Parameter(torch.zeros(1, width)))
        for block in trunk.blocks:
            for name in ADAPTED:
                block.set_submodule(name, AdaptedLinear(block.get_submodule(name)))
        self.base_model = nn.ModuleDict({"model": trunk, "fc": nn.Linear(width, 1)})

    @property
    def trunk(self) -> Any:  # noqa: ANN401 - timm's network, whose parts are named freely
        """The transformer without the linear layer."""
        return self.base_model["model"]

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised pictures to raw logits."""
        tokens = self.trunk.norm(self.trunk.blocks(self.tokens(images)))
        logits: Tensor = self.base_model["fc"](tokens[:, 0])  # of the class token
        return logits

    def tokens(self, images: Tensor) -> Tensor:
        """Make the sequences that the first block sees, (n, 1 + H/14 · W/14, width)."""
        grid = self.trunk.patch_embed.proj(images)
        patches = grid.flatten(2).transpose(1, 2)
        tokens = torch.cat([self.trunk.cls_token.expand(len(images), -1, -1), patches], 1)
        height, width = grid.shape[2:]
        return tokens + resampled(self.trunk.pos_embed, height, width).to(tokens.dtype)


def resampled(positions: Tensor, height: int, width: int) -> Tensor:
    """Stretch position embeddings to a grid of another size, as DINOv2's own code does.

    Not as timm does, which smooths: tokens then differ by up to 0.03 on formula weights.

    Args:
        positions: (1, 1 + S², width), the class token's first.
        height: Of the grid in tokens.
        width: Of the grid in tokens.

    Returns:
        float32, (1, 1 + height · width, width).
    """
    positions = positions.float()  # in single precision whatever the network's: bicubic weights are made so
    side = round((positions.shape[1] - 1) ** 0.5)
    square = positions[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    # The factors themselves are used for the places that are read, not the sizes that they lead to.
    factors = ((height + OFFSET) / side, (width + OFFSET) / side)
    stretched = interpolate(square, scale_factor=factors, mode="bicubic", antialias=False)
    return torch.cat([positions[:, :1], stretched.flatten(2).transpose(1, 2)], 1)
