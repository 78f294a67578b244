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

_AVERAGES = {"ema", "swa", "average"}
"""Words in keys under which training scripts keep a running average beside the network itself."""


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
    keys: tuple[str, ...]
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
        # Strict loading will say what is wrong with it, in the words of the network's own keys.
        documented = state_of(content.get(checkpoint.key))
        return Unwrapped(content if documented is None else documented)
    # Only what *all* keys begin with is taken off, in whole names: in a classifier's file `model.` may stand
    # before the backbone that has the marks, and a head beside it; then the prefix belongs to the names.
    surplus = found.prefix
    while surplus and not all(key.startswith(surplus) for key in found.state):
        surplus = surplus[: surplus[:-1].rfind(".") + 1]
    how = [] if found.keys in ((), (checkpoint.key,)) else [f"from the file's key '{'/'.join(found.keys)}'"]
    how += [f"without '{surplus}' before every key"] if surplus else []
    how += [f"leaving '{'/'.join(other.keys)}' aside" for other in every if other is not found]
    state = {key.removeprefix(surplus): value for key, value in found.state.items()}
    return Unwrapped(state, ", ".join(how))


def prefix_of(checkpoint: Checkpoint, state: State) -> str | None:
    """Say what stands before every mark of the checkpoint in this state; None if it is another file's."""
    if not checkpoint.marks:
        return None
    first = next(iter(checkpoint.marks))
    for key in state:
        # Behind a dot or nothing: `fc.weight` is no mark of a file that has `attention_fc.weight`.
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


def _find(content: State, checkpoint: Checkpoint, keys: tuple[str, ...]) -> Iterator[_Found]:
    """List the states with the checkpoint's marks, outer ones first, by the keys that lead to them."""
    state = {str(key): value for key, value in content.items()}  # an optimiser's are numbers
    prefix = prefix_of(checkpoint, state)
    if prefix is not None:
        yield _Found(keys, state, prefix)
    elif len(keys) < _DEEPEST:
        for key, value in state.items():
            inner = state_of(value)
            if inner is not None:
                yield from _find(inner, checkpoint, (*keys, key))


def _choose(found: list[_Found], checkpoint: Checkpoint) -> _Found | None:
    """Take the state where the published file has it, else the only one that is no running average."""
    for keys in ((), (checkpoint.key,)):
        for state in found:
            if state.keys == keys:
                return state
    # Whole words, in any spelling: `model_ema`, `netEMA`; but not `schema`. An average is taken
    # only where nothing else is there.
    split = re.compile("[A-Z]?[a-z]+|[A-Z]+")
    plain = [
        state
        for state in found
        if _AVERAGES.isdisjoint(word.lower() for key in state.keys for word in split.findall(key))
    ] or found
    if any(not _equal(plain[0].state, other.state) for other in plain[1:]):
        several = " and ".join(repr("/".join(state.keys)) for state in plain)
        raise ValueError(f"holds several states that fit, under {several}: save the one that is meant alone")
    return plain[0] if plain else None


def _equal(one: State, other: State) -> bool:
    """Compare two states' tensors; of shapes alone, the shapes."""
    from torch import Tensor, equal

    for key in {**one, **other}:
        value, twin = one.get(key), other.get(key)
        if not isinstance(value, Tensor) or not isinstance(twin, Tensor) or value.shape != twin.shape:
            return False
        if not value.is_meta and not equal(value, twin):
            return False
    return True
