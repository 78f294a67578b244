"""TorchScript archives, such as OpenAI publishes CLIP in: their tensors, without running anything in them.

``torch.jit.load`` would compile the archive's program, and is deprecated. The tensors stand beside the
program in a pickle of the module tree. No more of it is taken here than they need: every class of the program
becomes an empty holder of attributes, and a name outside a short list is an error.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile, is_zipfile

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}


def is_torchscript(path: Path) -> bool:
    """Say whether a file is such an archive, as torch itself tells one."""
    if not is_zipfile(path):
        return False
    with ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def read_torchscript(path: Path, device: str) -> dict[str, Tensor]:
    """Read all tensors of the modules, under the names that ``state_dict`` gives to parameters and buffers.

    Args:
        path: The archive.
        device: Where the tensors go; "meta" reads their shapes alone.

    Raises:
        pickle.UnpicklingError: It needs other objects than modules, tensors and plain values.
    """
    with ZipFile(path) as archive:
        (tree,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        root = _Tree(archive, tree.removesuffix(".pkl"), device).load()
    return dict(_tensors(root, ""))


class _Module:
    """A module of the program: its attributes alone."""


class _Tree(pickle.Unpickler):
    """The pickle of the module tree; `folder` of the archive has the storages of its tensors."""

    def __init__(self, archive: ZipFile, folder: str, device: str) -> None:
        super().__init__(BytesIO(archive.read(f"{folder}.pkl")))
        self.archive, self.folder, self.device = archive, folder, device

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - what pickle calls next
        """Return the stand-in of a class or function that the pickle names."""
        if module.partition(".")[0] == "__torch__":
            return _Module
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"GLOBAL {module}.{name} is no tensor") from None

    def persistent_load(self, pid: tuple[str, str, str, str, int]) -> Tensor:
        """Read one storage, as a tensor of one dimension."""
        import torch

        _, kind, key, _, count = pid
        dtype: torch.dtype = getattr(torch, kind)
        if self.device == "meta":
            return torch.empty(count, dtype=dtype, device="meta")
        data = bytearray(self.archive.read(f"{self.folder}/{key}"))  # zipfile checks its CRC
        flat = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
        return flat.to(self.device)


def _rebuild(
    storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *rest: object
) -> Tensor:
    """Stand in for torch's own function of these arguments; refuses to reach outside the storage."""
    return storage.as_strided(size, stride, offset)


def _untagged(value: object, tag: str) -> object:
    return value


_KNOWN = {
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
    ("collections", "OrderedDict"): OrderedDict,
    ("torch.jit._pickle", "restore_type_tag"): _untagged,
    **{("torch.jit._pickle", f"build_{kind}list"): list for kind in ("int", "double", "bool", "tensor")},
}


def _tensors(module: object, prefix: str) -> Iterator[tuple[str, Tensor]]:
    from torch import Tensor

    for name, value in vars(module).items():
        if isinstance(value, Tensor):
            yield prefix + name, value
        elif isinstance(value, _Module):
            yield from _tensors(value, f"{prefix}{name}.")
