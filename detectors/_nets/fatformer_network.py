"""FatFormer's network: CLIP's two towers, of which each changes the other's view of a picture.

Liu et al., "Forgery-aware Adaptive Transformer for Generalizable Synthetic Image Detection" (CVPR 2024). The
authors' code: https://github.com/Michel-liu/FatFormer (Apache-2.0), models/clip_models.py and
models/clip/model.py. Names are those of its file, misspellings included, in their order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import cosine_similarity

from .forgery_adapter import ForgeryAdapter

if TYPE_CHECKING:
    from torch import Tensor

ADAPTED = (7, 15, 23)
"""Blocks of the image tower with an adapter: three, though the code's own default is eight."""

END = 11
"""Where both prompts end: after their start, 8 learned words, "real" or "fake" and a full stop."""


class FatFormerNetwork(nn.Module):
    """Two classes, real and fake, as two texts that a picture is compared with."""

    def __init__(self) -> None:
        super().__init__()
        self.logit_scale = nn.Parameter(torch.empty(()))
        self.clip_model = _Clip(self.logit_scale)
        self.language_guided_alignment = _Prompts()
        # Both towers stand in the file twice; what is read last counts, there as here.
        self.image_encoder = self.clip_model.visual
        self.text_encoder = _TextEncoder(self.clip_model)
        self.text_guided_interactor = nn.MultiheadAttention(768, 12, batch_first=True)
        self.norm1 = nn.LayerNorm(768)
        self.linear1, self.linear2 = nn.Linear(768, 3072), nn.Linear(3072, 768)
        self.norm2 = nn.LayerNorm(768)

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, 3, 224, 224) to the logits of real and fake, (n, 2)."""
        tokens = self.image_encoder(images)
        texts = self.text_encoder(self.language_guided_alignment(tokens))
        patches = tokens[:, 1:]
        found, _ = self.text_guided_interactor(patches, texts, texts, need_weights=False)
        patches = self.norm1(patches + found)
        patches = self.norm2(patches + self.linear2(self.linear1(patches).relu()))
        views = torch.stack([tokens[:, 0], patches.mean(1)], dim=1)  # the picture's own, and the texts'
        likeness = cosine_similarity(views[:, :, None], texts[:, None], dim=-1)
        logits: Tensor = self.logit_scale.exp() * likeness.sum(1)
        return logits


class _Prompts(nn.Module):
    """Eight words, that are learned and then changed by what the picture shows, in two sentences."""

    def __init__(self) -> None:
        super().__init__()
        self.ctx = nn.Parameter(torch.empty(8, 768))
        self.token_prefix: Tensor
        self.token_suffix: Tensor
        self.register_buffer("token_prefix", torch.empty(2, 1, 768))
        self.register_buffer("token_suffix", torch.empty(2, 68, 768))
        self.patch_basaed_enhancer = nn.MultiheadAttention(768, 12, batch_first=True)
        self.norm1 = nn.LayerNorm(768)
        self.linear1, self.linear2 = nn.Linear(768, 3072), nn.Linear(3072, 768)
        self.norm2 = nn.LayerNorm(768)

    def context(self, tokens: Tensor) -> Tensor:
        """Map tokens of n pictures (n, 257, 768) to the words of each, (n, 8, 768)."""
        words = self.ctx.expand(len(tokens), -1, -1)
        found, _ = self.patch_basaed_enhancer(words, tokens, tokens, need_weights=False)
        words = self.norm1(words + found)
        changed: Tensor = self.norm2(words + self.linear2(self.linear1(words).relu()))
        return changed

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens of n pictures (n, 257, 768) to their two prompts, (n, 2, 77, 768)."""
        words = self.context(tokens)[:, None].expand(-1, 2, -1, -1)
        start, end = (part.expand(len(tokens), -1, -1, -1) for part in (self.token_prefix, self.token_suffix))
        return torch.cat([start, words, end], dim=2)


class _Clip(nn.Module):
    def __init__(self, logit_scale: nn.Parameter) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.empty(77, 768))
        self.text_projection = nn.Parameter(torch.empty(768, 768))
        self.logit_scale = logit_scale
        self.visual = _ImageTower()
        self.transformer = _Transformer(768, 12, 12)
        self.token_embedding = nn.Embedding(49408, 768)  # the prompts are in the file, already embedded
        self.ln_final = nn.LayerNorm(768)


class _ImageTower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.class_embedding = nn.Parameter(torch.empty(1024))
        self.positional_embedding = nn.Parameter(torch.empty(257, 1024))
        self.proj = nn.Parameter(torch.empty(1024, 768))
        self.conv1 = nn.Conv2d(3, 1024, 14, stride=14, bias=False)
        self.ln_pre = nn.LayerNorm(1024)
        self.transformer = _Transformer(1024, 24, 16, ADAPTED)
        self.ln_post = nn.LayerNorm(1024)

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, 3, 224, 224) to all projected tokens (n, 257, 768), that of the class first."""
        patches = self.conv1(images).flatten(2).mT
        tokens = torch.cat([self.class_embedding.expand(len(images), 1, -1), patches], dim=1)
        tokens = self.transformer(self.ln_pre(tokens + self.positional_embedding))
        projected: Tensor = self.ln_post(tokens) @ self.proj
        return projected


class _TextEncoder(nn.Module):
    def __init__(self, clip: _Clip) -> None:
        super().__init__()
        self.positional_embedding, self.text_projection = clip.positional_embedding, clip.text_projection
        self.transformer, self.ln_final = clip.transformer, clip.ln_final

    def forward(self, prompts: Tensor) -> Tensor:
        """Map two prompts a picture (n, 2, 77, 768) to their features (n, 2, 768)."""
        # A word sees those before it alone, and the end is all that is read: nothing behind it matters.
        seen = (prompts + self.positional_embedding)[:, :, : END + 1]
        hidden = torch.ones(END + 1, END + 1, dtype=torch.bool, device=prompts.device).triu(1)
        words = self.transformer(seen.flatten(0, 1), hidden)
        features: Tensor = self.ln_final(words[:, END]) @ self.text_projection
        return features.reshape(len(prompts), 2, -1)


class _Transformer(nn.Module):
    def __init__(self, width: int, layers: int, heads: int, adapted: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(_Block(width, heads, place in adapted) for place in range(layers))

    def forward(self, tokens: Tensor, hidden: Tensor | None = None) -> Tensor:
        """Map (n, length, width) to the same; `hidden` is true where a token may not look."""
        for block in self.resblocks:
            tokens = block(tokens, hidden)
        return tokens


class _Block(nn.Module):
    """CLIP's, and beside its two layers perhaps an adapter."""

    def __init__(self, width: int, heads: int, adapted: bool) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_1 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)})
        self.ln_2 = nn.LayerNorm(width)
        self.forgery_aware_adapter = ForgeryAdapter() if adapted else None

    def forward(self, tokens: Tensor, hidden: Tensor | None) -> Tensor:
        normed = self.ln_1(tokens)
        found, _ = self.attn(normed, normed, normed, need_weights=False, attn_mask=hidden)
        tokens = tokens + found
        wide = self.mlp["c_fc"](self.ln_2(tokens))
        changed: Tensor = tokens + self.mlp["c_proj"](wide * (1.702 * wide).sigmoid())  # OpenAI's QuickGELU
        # The adapter sees what the layers saw, before their norm.
        return changed if self.forgery_aware_adapter is None else changed + self.forgery_aware_adapter(tokens)
