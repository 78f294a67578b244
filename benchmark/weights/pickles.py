"""The pickle in a torch file: its tensors, and nothing that it asks to run.

Whatever else it names (an optimiser's options, a training script's arguments, a whole module's class)
becomes an empty holder of attributes, so that no code that the file holds or names is ever called.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from itertools import islice
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from .file_bytes import Readable

_STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
# Without the suffix in files of before PyTorch 0.4; what the later one has besides is not needed to score.
_TENSORS = ("_rebuild_tensor", "_rebuild_tensor_v2")
_PLAIN = {
    ("collections", "OrderedDict"): OrderedDict,
    ("builtins", "set"): set,
    ("__builtin__", "set"): set,
}
_FIRST = {
    ("torch", "Size"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch._utils", "_rebuild_parameter_with_state"),
    ("torch.jit._pickle", "restore_type_tag"),
    *(("torch.jit._pickle", f"build_{kind}list") for kind in ("int", "double", "bool", "tensor")),
}
"""What is called with a value, and here gives just that value."""

# `torch.save` writes an expanded tensor as one number and strides of zero. Such a file is small and right;
# one that asks for terabytes in this way is neither.
_LARGEST_VIEW = 1 << 30
"""Bytes that a tensor may have which repeats its storage, where the file has fewer."""

# A pickle may put one object into itself, or into a thousand others: trees of modules without an end.
_MOST_ENTRIES = 100_000
_DEEPEST = 64


class Holder:
    """Stands in for an object that is neither a tensor nor a plain value, and does nothing at all.

    The class of each is made for it alone, so that what one file sets on a class no other file sees.
    """

    def __new__(cls, *args: object, **named: object) -> Holder:
        """Take any arguments."""
        return super().__new__(cls)

    def __init__(self, *args: object, **named: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        """Keep attributes: a module's tensors are among them."""
        if isinstance(state, dict):
            self.__dict__.update(state)

    def __setitem__(self, key: object, value: object) -> None:
        """Drop an entry."""

    def append(self, value: object) -> None:
        """Drop an element."""


class Program(pickle._Unpickler):
    """Reads one object from a pickle of torch, with storages that are still to be filled.

    It is Python's own implementation: a few bytes make that in C reserve all memory there is.

    Args:
        file: Stands at the pickle's beginning.
        room: Bytes that all storages together may have: those of the file.
        device: "cpu", or "meta" for shapes alone.

    Attributes:
        storages: Tensors of one dimension, by the file's keys for them.
    """

    stack: list[Any]

    def __init__(self, file: Readable, room: int, device: str) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, Tensor] = {}
        self._most = self._room = room
        self._device = device

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - what pickle calls next
        """Return the stand-in of a class or function that the pickle names."""
        # Nothing is looked up by the names that the file has: no import, no attribute of anything, no call.
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if module == "torch._utils" and name in _TENSORS:
            return self._tensor
        if (module, name) in _FIRST:
            return self._first
        return _PLAIN.get((module, name)) or type(f"{module}.{name}", (Holder,), {})

    def load_build(self) -> None:
        """Give a holder the state behind it; drop that of a dict, a module's versions.

        Raises:
            UnpicklingError: It is for anything else. Pickle itself would set attributes on what stands in for
                the file's functions, and a tensor's state gives it another size, and memory for that.
        """
        state, built = self.stack.pop(), self.stack[-1]
        if isinstance(built, Holder):
            built.__setstate__(state)
        elif not isinstance(built, OrderedDict):
            raise pickle.UnpicklingError(f"a {type(built).__name__} has a state: torch.save did not write it")

    dispatch: ClassVar[dict[int, Any]] = {**pickle._Unpickler.dispatch, pickle.BUILD[0]: load_build}

    def persistent_load(self, pid: Any) -> Any:  # noqa: ANN401 - a tuple, if the file is right
        """Make room for one storage; of a whole module's class, only the stand-in counts."""
        import torch

        what, kind, *facts = pid
        if what == "module":  # its source stands beside it
            return kind
        key, _, count = facts[:3]
        if what != "storage" or kind not in _STORAGES.values() or any(facts[3:]):
            raise pickle.UnpicklingError(f"a storage of the kind {kind!r} is not known")
        if key not in self.storages:  # tied weights share one, which counts once
            dtype: torch.dtype = getattr(torch, kind)
            # Before memory is asked for: ten bytes of pickle can name a storage of a terabyte.
            self._room -= count * dtype.itemsize
            if count < 0 or self._room < 0:
                raise pickle.UnpicklingError("it asks for more numbers than the file can hold")
            self.storages[key] = torch.empty(count, dtype=dtype, device=self._device)
        return self.storages[key]

    def _tensor(
        self, storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *rest: object
    ) -> Tensor:
        """Stand in for torch's own function of these arguments; refuses to reach outside the storage."""
        from torch import Tensor

        if not isinstance(storage, Tensor):
            raise pickle.UnpicklingError("a tensor without a storage: torch.save did not write it")
        if prod(size) * storage.itemsize > max(self._most, _LARGEST_VIEW):
            raise pickle.UnpicklingError("a tensor is larger than the file")
        if any(rest[2:]):  # after whether it needs gradients, and hooks
            raise pickle.UnpicklingError("a tensor is to be negated or conjugated when it is read")
        # torch itself refuses what would reach outside of the storage.
        return storage.as_strided(size, stride, offset)

    def _first(self, value: object, *rest: object) -> object:
        return value


def state_of(value: object) -> Mapping[str, object] | None:
    """Return what holds entries by name: a dict, or the state dict of a pickled module; None for all else.

    Raises:
        ValueError: The module's tree has no end.
    """
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, Holder):
        return None
    entries = list(islice(_entries(value, "", 0), _MOST_ENTRIES + 1))
    if len(entries) > _MOST_ENTRIES:
        raise ValueError(f"holds a module of more than {_MOST_ENTRIES} tensors")
    return dict(entries)


def _entries(module: Holder, prefix: str, depth: int) -> Iterator[tuple[str, object]]:
    """List a module's tensors under the names that ``state_dict`` gives to parameters and buffers.

    Python's modules keep them in three dicts; those of TorchScript as plain attributes.
    """
    from torch import Tensor

    if depth > _DEEPEST:
        raise ValueError(f"holds a module inside itself, or more than {_DEEPEST} deep")
    kept = vars(module)
    # The names of `nn.Module`'s own attributes, stable since PyTorch 0.4; the last was added in 1.4.
    if isinstance(kept.get("_modules"), Mapping):
        passing = kept.get("_non_persistent_buffers_set", ())
        buffers = {key: value for key, value in kept["_buffers"].items() if key not in passing}
        kept = {**kept["_parameters"], **buffers, **kept["_modules"]}
    for name, value in kept.items():
        if isinstance(value, Tensor):
            yield f"{prefix}{name}", value
        elif isinstance(value, Holder):
            yield from _entries(value, f"{prefix}{name}.", depth + 1)
