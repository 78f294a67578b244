"""A device without values, in the place of a GPU: what would break on one breaks here, with no GPU at hand.

Tensors on torch's `meta` device have shapes and types only, so that a pass of a network costs next to
nothing. `FarDevice` adds what distinguishes a GPU from it: tensors of two devices do not mix in any
operation, and what is asked back arrives on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from published_files import OWN, content_of
from published_keys import published_keys, wrapped
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from forenbench.detectors._nets.networks import RESNET_50
from forenbench.weights import Checkpoint, Weights, _Loaded
from forenbench.weights.unwrapping import unwrap
from forenbench.weights.weight_files import LONE, moved

FAR = "meta"
NUMBER = 224
"""What every number is that is asked back: such as the side of a picture."""

_ops = torch.ops.aten
_INDEXED = (_ops.index.Tensor, _ops.index_put.default, _ops.index_put_.default)
"""A GPU takes places from the CPU."""
_FILLED = {
    *(_ops.uniform_.default, _ops.normal_.default, _ops.clamp_.default),
    *(_ops.fill_.Scalar, _ops.zero_.default),
}
"""What new layers are filled with: of no matter here, and half of all calls."""
_SHAPES: dict[object, Callable[..., object]] = {
    _ops.addmm.default: lambda bias, left, right: left.new_empty(left.shape[0], right.shape[1]),
    _ops._safe_softmax.default: lambda values, *_: torch.empty_like(values),
    _ops.native_batch_norm.default: lambda maps, *_: (torch.empty_like(maps), *_kept(maps, 0)),
    _ops.native_layer_norm.default: lambda tokens, *_: (
        torch.empty_like(tokens),
        *_kept(tokens, *tokens.shape[:-1], 1),
    ),
    _ops.native_batch_norm_backward.default: lambda gradient, *_: (
        torch.empty_like(gradient),
        *_kept(gradient, 0),
    ),
}
"""What torch works the shapes out of in Python, for milliseconds each; half of all time."""


def _kept(values: Tensor, *shape: int) -> tuple[Tensor, Tensor]:
    """Stand for what a norm keeps for gradients."""
    return values.new_empty(shape), values.new_empty(shape)


class TwoDevices(RuntimeError):
    """Tensors of two devices met in one operation; a GPU raises a plain RuntimeError."""


class FarDevice(TorchDispatchMode):
    """While it is entered, `meta` tensors are as far away as those on a GPU.

    What is asked back, with ``.cpu()``, ``.item()`` or ``if``, has no value. Zeros arrive in the place of
    tensors, `NUMBER` in the place of a number; all of something holds, any of it does not.
    """

    def __init__(self) -> None:
        super().__init__()
        self._holds = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Nothing is compiled here, and to say that in torch's way imports its compiler: three seconds.
        return False

    def __torch_dispatch__(
        self,
        op: Callable[..., object],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> object:
        if op in _FILLED and args[0].is_meta:
            return args[0]
        named = dict(kwargs or {})
        tensors = list(_tensors((*args, *named.values())))
        if not any(one.is_meta for one in tensors):
            return op(*args, **named)
        if op is _ops._local_scalar_dense.default:
            return self._holds if args[0].dtype == torch.bool else NUMBER
        if op is _ops.copy_.default and not args[0].is_meta:
            return args[0].zero_()
        if op is _ops._to_copy.default and torch.device(named.get("device") or FAR).type != FAR:
            return torch.zeros(args[0].shape, dtype=named.get("dtype") or args[0].dtype)
        if op in (_ops.all.default, _ops.any.default):
            self._holds = op is _ops.all.default
        # A single number from the CPU goes along with a call, as an argument does.
        near = [one for one in tensors if not one.is_meta and one.ndim]
        if near and op not in (_ops.copy_.default, *_INDEXED):
            raise TwoDevices(f"{op} got a {tuple(near[0].shape)} from the CPU beside what is on the device")
        if op in _SHAPES and not named:
            return _SHAPES[op](*args)
        return op(*args, **named)


def _tensors(values: Iterable[object]) -> Iterator[Tensor]:
    # Not torch's own way through nested arguments: it takes more time than most of these calls.
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


class Shapes(Weights):
    """Checkpoints with names and shapes, and next to no numbers."""

    def path(self, checkpoint: Checkpoint) -> Path:
        """Name no file: none is read."""
        return Path(checkpoint.file)

    def load(self, checkpoint: Checkpoint) -> dict[str, object]:
        """Do what `Weights.load` does once it has read a file."""
        content = _content(checkpoint)
        self._loaded[checkpoint.name] = _Loaded(checkpoint.name, "published", "", 0)
        self._record({checkpoint.name: ""})
        return {key: moved(value, self.device) for key, value in unwrap(content, checkpoint).state.items()}


def _content(checkpoint: Checkpoint) -> Mapping[str, object]:
    name = checkpoint.name
    if name in published_keys():
        content = wrapped(name, checkpoint.key, _shaped(name))
        return {LONE: content} if isinstance(content, Tensor) else content
    for beginning, build in OWN.items():
        if name.startswith(beginning):
            with torch.device(FAR):
                return build().state_dict()
    if checkpoint.marks == RESNET_50:
        return _shaped("lgrad-4class")
    if set(checkpoint.marks) == {"weight", "bias"}:  # a linear layer: its marks are all of it
        return {key: torch.zeros(shape) for key, shape in checkpoint.marks.items()}
    return content_of(checkpoint)


def _shaped(name: str) -> dict[str, Tensor]:
    types = {True: torch.int64, False: torch.float32}
    return {
        key: torch.empty(shape, dtype=types["tracked" in key], device=FAR)
        for key, shape in published_keys()[name].items()
    }
