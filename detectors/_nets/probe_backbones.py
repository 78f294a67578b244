"""Frozen backbones of linear probes, each with the input of one library: its name begins with that library's.

timm and open_clip prepare pictures for the same weights differently: a crop on the one side, a squashed
picture on the other, and other filters. A head on features of the one does not fit the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn

from .adapted_dinov2 import resampled
from .encoders import BACKBONES, CLIP_VIT_L14, Backbone, clip_tower
from .image_models import State, of_clip
from .networks import Network
from .pixels import CLIP, IMAGENET, SYMMETRIC, Preprocess, Statistics
from .published import published

DINOV2 = published("dinov2-l14", {"pos_embed": (1, 1370, 1024), "blocks.0.ls1.gamma": (1024,)})
DINOV2_REG4 = published("dinov2-l14-reg4", {"pos_embed": (1, 1369, 1024), "reg_token": (1, 4, 1024)})
DINOV3 = published("dinov3-l16", {"reg_token": (1, 4, 1024), "blocks.0.gamma_1": (1024,)})
SIGLIP2_L = published("siglip2-l16-384", {"attn_pool.latent": (1, 1, 1024), "pos_embed": (1, 576, 1024)})
SIGLIP2_SO400M = published("siglip2-so400m-384", {"attn_pool.latent": (1, 1, 1152)})
PE_CORE = published("pe-core-l14-336", {"attn_pool.latent": (1, 1, 1024), "head.weight": (1024, 1024)})


def transformer(name: str, **changes: object) -> nn.Module:
    """Make a transformer of timm's, unfilled: pictures of its own size to features.

    Args:
        name: timm's, without the name of its weights.
        **changes: timm's arguments.
    """
    import timm

    network: nn.Module = timm.create_model(name, **changes)
    if getattr(network, "rope", None) is not None:
        # Rotary positions are in no file: what is built without memory would keep them undefined. They are
        # the same however many layers there are.
        with torch.device("cpu"):
            network.rope = timm.create_model(name, **{**changes, "depth": 1}).rope
    return network


def without_mask(content: State) -> State:
    """Leave out what facebookresearch's own file of DINOv2 has beyond timm's, and no picture meets."""
    return {key: value for key, value in content.items() if key != "mask_token"}


def at_224(content: State) -> State:
    """Resample DINOv2's position embeddings to 16x16 tokens, by facebookresearch's rule and not timm's."""
    kept, positions = without_mask(content), content.get("pos_embed")
    # Any other file is left as it is: strict loading says what is wrong with it.
    if isinstance(positions, Tensor) and positions.shape[1:2] == (1370,):
        kept = {**kept, "pos_embed": resampled(positions, 16, 16)}
    return kept


def centred(statistics: Statistics, crop: int, resize: int | None = None) -> Preprocess:
    """Describe timm's input: the shorter side scaled (bicubic), then a crop of the centre."""
    return Preprocess(statistics, resize=resize or crop, crop=crop, resample="bicubic", squash=False)


_DINOV2 = partial(transformer, "vit_large_patch14_dinov2")
_SIGLIP2_L = Network(partial(transformer, "vit_large_patch16_siglip_384"), SIGLIP2_L)
_SIGLIP2_SO400M = Network(partial(transformer, "vit_so400m_patch16_siglip_384"), SIGLIP2_SO400M)
_PE_CORE = Network(partial(transformer, "vit_pe_core_large_patch14_336"), PE_CORE)
_SQUASHED_384 = Preprocess(SYMMETRIC, resize=384, resample="bicubic")

PROBED: Mapping[str, Backbone] = {
    "clip-vit-l14": BACKBONES["clip-vit-l14"],
    "openclip-clip-l14": Backbone(Network(clip_tower, CLIP_VIT_L14, of_clip), centred(CLIP, 224), 768),
    "timm-dinov2-l14": Backbone(Network(_DINOV2, DINOV2, without_mask), centred(IMAGENET, 518), 1024),
    "timm-dinov2-l14-reg4": Backbone(
        Network(partial(transformer, "vit_large_patch14_reg4_dinov2"), DINOV2_REG4, without_mask),
        centred(IMAGENET, 518),
        1024,
    ),
    "aigenbench-dinov2-l14": Backbone(
        Network(partial(_DINOV2, img_size=224), DINOV2, at_224), Preprocess(CLIP, resize=224), 1024
    ),
    # timm pools the mean of patches by default; DINOv3's authors take the class token.
    "timm-dinov3-l16": Backbone(
        Network(partial(transformer, "vit_large_patch16_dinov3", global_pool="token"), DINOV3),
        centred(IMAGENET, 256),
        1024,
    ),
    # timm's crop is nine tenths of the shorter side.
    "timm-siglip2-l16-384": Backbone(_SIGLIP2_L, centred(SYMMETRIC, 384, 426), 1024),
    "openclip-siglip2-l16-384": Backbone(_SIGLIP2_L, _SQUASHED_384, 1024),
    "timm-siglip2-so400m-384": Backbone(_SIGLIP2_SO400M, centred(SYMMETRIC, 384, 426), 1152),
    "openclip-siglip2-so400m-384": Backbone(_SIGLIP2_SO400M, _SQUASHED_384, 1152),
    # What timm calls its classifier is the projection into the space of texts: open_clip's features come
    # after it, timm's before.
    "timm-pe-core-l14-336": Backbone(_PE_CORE, centred(SYMMETRIC, 336), 1024, "head"),
    "openclip-pe-core-l14-336": Backbone(_PE_CORE, Preprocess(SYMMETRIC, resize=336), 1024),
    "efficientnet-lite0": BACKBONES["efficientnet-lite0"],
}
"""By name. `clip-vit-l14` is UnivFD's, with its crop, and shares its features; `aigenbench-…` is what
AI-GenBench's code feeds DINOv2: a squashed picture of 224 pixels with CLIP's statistics. No feature is
divided by its length.
"""
