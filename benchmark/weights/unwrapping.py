"""Finds a checkpoint's state dict in what people save around it, by its marks: keys with their shapes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .pickles import state_of

if TYPE_CHECKING:
    from .checkpoint import Checkpoint

State = Mapping[str, object]

_DEEPEST = 2
"""Keys of keys under which a state dict is looked for."""

_AVERAGES = ("ema", "swa", "average")
"""Parts of names under which training scripts keep a running average beside the network itself."""


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A state dict, and where it was found.

    Attributes:
        state: Under the names of the published file.
        how: What was done, in words that follow "was read"; empty where the file is as it is published.
    """

    state: State
    how: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    place: tuple[str, ...]
    state: State
    prefix: str


def unwrap(content: State, checkpoint: Checkpoint) -> Unwrapped:
    """Take a state dict out from under a key and from behind what stands before all its keys.

    Of a file that has the checkpoint's marks nowhere, or of a checkpoint without marks, what stands under the
    published file's key is returned, else the whole.

    Raises:
        ValueError: Several different states have the marks, so that none is beyond doubt.
    """
    every = list(_find(content, checkpoint, ()))
    found = _choose(every, checkpoint)
    if found is None:
        documented = state_of(content.get(checkpoint.key))
        return Unwrapped(content if documented is None else documented)
    surplus = _common(found.prefix, found.state)
    how = [] if found.place in ((), (checkpoint.key,)) else [f"from the file's key '{'/'.join(found.place)}'"]
    how += [f"without '{surplus}' before every key"] if surplus else []
    how += [f"leaving '{'/'.join(one.place)}' aside" for one in every if one is not found]
    state = {key.removeprefix(surplus): value for key, value in found.state.items()}
    return Unwrapped(state, ", ".join(how))


def prefix_of(checkpoint: Checkpoint, state: State) -> str | None:
    """Say what stands before every mark of the checkpoint in this state; None if it is another file's."""
    if not checkpoint.marks:
        return None
    first = next(iter(checkpoint.marks))
    for key in state:
        prefix = key.removesuffix(first)
        found = (shape_of(state.get(prefix + mark)) == shape for mark, shape in checkpoint.marks.items())
        if key.endswith(first) and prefix[-1:] in ("", ".") and all(found):
            return prefix
    return None


def shape_of(value: object) -> tuple[int, ...] | None:
    """Return a tensor's shape, None for anything else."""
    shape = getattr(value, "shape", None)
    return tuple(shape) if isinstance(shape, tuple) else None


def holds(content: State, checkpoint: Checkpoint) -> bool:
    """Say whether a file's content has the checkpoint's marks, also below a key or behind a prefix."""
    return not checkpoint.marks or any(True for _ in _find(content, checkpoint, ()))


def _find(content: State, checkpoint: Checkpoint, place: tuple[str, ...]) -> Iterator[_Found]:
    """List the states with the checkpoint's marks, outer ones first."""
    state = {str(key): value for key, value in content.items()}
    prefix = prefix_of(checkpoint, state)
    if prefix is not None:
        yield _Found(place, state, prefix)
    elif len(place) < _DEEPEST:
        for key, value in state.items():
            inner = state_of(value)
            if inner is not None:
                yield from _find(inner, checkpoint, (*place, key))


def _choose(found: list[_Found], checkpoint: Checkpoint) -> _Found | None:
    """Take the state where the published file has it, else the only one that is no running average."""
    for place in ((), (checkpoint.key,)):
        for one in found:
            if one.place == place:
                return one
    plain = [one for one in found if not _is_average(one.place)] or found
    if any(not _equal(plain[0].state, other.state) for other in plain[1:]):
        places = " and ".join(repr("/".join(one.place)) for one in plain)
        raise ValueError(f"holds several states that fit, under {places}: save the one that is meant alone")
    return plain[0] if plain else None


def _is_average(place: tuple[str, ...]) -> bool:
    words = {word.lower() for key in place for word in re.findall("[A-Z]?[a-z]+|[A-Z]+", key)}
    return not words.isdisjoint(_AVERAGES)


def _equal(one: State, other: State) -> bool:
    """Compare two states' tensors; of shapes alone, the shapes."""
    import torch

    def same(value: object, twin: object) -> bool:
        if not isinstance(value, torch.Tensor) or not isinstance(twin, torch.Tensor):
            return False
        return value.shape == twin.shape and (value.is_meta or torch.equal(value, twin))

    return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())


def _common(prefix: str, state: State) -> str:
    """Return the longest part of a prefix, whole names, that all keys begin with."""
    while prefix and not all(key.startswith(prefix) for key in state):
        prefix = prefix[: prefix[:-1].rfind(".") + 1]
    return prefix
