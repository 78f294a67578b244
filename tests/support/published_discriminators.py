"""GANs' discriminators as their published code runs them, step by step, from the entries of a file.

Written from descriptions (Karras et al. 2018, 2019, 2020; genforce's modules): He's factors are applied to
the weights in every call, StyleGAN blurs, convolves and then averages, StyleGAN2 scales every activation.
Ours do the same in fewer steps: tests compare the numbers, `tests/perf/bench_lgrad.py` the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod, sqrt

import torch
from torch import Tensor
from torch.nn import functional

Entries = Mapping[str, Tensor]
Published = Callable[[Entries, Tensor], Tensor]
"""Maps a file's entries and images (n, 3, 256, 256) in [-1, 1] to raw scores (n, 1)."""


def stylegan(p: Entries, images: Tensor) -> Tensor:
    """Run StyleGAN's."""
    return _progressive(p, images, _blurred)


def pggan(p: Entries, images: Tensor) -> Tensor:
    """Run PGGAN's."""
    return _progressive(p, images, _averaged)


def stylegan2(p: Entries, images: Tensor) -> Tensor:
    """Run StyleGAN2's (config F)."""

    def activated(x: Tensor) -> Tensor:
        return _activated(x) * sqrt(2)

    def halved(x: Tensor, key: str, padding: int) -> Tensor:
        kernel = p[f"{key}.filter.kernel"].expand(x.shape[1], 1, 4, 4)
        filtered = functional.conv2d(x, kernel, padding=padding, groups=x.shape[1])
        return functional.conv2d(filtered, _weight(p, key, 1), p.get(f"{key}.bias"), stride=2)

    x = activated(_convolved(p, images, "input0", 1))
    for block in range(6):
        skipped = halved(x, f"skip_layer{block}", 1)
        x = activated(_convolved(p, x, f"layer{2 * block}", 1))
        x = (activated(halved(x, f"layer{2 * block + 1}", 2)) + skipped) / sqrt(2)
    x = activated(_convolved(p, _with_deviation(x), "layer12", 1)).flatten(1)
    return _product(p, activated(_product(p, x, "layer13", 1)), "layer14", 1)


def _progressive(p: Entries, images: Tensor, halved: Callable[[Entries, Tensor, int], Tensor]) -> Tensor:
    x = _activated(_convolved(p, images, "input0"))
    for block in range(6):
        x = _activated(_convolved(p, x, f"layer{2 * block}"))
        x = halved(p, x, block)
    x = _activated(_convolved(p, _with_deviation(x), "layer12")).flatten(1)
    return _product(p, _activated(_product(p, x, "layer13")), "layer14", 1)


def _blurred(p: Entries, x: Tensor, block: int) -> Tensor:
    key = f"layer{2 * block + 1}"
    x = functional.conv2d(x, p[f"{key}.blur.kernel"], padding=1, groups=x.shape[1])
    if block >= 2:
        return _activated(functional.avg_pool2d(_convolved(p, x, key), 2))
    # "Fused": the mean of the kernel at four shifts, at every second pixel.
    wide = functional.pad(_weight(p, key), (1, 1, 1, 1))
    kernel = (wide[..., 1:, 1:] + wide[..., :-1, 1:] + wide[..., 1:, :-1] + wide[..., :-1, :-1]) / 4
    return _activated(functional.conv2d(x, kernel, p[f"{key}.bias"], stride=2, padding=1))


def _averaged(p: Entries, x: Tensor, block: int) -> Tensor:
    return functional.avg_pool2d(_activated(_convolved(p, x, f"layer{2 * block + 1}")), 2)


def _weight(p: Entries, key: str, gain: float = sqrt(2)) -> Tensor:
    weight = p[f"{key}.weight"]
    return weight * (gain / sqrt(prod(weight.shape[1:])))


def _convolved(p: Entries, x: Tensor, key: str, gain: float = sqrt(2)) -> Tensor:
    weight = _weight(p, key, gain)
    return functional.conv2d(x, weight, p[f"{key}.bias"], padding=weight.shape[-1] // 2)


def _product(p: Entries, x: Tensor, key: str, gain: float = sqrt(2)) -> Tensor:
    return functional.linear(x, _weight(p, key, gain), p[f"{key}.bias"])


def _activated(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.2, inplace=True)


def _with_deviation(x: Tensor) -> Tensor:
    """Append the standard deviation over a group of up to four images, a batch that has to be one group."""
    centred = x - x.mean(0)
    deviation = (centred.square().mean(0) + 1e-8).sqrt().mean()
    return torch.cat([x, deviation.expand(len(x), 1, *x.shape[2:])], 1)
