"""CLIP's image tower as Hugging Face's transformers name it, trained along with a linear layer.

Several detectors publish such files. Their entries become those of open_clip's tower, which has OpenAI's
names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from .encoders import clip_tower

if TYPE_CHECKING:
    from .image_models import State

NAMES = {
    "embeddings.class_embedding": "class_embedding",
    "embeddings.position_embedding.weight": "positional_embedding",
    "embeddings.patch_embedding.": "conv1.",
    "pre_layrnorm.": "ln_pre.",  # misspelt in every file
    "post_layernorm.": "ln_post.",
    "encoder.layers.": "transformer.resblocks.",
    ".self_attn.": ".attn.",
    ".layer_norm": ".ln_",
    ".mlp.fc1.": ".mlp.c_fc.",
    ".mlp.fc2.": ".mlp.c_proj.",
}
"""OpenAI's names by those of transformers; besides, queries, keys and values are one matrix there."""


@dataclass(frozen=True)
class HuggingFaceNames:
    """Where a file keeps a tower and a linear layer; finds them for a `ClipClassifier` (a `Network.select`).

    Attributes:
        tower: What stands before the tower's names.
        head: What stands before the layer's.
        projection: Name of the matrix after the tower; empty: it is not used.
        unused: How the names begin of what judges no image, such as CLIP's text side.
    """

    tower: str
    head: str
    projection: str = ""
    unused: tuple[str, ...] = ()

    def __call__(self, content: State) -> State:
        """Rename the entries; a file without such a tower and layer comes back as it is, to be described."""
        if not {f"{self.tower}pre_layrnorm.weight", f"{self.head}weight"} <= content.keys():
            return content
        state: dict[str, object] = {}
        for key, value in content.items():
            # transformers before 4.31 wrote the numbers 0 to 256 as an entry, too.
            if key.startswith(self.unused) or key.endswith(".position_ids"):
                continue
            if key == self.projection:
                state["visual.proj"] = value.T if isinstance(value, Tensor) else value
            elif key.startswith(self.tower):
                name = key.removeprefix(self.tower)
                for theirs, openai in NAMES.items():
                    name = name.replace(theirs, openai)
                state[f"visual.{name}"] = value
            else:
                state[key.replace(self.head, "fc.") if key.startswith(self.head) else key] = value
        # Queries, keys and values are one matrix (and one bias) there, in this order.
        for key in [key for key in state if ".attn.q_proj." in key]:
            parts = [state.get(key.replace(".q_proj.", f".{letter}_proj.")) for letter in "qkv"]
            tensors = [part for part in parts if isinstance(part, Tensor)]
            # What lacks one of them keeps its name: strict loading then misses the joint one.
            if len(tensors) == 3 and len({part.shape for part in tensors}) == 1:
                for letter in "qkv":
                    del state[key.replace(".q_proj.", f".{letter}_proj.")]
                state[key.replace(".q_proj.", ".in_proj_")] = torch.cat(tensors)
        return state


class ClipClassifier(nn.Module):
    """CLIP's ViT-L/14 and a linear layer on its features, unfilled.

    Args:
        classes: How many logits it gives.
        projected: Features are those after the projection (768), not those before it (1024).
        unit: Features are divided by their length.
        tower: Another image tower of open_clip's.
    """

    def __init__(
        self,
        classes: int,
        *,
        projected: bool = False,
        unit: bool = False,
        tower: Callable[[], nn.Module] = clip_tower,
    ) -> None:
        super().__init__()
        self.visual = cast("Any", tower())  # attributes of open_clip's class
        width = self.visual.output_dim
        if not projected:
            width = self.visual.ln_post.normalized_shape[0]
            self.visual.proj = None  # then the features are left as the last norm gives them
        self.fc = nn.Linear(width, classes)
        self.unit = unit

    def forward(self, images: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, 224, 224) to raw logits (n, classes)."""
        features = self.visual(images)
        # Without an epsilon, as all the official codes have it.
        logits: Tensor = self.fc(features / features.norm(dim=-1, keepdim=True) if self.unit else features)
        return logits
