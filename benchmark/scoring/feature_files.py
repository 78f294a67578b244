"""Blocks of features: what their address is made from, and what is in their files."""

from __future__ import annotations

import hashlib
import json
import mmap
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forenbench.records.environment import versions

if TYPE_CHECKING:
    from torch import Tensor

_CHECKSUM = 4
_NAME = 40
_BFLOAT16 = np.dtype([("bfloat16", "<i2")])
"""numpy has no such type: its bits are kept as integers, and the field's name tells them from integers."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a block is.

    Attributes:
        encoder: Identity of the encoder, in words; it begins with what people know it by.
        digest: sha256 over all that the features rest on, as hex.
    """

    encoder: str
    digest: str

    @property
    def folder(self) -> str:
        """Name of the folder of this encoder's blocks: what it is known by, and a digest of its identity."""
        name = re.split(r"[^\w.-]", self.encoder, maxsplit=1, flags=re.ASCII)[0][:_NAME]
        return f"{name}-{hashlib.sha256(self.encoder.encode()).hexdigest()[:12]}"


def address(encoder: str, perturbation: str, seed: int, images: Sequence[str], numerics: str) -> Address:
    """Say where the features of a block of images are.

    Args:
        encoder: The encoder's `identity`, not empty: see `forenbench.types.Encoder`.
        perturbation: Name of what was done to the images first.
        seed: Of the run; random perturbations draw on it.
        images: sha256 of each image file, in the order in which they are encoded together.
        numerics: What rounding rests on: see the function of that name.
    """
    # As JSON, where no two lists give one text: names that are joined could.
    text = json.dumps([encoder, perturbation, seed, list(images), numerics])
    return Address(encoder, hashlib.sha256(text.encode()).hexdigest())


def numerics(device: str, precision: str) -> str:
    """Say what the last bits of features rest on: packages, processor and threads, precision."""
    import torch

    backend = torch.device(device).type
    # Of a CPU the instruction set ("AVX2", "AVX512"), by which torch picks its kernels, and the threads, by
    # which they cut sums; of a GPU the model.
    cuda = backend == "cuda"
    name = torch.cuda.get_device_name(device) if cuda else torch.backends.cpu.get_cpu_capability()
    return json.dumps([precision, backend, name, torch.get_num_threads(), versions()])


def to_bytes(features: Tensor) -> bytes:
    """Write features as a .npy file with its checksum behind.

    Raises:
        TypeError: They are of a type that numpy does not know; bfloat16 is taken all the same.
    """
    import torch

    bits = features.view(torch.int16) if features.dtype is torch.bfloat16 else features
    array: np.ndarray[Any, Any] = np.asarray(bits.numpy(force=True), order="C")
    buffer = BytesIO()
    # allow_pickle=False: a file that could hold code would have to be trusted when it is read.
    np.save(buffer, array if bits is features else array.view(_BFLOAT16), allow_pickle=False)
    # Behind the array, where numpy's reader does not look: the file is a plain .npy to other programs. CRC-32
    # is enough against accidents, and next to free.
    checksum = zlib.crc32(buffer.getbuffer())
    return buffer.getvalue() + checksum.to_bytes(_CHECKSUM, "little")


def read(path: Path) -> Tensor:
    """Map what `to_bytes` wrote; changes of the tensor do not reach the file.

    Raises:
        OSError: There is no such file, or it cannot be read.
        ValueError: It is not as it was written.
    """
    import torch

    with path.open("rb") as file:
        # Private pages: should a detector write there, the kernel copies the page; the file stays as it is.
        # An empty file raises ValueError here, as a damaged one does below.
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        view = memoryview(content)
        if zlib.crc32(view[:-_CHECKSUM]) != int.from_bytes(view[-_CHECKSUM:], "little"):
            raise ValueError(f"{path} is damaged")
        np.lib.format.read_magic(file)
        # numpy's own reader of maps (np.load with mmap_mode) takes a path only and would open the file anew,
        # which may be another one by now. np.save writes version 1.0 where the header is below 64 kB.
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        array: np.ndarray[Any, Any] = np.ndarray(shape, dtype, content, file.tell())
    if dtype == _BFLOAT16:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)
