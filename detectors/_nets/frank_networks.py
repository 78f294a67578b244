"""Frank et al.'s classifiers, as Keras makes them (GANDCTAnalysis, src/models.py), with one logit.

Ours is the order of the numbers that the last layer of `ridge` and `cnn` sees: channel, row, column, where
Keras has the channel last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from .cosines import LSUN_SIDE, LogCosines, Pixels, Standardised, Strip, unfilled
from .pixels import PLAIN, Preprocess

SIDE = 256
_SQUASHED = Preprocess(PLAIN, resize=SIDE)
INPUTS: Mapping[str, tuple[Pixels, int]] = {
    "dct": (LogCosines(_SQUASHED), SIDE),
    "pixels": (Pixels(_SQUASHED), SIDE),
    "lsun": (LogCosines(Strip()), LSUN_SIDE),
}
SMALL = 64
"""Pixels a side of what the sample's classifier sees: its file is part of the package."""
SMALL_INPUT = LogCosines(Preprocess(PLAIN, crop=SMALL))
"""What a classifier can see, and how many pixels its square has a side."""


def ridge(side: int) -> nn.Module:
    """Make a logistic regression: (n, 3, side, side) to (n, 1). The penalty is part of its training."""
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * side * side, 1))


def cnn(side: int) -> nn.Module:
    """Make the small network: (n, 3, side, side) to (n, 1)."""
    layers: list[nn.Module] = []
    for given, made, halved in ((3, 3, False), (3, 8, True), (8, 16, True), (16, 32, False)):
        layers += [nn.Conv2d(given, made, 3, padding=1), nn.ReLU()]
        layers += [nn.AvgPool2d(2)] if halved else []
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * (side // 4) ** 2, 1))


def resnet(side: int) -> nn.Module:
    """Make the large network: (n, 3, H, W), at least 13 pixels each way, to (n, 1); any `side`."""
    stem = [nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(3)]
    body = [_Block() for _ in range(10)]
    head = [nn.Conv2d(64, 64, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    last = [nn.Linear(64, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 1)]
    return nn.Sequential(*stem, *body, *head, *last)


CLASSIFIERS: Mapping[str, Callable[[int], nn.Module]] = {"ridge": ridge, "cnn": cnn, "resnet": resnet}
"""What makes each, for pictures of so many pixels a side."""


def classifier(name: str, side: int) -> Standardised:
    """Make one of them behind its statistics, unfilled."""
    return unfilled(CLASSIFIERS[name](side), side)


def start_as_keras(network: nn.Module) -> None:
    """Draw Glorot's uniform weights, from torch's generator; biases are zero."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class _Block(nn.Module):
    """Two convolutions and a shortcut. The first is normalised after its ReLU, the second before it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(64, 64, 3, padding=1) for _ in range(2))
        # Keras keeps 0.99 of its running statistics, which PyTorch says the other way round.
        self.bn1, self.bn2 = (nn.BatchNorm2d(64, eps=1e-3, momentum=0.01) for _ in range(2))

    def forward(self, maps: Tensor) -> Tensor:
        """Map (n, 64, H, W) to the same shape."""
        first = self.bn1(self.conv1(maps).relu())
        made: Tensor = (self.bn2(self.conv2(first)) + maps).relu()
        return made
