"""What is inside a weights file: read without running code, and said in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .pickles import Holder, state_of
from .torch_files import read_torch
from .unwrapping import prefix_of, shape_of

if TYPE_CHECKING:
    from torch import Tensor

    from .checkpoint import Checkpoint

_SHOWN = 3
_DEEPEST = 4


def read(path: Path, device: str) -> dict[str, object]:
    """Read a file's entries by name without ever running code from it.

    Objects that are neither tensors nor plain values are empty holders (see `forenbench.weights.pickles`).

    Args:
        path: The file.
        device: Where its tensors may go at once (see `moved`); "meta" reads their shapes alone.

    Raises:
        ValueError: It is no such file, is broken, or holds no entries; words that follow its name.
    """
    _refuse_foreign(path)
    try:
        content = _parse(path, device)
    except Exception as error:  # each format has its own kinds of errors for a broken file
        raise ValueError(f"is broken or cut off ({type(error).__name__}: {_sentence(error)})") from error
    state = state_of(content)
    if isinstance(content, Holder) and not state:
        raise ValueError(
            f"holds the Python object {type(content).__name__!r}, and making that could run code; only "
            "tensors are read, so save the state dict alone"
        )
    if state is None:
        raise ValueError(f"holds a {type(content).__name__}, not a dict of tensors")
    return {str(key): value for key, value in state.items()}


def moved(value: object, device: str, depth: int = 1) -> object:
    """Move a tensor to a device, or those in a dict; anything else stays as it is."""
    from torch import Tensor

    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, Mapping) and depth:
        return {key: moved(one, device, depth - 1) for key, one in value.items()}
    return value


def describe(state: Mapping[str, object], known: Iterable[Checkpoint] = (), depth: int = 0) -> str:
    """Say in words what a loaded file seems to be: "…seems to be {this}"."""
    known = tuple(known)
    wrapped = {key: inner for key, value in state.items() if (inner := state_of(value)) is not None}
    if {"generator", "discriminator"} <= set(wrapped):
        return f"a file with a generator and a discriminator (keys {_listed(state)})"
    if wrapped and depth < _DEEPEST:
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


def _parse(path: Path, device: str) -> object:
    """Read safetensors (told by their JSON header, whatever the suffix) or a file of torch."""
    from safetensors.torch import load_file

    if _head(path)[8:9] != b"{":
        return read_torch(path, "meta" if device == "meta" else "cpu")
    return _outline(path) if device == "meta" else load_file(path, device=device)


def _outline(path: Path) -> dict[str, Tensor]:
    """Read the shapes in a safetensors file, which its own loader cannot do for "meta"."""
    import torch
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        shapes = {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118 - no dict
    return {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}


def _refuse_foreign(path: Path) -> None:
    """Recognise what people save as a weights file by mistake."""
    head = _head(path)
    start = head.lstrip().lower()
    if not head:
        raise ValueError("is empty")
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise ValueError("is a web page: the download link led to a page, not to the file")
    if start.startswith(b"version https://git-lfs"):
        raise ValueError("is a Git LFS pointer, not the file itself: run 'git lfs pull' where it came from")
    if head[8:9] != b"{" and not head.startswith((b"PK", b"\x80")):
        raise ValueError(f"is neither a torch nor a safetensors file (it begins with {head[:8]!r})")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _listed(state: Mapping[str, object]) -> str:
    keys = list(state)
    return ", ".join(keys[: _SHOWN + 1]) + (", …" if len(keys) > _SHOWN + 1 else "")


def _sentence(error: Exception) -> str:
    return str(error).split("\n")[0].split(". ")[0] or "no more data"
