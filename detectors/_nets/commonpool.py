"""LAION's CLIP ViT-L/14 of CommonPool-XL, as ClipDet takes features from it."""

from __future__ import annotations

from functools import partial

from .encoders import CLIP_TAPS, Backbone, clip_tower
from .image_models import of_clip
from .networks import Network
from .pixels import CLIP, Preprocess
from .published import published

COMMONPOOL = Backbone(
    # Trained with the exact GELU, where OpenAI's has QuickGELU: with equal keys and shapes.
    Network(
        partial(clip_tower, "ViT-L-14"),
        published("clip-vit-l14-commonpool", {"visual.class_embedding": (1024,), "visual.proj": (1024, 768)}),
        of_clip,
    ),
    Preprocess(CLIP, resize=224, crop=224, resample="bicubic", squash=False),
    768,
    taps=CLIP_TAPS,
)
"""Shorter side to 224 by Pillow's bicubic filter, then the central 224²; projected features (n, 768)."""
