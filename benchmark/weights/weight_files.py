"""What is inside a weights file: read without running code, and said in words."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .torchscript import is_torchscript, read_torchscript

if TYPE_CHECKING:
    from torch import Tensor

    from . import Checkpoint

_SHOWN = 3


def read(path: Path, device: str) -> dict[str, object]:
    """Read a dict of tensors from a file without ever running code from it.

    Args:
        path: The file.
        device: Where its tensors go; "meta" reads their shapes alone.

    Raises:
        ValueError: It is no such file, is broken, or needs Python objects; words that follow its name.
    """
    _refuse_foreign(path)
    try:
        content = _parse(path, device)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        what = f"the Python object '{named[1]}'" if named else "Python objects"
        raise ValueError(
            f"needs {what}, and making that could run code; only plain tensors are loaded, "
            "so save the state dict alone"
        ) from error
    except Exception as error:  # each format has its own kinds of errors for a broken file
        raise ValueError(f"is broken or cut off ({type(error).__name__}: {_sentence(error)})") from error
    if not isinstance(content, Mapping):
        raise ValueError(f"holds a {type(content).__name__}, not a dict of tensors")
    return {str(key): value for key, value in content.items()}


def holds(content: Mapping[str, object], checkpoint: Checkpoint) -> bool:
    """Say whether a file's content has the checkpoint's marks, also below a key or behind a prefix."""
    states = [content, *(value for value in content.values() if isinstance(value, Mapping))]
    return not checkpoint.marks or any(_prefix_of(checkpoint, state) is not None for state in states)


def part(content: Mapping[str, object], key: str) -> Mapping[str, object]:
    """Return the state dict that a file keeps under this key, or the content itself if it is bare."""
    inner = content.get(key)
    return inner if isinstance(inner, Mapping) else content


def describe(state: Mapping[str, object], known: Iterable[Checkpoint] = ()) -> str:
    """Say in words what a loaded file seems to be: "…seems to be {this}"."""
    known = tuple(known)
    wrapped = [key for key, value in state.items() if isinstance(value, Mapping)]
    if {"generator", "discriminator"} <= set(wrapped):
        return f"a file with a generator and a discriminator (keys {_listed(state)})"
    if wrapped:
        inner = part(state, "model" if "model" in wrapped else wrapped[0])
        return f"a training checkpoint (keys {_listed(state)}) around {describe(inner, known)}"
    for checkpoint in known:
        prefix = _prefix_of(checkpoint, state)
        if prefix is not None:
            where = f", with '{prefix}' before its keys" if prefix else ""
            return f"weights '{checkpoint.name}' ({checkpoint.file}){where}"
    if not state:
        return "an empty dict"
    first = ", ".join(f"'{key}' {shape_of(value)}" for key, value in list(state.items())[:_SHOWN])
    return f"a dict of {len(state)} entries: {first}{', …' if len(state) > _SHOWN else ''}"


def shape_of(value: object) -> tuple[int, ...] | None:
    """Return a tensor's shape, None for anything else."""
    shape = getattr(value, "shape", None)
    return None if shape is None else tuple(shape)


def _parse(path: Path, device: str) -> object:
    """Read safetensors (told by their JSON header, whatever the suffix), TorchScript or a torch file."""
    import torch
    from safetensors.torch import load_file

    if is_torchscript(path):
        return read_torchscript(path, device)
    if _head(path)[8:9] == b"{":
        return _outline(path) if device == "meta" else load_file(path, device=device)
    with warnings.catch_warnings(), path.open("rb") as file:  # of a path, torch would look at the suffix
        warnings.filterwarnings("ignore", "Detected pickle protocol")
        return torch.load(file, map_location=device, weights_only=True)


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


def _prefix_of(checkpoint: Checkpoint, state: Mapping[str, object]) -> str | None:
    """Say what stands before every mark of the checkpoint in this state; None if it is another file's."""
    if not checkpoint.marks:
        return None
    first = next(iter(checkpoint.marks))
    for key in state:
        prefix = key.removesuffix(first)
        found = (shape_of(state.get(prefix + mark)) == shape for mark, shape in checkpoint.marks.items())
        if key.endswith(first) and all(found):
            return prefix
    return None


def _listed(state: Mapping[str, object]) -> str:
    keys = list(state)
    return ", ".join(keys[: _SHOWN + 1]) + (", …" if len(keys) > _SHOWN + 1 else "")


def _sentence(error: Exception) -> str:
    return str(error).split("\n")[0].split(". ")[0] or "no more data"
