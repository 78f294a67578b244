"""RINE's head: it weighs what each block of a frozen tower says of a picture, feature by feature."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class BlockImportance(nn.Module):
    """Maps class tokens of all blocks to one logit, unfilled.

    Args:
        layers: Of each of the two projections.
        width: Of all that follows the first layer.
        blocks: How many the tower has.
        token: Width of its tokens.
    """

    def __init__(self, layers: int, width: int, blocks: int = 24, token: int = 1024) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.empty(1, blocks, width))
        self.proj1 = _projection(token, width, layers)
        self.proj2 = _projection(width, width, layers)
        # As in training, layers of dropout stand between: the names count them, too.
        hidden = [part for _ in range(2) for part in (nn.Linear(width, width), nn.ReLU(), nn.Dropout(0.5))]
        self.head = nn.Sequential(*hidden, nn.Linear(width, 1))

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (n, blocks, token) to raw logits (n, 1)."""
        # Over the blocks, for each feature by itself: of a softmax over features nothing would be left.
        importance = self.alpha.softmax(1)
        logits: Tensor = self.head(self.proj2((importance * self.proj1(tokens)).sum(1)))
        return logits


def _projection(given: int, width: int, layers: int) -> nn.Sequential:
    parts: list[nn.Module] = [nn.Dropout(0.5)]
    for n in range(layers):
        parts += [nn.Linear(width if n else given, width), nn.ReLU(), nn.Dropout(0.5)]
    return nn.Sequential(*parts)
