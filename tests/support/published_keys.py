"""Keys and shapes of the published files, which no module of ours has a say in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

import torch
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


@cache
def published_keys() -> dict[str, Shapes]:
    """Read the lists, by checkpoint name."""
    found: dict[str, Shapes] = {}
    here: list[Shapes] = []
    for line in Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            here = [found.setdefault(name, {}) for name in line[1:-1].split()]
        elif line and not line.startswith("#"):
            pattern, shape = line.split()
            sizes = () if shape == "-" else tuple(map(int, shape.split("x")))
            for entries in here:
                entries |= dict.fromkeys(_spelled_out(pattern), sizes)
    return found


def flat(name: str) -> dict[str, Tensor]:
    """Return a published state dict, each entry one number many times: megabytes that no file has to hold."""
    return {
        # What is added to another entry is nothing, so that this one keeps its number.
        key: torch.full((), place if "tracked" in key else place / 8 * ("_residual" not in key)).expand(shape)
        for place, (key, shape) in enumerate(published_keys()[name].items(), 1)
    }


def wrapped(name: str, key: str, state: dict[str, Tensor]) -> dict[str, object] | Tensor:
    """Put a state dict where the published file has it, with what is beside it there."""
    if "tensor" in state:
        return state["tensor"]
    if key == "model":
        return {"model": state, "optimizer": {"state": {}, "param_groups": []}, "total_steps": 1}
    if key == "discriminator" and name != "stylegan-bedroom":  # LGrad's authors published that one bare
        return {"generator": {}, "discriminator": state, "generator_smooth": {}}
    if key in ("netC", "state_dict"):
        return {key: state}
    return dict(state)


def _spelled_out(pattern: str) -> Iterator[str]:
    """Yield every name that a pattern stands for."""
    parts = [_several(part) for part in re.split(r"\{(.*?)\}", pattern)[1::2]]
    form = re.sub(r"\{.*?\}", "{}", pattern)
    yield from (form.format(*chosen) for chosen in product(*parts))


def _several(part: str) -> list[str]:
    first, dots, last = part.partition("..")
    return [str(n) for n in range(int(first), int(last) + 1)] if dots else part.split(",")
