"""CLIP's image tower under the names, and in the order, that Hugging Face's transformers save it in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

State = dict[str, Tensor]

RENAMED = {
    "class_embedding": "embeddings.class_embedding",
    "positional_embedding": "embeddings.position_embedding.weight",
    "conv1.": "embeddings.patch_embedding.",
    "transformer.resblocks.": "encoder.layers.",
    ".attn.in_proj_": ".self_attn.q_proj.",  # and k_proj, v_proj
    ".attn.out_proj": ".self_attn.out_proj",
    ".mlp.c_fc": ".mlp.fc1",
    ".mlp.c_proj": ".mlp.fc2",
    "ln_pre": "pre_layrnorm",
    "ln_post": "post_layernorm",
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
}
PARTS = ("class", "patch", "position", "pre_", "encoder.", "post_")
OF_BLOCKS = ("k_proj", "v_proj", "q_proj", "out_proj", "norm1", "fc1", "fc2", "norm2")
PREFIXES = ("model.vision_model.", "backbone.", "feature_extractor.vision_model.")
HEADS = ("model.fc.", "fc.", "head.", "model.linear.")


def huggingface_tower(tower: Mapping[str, Tensor], prefix: str) -> State:
    """Rename the entries of an image tower, without its projection.

    Args:
        tower: By OpenAI's names.
        prefix: What stands before the new ones, such as "model.vision_model.".
    """
    state: State = {}
    for name, value in tower.items():
        if ".in_proj_" in name:
            for letter, part in zip("qkv", value.chunk(3), strict=True):
                state[_renamed(name).replace("q_proj", f"{letter}_proj")] = part
        elif name != "proj":
            state[_renamed(name)] = value
    return {prefix + key: state[key] for key in sorted(state, key=_place)}


def huggingface_names(there: str) -> Iterator[str]:
    """Give what an entry of a `ClipClassifier` may be called in a published file; of joint ones, one."""
    if there == "visual.proj":
        yield from (f"{prefix.removesuffix('vision_model.')}visual_projection.weight" for prefix in PREFIXES)
    elif there.startswith("visual."):
        theirs = _renamed(there.removeprefix("visual."))
        yield from (prefix + theirs + end for prefix in PREFIXES for end in ("", "_main"))
    else:
        yield from (head + there.removeprefix("fc.") for head in HEADS)


def tiny_tower() -> torch.nn.Module:
    """Make an image tower of the same kind and input with two narrow blocks, unfilled."""
    from open_clip.transformer import VisionTransformer

    return VisionTransformer(224, 14, width=32, layers=2, heads=2, mlp_ratio=2, output_dim=16)


def _renamed(name: str) -> str:
    for openai, theirs in RENAMED.items():
        name = name.replace(openai, theirs)
    return name


def _place(key: str) -> tuple[int, int, int]:
    part = next(n for n, start in enumerate(PARTS) if start in key)
    if PARTS[part] != "encoder.":
        return part, 0, 0
    return part, int(key.split(".")[2]), next(n for n, word in enumerate(OF_BLOCKS) if word in key)
