"""Nearest neighbours of feature vectors in a bank of real and fake ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import faiss
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor


class FeatureBank:
    """Two exact faiss indices (inner product of unit vectors, that is cosine similarity), on the CPU.

    Args:
        real: Features of real images (n, d), of any length and float type.
        fake: Features of generated ones (m, d).

    Attributes:
        smallest: The largest k that both sides can serve.
    """

    def __init__(self, real: Tensor, fake: Tensor) -> None:
        self.smallest = min(len(real), len(fake))
        self._real, self._fake = _index(real), _index(fake)

    def score(self, features: Tensor, k: int) -> Tensor:
        """Say how much closer to fakes than to reals each of n features is: (n,) in [-2, 2].

        It is the mean cosine distance to the k nearest reals less that to the k nearest fakes.
        """
        queries = _unit(features)
        score = _similarity(self._fake, queries, k) - _similarity(self._real, queries, k)
        return score.to(features.device)


def _index(features: Tensor) -> faiss.IndexFlatIP:
    index = faiss.IndexFlatIP(features.shape[1])
    index.add(_unit(features).numpy())
    return index


def _unit(features: Tensor) -> Tensor:
    """Scale vectors to length one; float32 on the CPU, as faiss wants them."""
    return functional.normalize(features.float(), dim=1).cpu().contiguous()


def _similarity(index: faiss.IndexFlatIP, queries: Tensor, k: int) -> Tensor:
    """Average the cosine similarity of each query to its k nearest entries."""
    similarities, _ = index.search(queries.numpy(), k)
    return torch.from_numpy(similarities).mean(dim=1)
