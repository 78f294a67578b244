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

_SMALL = 2000
"""Features that one thread searches: more threads take twice the processor time, for 30 features 75 times."""

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
        queries, most = _units(features), min(max(k, MOST), self.smallest)
        # Variants of other k ask for the same batch, one after
        # the other: a search of 720,120 features serves all.
        if not torch.equal(queries, self._asked) or self._found.shape[2] < k:
            found = [_search(queries, side, most) for side in (self._real, self._fake)]
            self._found, self._asked = torch.stack(found), queries
        # Distances are 1 - similarity: the ones cancel out. For k > 1 the paper gives no formula; votes in
        # the union of both sides would have k + 1 values, and an average precision full of ties.
        real, fake = self._found[..., :k].mean(dim=2).unbind()
        return (fake - real).to(features.device)


def _search(queries: Tensor, side: Tensor, most: int) -> Tensor:
    """Return the similarities of n queries to their nearest of one side: float32 (n, most), falling."""
    threads = faiss.omp_get_max_threads()
    if len(side) <= _SMALL:
        faiss.omp_set_num_threads(1)  # of faiss alone, for it has an OpenMP of its own
    try:
        found, _ = faiss.knn(queries.numpy(), side.numpy(), most, metric=faiss.METRIC_INNER_PRODUCT)
    finally:
        faiss.omp_set_num_threads(threads)
    return torch.from_numpy(found)


def _units(features: Tensor) -> Tensor:
    """Scale vectors to length one; float32 on the CPU, as faiss wants them."""
    # A bank comes as float16: scaled by pieces, the float32 copy before scaling is never whole.
    units = torch.empty(features.shape, dtype=torch.float32)
    for start in range(0, len(features), _AT_ONCE):
        some = features[start : start + _AT_ONCE].float()
        units[start : start + _AT_ONCE] = functional.normalize(some, dim=1)
    return units
