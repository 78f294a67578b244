"""safetensors files: a length, a JSON header, then the bytes of all tensors in a row.

The format's own library opens a path, which would be a second reading, or copies whatever it is given.
"""

from __future__ import annotations

import json
from math import prod
from typing import TYPE_CHECKING, Any

from .file_bytes import Readable, fill

if TYPE_CHECKING:
    from torch import Tensor

_LENGTH = 8
"""Bytes at the beginning that say how long the header is."""
_LONGEST_HEADER = 100_000_000
"""The format's own limit."""
_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2": "float8_e5m2",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "C64": "complex64",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}


def read_safetensors(file: Readable, size: int, device: str) -> dict[str, Tensor]:
    """Read the tensors in a file by name.

    Args:
        file: Stands at its beginning.
        size: Of the file, in bytes.
        device: "cpu"; "meta" reads the shapes of its tensors alone.

    Raises:
        Exception: Of many kinds: it is no such file, is cut off, or asks for more than its own length holds.
    """
    import torch

    length = int.from_bytes(file.read(_LENGTH), "little")
    if length > _LONGEST_HEADER:  # else the first bytes of any file could ask for exabytes
        raise ValueError(f"its header has {length} bytes")
    header: dict[str, dict[str, Any]] = json.loads(file.read(length))
    header.pop("__metadata__", None)
    # Sorted by their bytes, tensors must lie one after the other, up to the file's end, as the format asks.
    # This is known before the first of them gets memory: no header can ask for more than the file holds.
    found, end = [], 0
    for key, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        dtype, shape = getattr(torch, _DTYPES[entry["dtype"]]), entry["shape"]
        after = end + prod(shape) * dtype.itemsize
        if entry["data_offsets"] != [end, after]:
            raise ValueError(f"the bytes of '{key}' are not where its shape has them")
        found.append((key, dtype, shape))
        end = after
    room = size - _LENGTH - length
    if end != room:
        raise ValueError(f"its tensors have {end} bytes, and it holds {room} of them")
    tensors: dict[str, Tensor] = {}
    for key, dtype, shape in found:
        tensors[key] = torch.empty(shape, dtype=dtype, device=device)
        if device != "meta":
            fill(tensors[key].view(-1), file, file)
    return tensors
