"""Networks whose layers are built without random weights, for those that a file fills."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

_FILLING = {
    *(init.kaiming_uniform_, init.normal_, init.uniform_, init.constant_),
    *(Tensor.normal_, Tensor.uniform_, Tensor.fill_, Tensor.zero_),
    # What makes a truncated normal distribution of a uniform one.
    *(Tensor.erfinv_, Tensor.mul_, Tensor.add_, Tensor.clamp_),
}
"""Functions that change nothing but the numbers of a tensor, which they return."""


@contextmanager
def unfilled() -> Iterator[None]:
    """Build what is built in here on the meta device: with shapes and types, without memory or numbers."""
    with torch.device("meta"), _Unfilled():
        yield


class _Unfilled(TorchFunctionMode):
    """Passes over what would fill a tensor of the meta device: torch takes long to change nothing."""

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        kwargs = kwargs or {}
        if func in _FILLING:
            # Functions of `init` hand over all that they take by name.
            filled = args[0] if args else kwargs.get("tensor")
            if isinstance(filled, Tensor) and filled.is_meta:
                return filled
        return func(*args, **kwargs)
