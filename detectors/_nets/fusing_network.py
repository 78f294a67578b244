"""Fusing's network: a ResNet-50 on seven views of a picture, and attention between them.

Ju et al. (ICIP 2022), as AIGCDetectBenchmark has it (networks/Patch5Model.py).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

SIDE = 224
"""Of every view."""
WINDOWS = ((3, 224), (2, 112))
"""Of features that are added up, and of the part of the picture that they stand for: the sides of squares."""


class Seen(NamedTuple):
    """On the way: each part's (top, left, bottom, right), and the features (1, 2048) of the small picture."""

    parts: list[tuple[int, int, int, int]]
    features: Tensor


class FusingNetwork(nn.Module):
    """The network; its entries have the published names, in their order."""

    def __init__(self) -> None:
        from torchvision.models import resnet50

        super().__init__()
        self.resnet = resnet50()
        self.mha_list = nn.Sequential(*(_Attention(128, 4) for _ in range(3)))
        self.fc1 = nn.Linear(2048, 128)
        self.fc = nn.Linear(128, 1)

    def look(self, small: Tensor, height: int, width: int) -> Seen:
        """See a small picture (3, 224, 224) as a whole; sides are those of the picture itself."""
        maps = self._maps(small[None])
        least, grid, parts = min(height, width), maps.shape[-1], []
        # The squares of the picture that the features (1, c, 7, 7) answer to most: three of each window.
        for window, side in WINDOWS:
            scores = avg_pool2d(maps, window, stride=1).sum(1, keepdim=True)
            for _ in range(3):
                highest, at = scores.flatten().max(0)
                row, column = divmod(int(at), scores.shape[-1])
                # Its neighbours are passed over with it. Features are at least 0, for they come from a ReLU.
                scores = scores * (max_pool2d(scores, 3, stride=1, padding=1) != highest)
                square = []
                for place, length in ((row, height), (column, width)):
                    # In float32, as the official code: a place just below a whole number is cut off.
                    share = torch.tensor(2 * place + grid - scores.shape[-1] + 1) / (2 * grid)
                    first = int((length - least) // 2 + least * share) - side // 2
                    first = max(0, min(max(0, first), length - side))
                    square.append((first, min(first + side, length)))
                (top, bottom), (left, right) = square
                parts.append((top, left, bottom, right))
        return Seen(parts, maps.mean((2, 3)))

    def forward(self, prepared: Tensor) -> Tensor:
        """Map one prepared picture to a raw logit (1,)."""
        height, width = map(int, prepared[:2])
        small, picture = torch.split(prepared[2:], [3 * SIDE * SIDE, 3 * height * width])
        seen = self.look(small.view(3, SIDE, SIDE), height, width)
        picture = picture.view(3, height, width)
        cut = [picture[None, :, top:bottom, left:right] for top, left, bottom, right in seen.parts]
        # Those of 224² stay as they are: with aligned corners, the same size gives the same pixels.
        views = [interpolate(one, (SIDE, SIDE), mode="bilinear", align_corners=True) for one in cut]
        features = torch.cat([self._maps(torch.cat(views)).mean((2, 3)), seen.features])
        tokens = self.mha_list(self.fc1(features).relu()[None])
        logits: Tensor = self.fc(tokens[0, -1])  # the last is the whole picture
        return logits

    def _maps(self, pictures: Tensor) -> Tensor:
        net = self.resnet
        maps = net.maxpool(net.relu(net.bn1(net.conv1(pictures))))
        features: Tensor = net.layer4(net.layer3(net.layer2(net.layer1(maps))))
        return features


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.mha = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln1 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, width)
        self.fc2 = nn.Linear(width, width)
        self.ln2 = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (n, tokens, width) to the same shape."""
        tokens = self.ln1(tokens + self.mha(tokens, tokens, tokens)[0])
        mixed: Tensor = self.ln2(tokens + self.fc2(self.fc1(tokens).relu()))
        return mixed
