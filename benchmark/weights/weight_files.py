"""What is inside a weights file: read without running code, and said in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from .pickles import Holder, state_of
from .safetensors_files import read_safetensors
from .torch_files import read_archive, read_stream
from .unwrapping import prefix_of, shape_of

if TYPE_CHECKING:
    from .checkpoint import Checkpoint
    from .file_bytes import Readable

_PAGE = "is a web page: the download link led to a page, not to the file"
# The usual ones: a page of Google Drive or Dropbox that asks to confirm, and a clone of the hub without LFS.
_MISTAKEN = {
    b"<!doctype": _PAGE,
    b"<html": _PAGE,
    b"<?xml": _PAGE,
    b"version https://git-lfs": (
        "is a Git LFS pointer, not the file itself: run 'git lfs pull' where it came from"
    ),
}
"""What people save as a weights file by mistake, by its first bytes in lower case."""

LONE = "tensor"
"""What the one entry of a file is called that holds a bare tensor, without a name."""

_WITHOUT_DOUBLES = ("mps",)
"""Devices that have no float64: Apple's GPUs."""

_SHOWN = 3
_DEEPEST = 4


def read(file: Readable, device: str) -> dict[str, object]:
    """Read a file's entries by name without ever running code from it.

    Objects that are neither tensors nor plain values are empty holders (see `forenbench.weights.pickles`).
    A file that holds one bare tensor has one entry, `LONE`.

    Args:
        file: At any place; in memory (see `forenbench.weights.file_bytes`), or for shapes alone on the disk.
        device: "cpu"; "meta" reads the shapes of its tensors alone.

    Raises:
        ValueError: It is no such file, is broken, or holds no entries; words that follow its name.
    """
    from torch import Tensor

    file.seek(0)
    head = file.read(64)
    if not head:
        raise ValueError("is empty")
    for start, words in _MISTAKEN.items():
        if head.lstrip().lower().startswith(start):
            raise ValueError(words)
    if head[8:9] != b"{" and not head.startswith((b"PK", b"\x80")):
        raise ValueError(f"is neither a torch nor a safetensors file (it begins with {head[:8]!r})")
    file.seek(0, 2)
    size = file.tell()
    file.seek(0)
    # By content, never by suffix: people rename files. In
    # safetensors a JSON header follows the first eight bytes.
    if head[8:9] == b"{":
        parse: Callable[[Readable, int, str], object] = read_safetensors
    else:
        parse = read_archive if head.startswith(b"PK") else read_stream
    try:
        content = parse(file, size, device)
    except Exception as error:  # each format has its own kinds of errors for a broken file
        # Their first sentence alone: torch's and zipfile's go on with advice for programmers.
        words = str(error).split("\n")[0].split(". ")[0] or "no more data"
        raise ValueError(f"is broken or cut off ({type(error).__name__}: {words})") from error
    # AIGCDetectBenchmark publishes its statistics so: `torch.save(tensor, path)`.
    state = {LONE: content} if isinstance(content, Tensor) else state_of(content)
    # A pickled module has been turned into its state dict; any other object has nothing that could be read.
    if isinstance(content, Holder) and not state:
        raise ValueError(
            f"holds the Python object {type(content).__name__!r}, and making that could run code; only "
            "tensors are read, so save the state dict alone"
        )
    if state is None:
        raise ValueError(f"holds a {type(content).__name__}, not a dict of tensors")
    return {str(key): value for key, value in state.items()}


def moved(value: object, device: str, depth: int = 1) -> object:
    """Move a tensor to a device, or those in a dict; anything else stays as it is.

    Float64 becomes float32 for a device that has none.
    """
    import torch
    from torch import Tensor

    if isinstance(value, Tensor):
        # Before it moves, for there it could not even arrive. FreDect's published statistics are float64.
        if value.dtype == torch.float64 and torch.device(device).type in _WITHOUT_DOUBLES:
            value = value.float()
        return value.to(device)
    if isinstance(value, Mapping) and depth:
        return {key: moved(inner, device, depth - 1) for key, inner in value.items()}
    return value


def describe(state: Mapping[str, object], known: Iterable[Checkpoint] = (), depth: int = 0) -> str:
    """Say in words what a loaded file seems to be: "…seems to be {this}"."""
    known = tuple(known)
    wrapped = {key: inner for key, value in state.items() if (inner := state_of(value)) is not None}
    if {"generator", "discriminator"} <= set(wrapped):
        return f"a file with a generator and a discriminator (keys {_listed(state)})"
    if wrapped and depth < _DEEPEST:  # a dict may hold itself
        inner = wrapped.get("model", next(iter(wrapped.values())))
        return f"a training checkpoint (keys {_listed(state)}) around {describe(inner, known, depth + 1)}"
    for checkpoint in known:
        prefix = prefix_of(checkpoint, state)
        if prefix is not None:
            where = f", with '{prefix}' before its keys" if prefix else ""
            return f"weights '{checkpoint.name}' ({checkpoint.file}){where}"
    if not state:
        return "an empty dict"
    first = ", ".join(f"'{key}' {shape_of(value)}" for key, value in list(state.items())[:_SHOWN])
    return f"a dict of {len(state)} entries: {first}{', …' if len(state) > _SHOWN else ''}"


def _listed(state: Mapping[str, object]) -> str:
    keys = list(state)
    return ", ".join(keys[: _SHOWN + 1]) + (", …" if len(keys) > _SHOWN + 1 else "")
