"""Nearest neighbours of feature vectors in a bank of real and fake ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import faiss
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

MOST = 9
"""The paper's largest k. A search is made for so many, whichever k asks, and serves the others."""

_AT_ONCE = 16384
"""Features scaled together, so that a bank never lies in memory twice in float32."""


class FeatureBank:
    """Two sets of unit vectors on the CPU, searched exactly by faiss (inner product: cosine similarity).

    A feature takes four bytes a dimension: 2.2 GB for CLIP's 768 numbers of the papers' 720,000 images.

    Args:
        real: Features of real images (n, d), of any length and float type.
        fake: Features of generated ones (m, d).

    Attributes:
        smallest: The largest k that both sides can serve.
    """

    def __init__(self, real: Tensor, fake: Tensor) -> None:
        self.smallest = min(len(real), len(fake))
        self._real, self._fake = _units(real), _units(fake)
        self._asked = self._found = torch.empty(0)

    def score(self, features: Tensor, k: int) -> Tensor:
        """Say how much closer to fakes than to reals each of n features is: (n,) in [-2, 2].

        It is the mean cosine distance to the k nearest reals less that to the k nearest fakes.
        """
        real, fake = self._nearest(features, k)[..., :k].mean(dim=2).unbind()
        return (fake - real).to(features.device)

    def _nearest(self, features: Tensor, k: int) -> Tensor:
        """Find the similarities to the nearest of both sides, (2, n, k or more), falling."""
        queries, most = _units(features), min(max(k, MOST), self.smallest)
        if not torch.equal(queries, self._asked) or self._found.shape[2] < k:
            self._found = torch.stack([_search(side, queries, most) for side in (self._real, self._fake)])
            self._asked = queries
        return self._found


def _units(features: Tensor) -> Tensor:
    """Scale vectors to length one; float32 on the CPU, as faiss wants them."""
    units = torch.empty(features.shape, dtype=torch.float32)
    for start in range(0, len(features), _AT_ONCE):
        some = features[start : start + _AT_ONCE].float()
        units[start : start + _AT_ONCE] = functional.normalize(some, dim=1)
    return units


def _search(side: Tensor, queries: Tensor, k: int) -> Tensor:
    """Return the cosine similarities of each query to its k nearest entries (n, k), falling."""
    similarities, _ = faiss.knn(queries.numpy(), side.numpy(), k, metric=faiss.METRIC_INNER_PRODUCT)
    return torch.from_numpy(similarities)
