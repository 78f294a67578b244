"""Fusing (PSM): one ResNet-50 on the whole picture and on the six parts of it that it responds to most.

Ju, Jia, Ke, Xue, Nagano, Lyu, "Fusing Global and Local Features for Generalized AI-Synthesized Image
Detection" (ICIP 2022). Network and weights are those of AIGCDetectBenchmark, trained on ForenSynths' 20
classes: https://github.com/Ekko-zn/AIGCDetectBenchmark (no licence).

The whole picture is seen with its shorter side at 224 pixels, the central square of it; the parts, three of
224² and three of 112², are cut from the picture as it is, at places that the whole picture's features say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.networks import Network
from ._nets.pixels import IMAGENET, Preprocess
from ._nets.published import published

if TYPE_CHECKING:
    from PIL.Image import Image

CHECKPOINT = published("fusing", {"fc1.weight": (128, 2048), "mha_list.2.fc2.weight": (128, 128)})
WHOLE, SIDE = Preprocess(IMAGENET, resize=224, crop=224, squash=False), 224
WINDOWS = ((3, 224), (2, 112))
"""Of features that are added up, and of the part of the picture that they stand for: the sides of squares."""


class Fusing(LogitDetector):
    """A classifier with one logit on a picture and six parts of it."""

    variants: ClassVar = {"published": ("progan",)}
    needs: ClassVar = {"progan": (CHECKPOINT,)}
    checkpoints: ClassVar = (CHECKPOINT,)
    version = "1"
    threshold = 0.5
    trained_on = ("progan",)

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"fusing:{variant}"
        self.network = Network(FusingNetwork, CHECKPOINT).load(weights, self.checkpoints)

    @staticmethod
    def prepare(image: Image) -> Tensor:
        """Make one vector: height, width, the small picture (3·224²) and the picture itself (3·H·W)."""
        picture = Preprocess(IMAGENET)(image)
        size = torch.tensor(picture.shape[1:]).float()
        return torch.cat([size, WHOLE(image).flatten(), picture.flatten()])

    def logit(self, batch: Tensor) -> Tensor:
        """Map n prepared pictures to raw logits (n,)."""
        # Pictures of equal length may differ in shape: 384x512 and 512x384.
        return torch.cat([self.network(one).flatten() for one in batch])


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
        return Seen(list(_parts(maps, height, width)), maps.mean((2, 3)))

    def forward(self, prepared: Tensor) -> Tensor:
        """Map one prepared picture to a raw logit (1,)."""
        height, width = map(int, prepared[:2])
        small, picture = torch.split(prepared[2:], [3 * SIDE * SIDE, 3 * height * width])
        seen = self.look(small.view(3, SIDE, SIDE), height, width)
        picture = picture.view(3, height, width)
        parts = [
            interpolate(
                picture[None, :, top:bottom, left:right], (SIDE, SIDE), mode="bilinear", align_corners=True
            )
            for top, left, bottom, right in seen.parts
        ]
        features = torch.cat([self._maps(torch.cat(parts)).mean((2, 3)), seen.features])
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


def _parts(maps: Tensor, height: int, width: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the squares of a picture that its features (1, c, 7, 7) answer to most: three of each window."""
    least = min(height, width)
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
                share = torch.tensor(2 * place + maps.shape[-1] - scores.shape[-1] + 1) / (2 * maps.shape[-1])
                first = int((length - least) // 2 + least * share) - side // 2
                first = max(0, min(max(0, first), length - side))
                square.append((first, min(first + side, length)))
            (top, bottom), (left, right) = square
            yield top, left, bottom, right
