"""Networks built without numbers, for all of theirs come from a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_FILLING = frozenset(
    getattr(Tensor, name)
    for name in ("add_", "clamp_", "erfinv_", "fill_", "mul_", "normal_", "random_", "uniform_", "zero_")
)


class Unfilled(TorchFunctionMode):
    """Leaves out what fills tensors on the meta device, which have no numbers: most of a build's time."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever the function returns
        """Call it, or return the tensor that it would fill."""
        named = kwargs or {}
        # The initialisers of `torch.nn.init` name their tensor when they ask whether they are to run.
        tensor = args[0] if args else named.get("tensor")
        fills = func in _FILLING or getattr(func, "__module__", "") == torch.nn.init.__name__
        if fills and isinstance(tensor, Tensor) and tensor.is_meta:
            return tensor
        return func(*args, **named)
