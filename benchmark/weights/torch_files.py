"""Files of ``torch.save``, in both of its formats, and ``torch.jit.save``: tensors, and nothing that runs.

``torch.load`` refuses a file for one object beside the tensors, and unpacks whatever an archive holds;
``torch.jit.load`` would compile the archive's program, and is deprecated. Here the pickle is read by
`forenbench.weights.pickles`, and nothing is unpacked that the file's own length does not account for.
"""

from __future__ import annotations

import pickle
from io import BytesIO
from typing import IO, cast
from zipfile import ZipFile

from .file_bytes import Readable, fill
from .pickles import Program

# What ``torch/serialization.py`` writes first, and compares when it reads.
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
"""Two pickles of their own at the beginning of the older format."""

_LARGEST_PROGRAM = 1 << 25
"""Of the pickle in an archive, in bytes: that of a network with a thousand tensors has some 100 kB."""

_SHRUNK = 4
"""How many times smaller a zip archive may be than the file in it; weights hardly shrink."""


def read_archive(file: Readable, size: int, device: str, *, zipped: bool = False) -> object:
    """Read the object in a zip archive: a pickle, and each storage as a member.

    An ordinary zip archive with one file of ``torch.save`` in it is read as that file is.

    Args:
        file: Stands at its beginning.
        size: Of the file, in bytes.
        device: "cpu"; "meta" reads the shapes of its tensors alone.
        zipped: It lay in such an ordinary archive itself.

    Returns:
        The object; a `Holder` stands for any but tensors and plain values.

    Raises:
        Exception: Of many kinds: it is no such file, is cut off, or asks for more than its own length holds.
    """
    with ZipFile(cast("IO[bytes]", file)) as archive:
        trees = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if not trees and not zipped:
            (inner,) = (one for one in archive.infolist() if one.filename.endswith((".pth", ".pt")))
            if inner.file_size > _SHRUNK * size:
                raise pickle.UnpicklingError(
                    f"{inner.filename} in it has more than {_SHRUNK} times its bytes"
                )
            data = archive.read(inner)
            if data.startswith(b"PK"):
                return read_archive(BytesIO(data), len(data), device, zipped=True)
            return read_stream(BytesIO(data), len(data), device)
        # The folder is named after the file that was first written, whatever it is called now.
        (tree,) = trees
        folder = tree.removesuffix("data.pkl")
        if archive.getinfo(tree).file_size > _LARGEST_PROGRAM:
            raise pickle.UnpicklingError(f"its pickle has more than {_LARGEST_PROGRAM} bytes")
        if f"{folder}byteorder" in archive.namelist():  # written since PyTorch 2.1
            with archive.open(f"{folder}byteorder") as stream:
                _refuse_big_endian(stream.read(6) == b"little")
        program = Program(BytesIO(archive.read(tree)), size, device)
        content: object = program.load()
        for key, storage in program.storages.items():
            # The index says how much a member unpacks to; a storage has just so much memory, and the file's
            # length bounded that: what is deflated a thousandfold is not unpacked.
            member = archive.getinfo(f"{folder}data/{key}")
            if member.file_size != storage.nbytes:
                raise pickle.UnpicklingError(
                    f"storage {key} has {member.file_size} bytes, not {storage.nbytes}"
                )
            if device != "meta":
                with archive.open(member) as stream:
                    fill(storage, stream, file)
                    stream.read(1)  # only where a member ends does zipfile compare its checksum
    return content


def read_stream(file: Readable, size: int, device: str) -> object:
    """Read the format of before PyTorch 1.6: pickles one after the other, then the storages.

    Arguments, result and errors are those of `read_archive`.
    """
    # No room for storages in these pickles: plain values are all that they may hold.
    for expected in (_MAGIC, _PROTOCOL):
        if Program(file, 0, device).load() != expected:
            raise pickle.UnpicklingError("torch.save did not write it")
    _refuse_big_endian(Program(file, 0, device).load()["little_endian"])
    program = Program(file, size, device)
    content: object = program.load()
    for key in Program(file, 0, device).load():
        storage = program.storages[key]
        if int.from_bytes(file.read(8), "little") != storage.numel():
            raise pickle.UnpicklingError(f"storage {key} has not {storage.numel()} numbers")
        if device == "meta":
            file.seek(storage.nbytes, 1)
        else:
            fill(storage, file, file)
    if file.tell() > size:  # seeking goes beyond the end without a word
        raise EOFError("no more data")
    return content


def _refuse_big_endian(little: bool) -> None:
    if not little:
        raise pickle.UnpicklingError("it has big-endian numbers")
