"""Checkpoints: what they are, where they come from, and their strict and safe loading."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from forenbench.regular import irregular
from forenbench.types import BenchError

from .checkpoint_store import instructions, locate
from .weight_files import describe as describe
from .weight_files import part as part
from .weight_files import read, shape_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

T = TypeVar("T")
M = TypeVar("M", bound="torch.nn.Module")
KINDS = ("published", "sample")


class MissingWeights(BenchError):
    """A checkpoint was asked for and is not on this machine."""


class WrongWeights(BenchError):
    """A checkpoint file does not hold what its name promises."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One published (or shipped) weights file.

    Attributes:
        name: The NAME of ``--weights NAME=PATH``.
        file: Published file name; for a shipped one, its path below its package's folder.
        source: Where to get it, in words or as an address.
        urls: Addresses to download it from, the authors' own first; none where no stable one is known.
        format: What is in the file, in words.
        size: Of the file in bytes, where known.
        licence: Licence of the weights.
        marks: A few keys with their shapes that tell this file from others.
        sha256: Of the file, where known; its leading digits where no more are published.
        shipped: True for the small checkpoints that come with the package or with a dependency.
        package: Where a shipped file lies: this package, or the dependency that brings it.
        command: How users train it themselves, for what nobody has published.
    """

    name: str
    file: str
    source: str
    licence: str
    marks: Mapping[str, tuple[int, ...]] = field(default_factory=dict, hash=False)
    sha256: str | None = None
    shipped: bool = False
    package: str = "forenbench.sample"
    urls: tuple[str, ...] = ()
    format: str = ""
    size: int | None = None
    command: str = ""


@dataclass(slots=True)
class Weights:
    """The checkpoints of one run: which kind, which files, and the device they go to.

    Attributes:
        kind: "published" or "sample"; nothing falls back silently from one to the other.
        paths: The user's files, by checkpoint name.
        device: Where loaded tensors go.
        known: Files of other detectors, to say which of them a wrong file is.
        unverified: Take files of another sha256 than the published one, such as the user's own re-training;
            what they are called in the record, and so in every table, then says it.
    """

    kind: str = "published"
    paths: Mapping[str, Path] = field(default_factory=dict)
    device: str = "cpu"
    known: tuple[Checkpoint, ...] = ()
    unverified: bool = False
    _shared: dict[str, tuple[object, dict[str, str]]] = field(default_factory=dict)
    _records: list[dict[str, str]] = field(default_factory=list)

    def path(self, checkpoint: Checkpoint) -> Path:
        """Say where the checkpoint's file is: where the user says, or the first place that has it.

        Raises:
            MissingWeights: It is not on this machine; the message says where to get it.
            BenchError: FORENBENCH_WEIGHTS names no folder.
        """
        named = self.paths.get(checkpoint.name)
        path = Path(named) if named else locate(checkpoint)
        if path is None:
            raise MissingWeights(instructions(checkpoint))
        if why := irregular(path):
            raise MissingWeights(f"weights '{checkpoint.name}': no file at {path} ({why})")
        return path

    def load(self, checkpoint: Checkpoint) -> dict[str, object]:
        """Read a dict of tensors (safetensors, or torch with ``weights_only=True``) onto the device.

        The dict is returned as the file has it; `part` unwraps one that holds its state dict under a key.

        Raises:
            MissingWeights: The file is not on this machine.
            WrongWeights: It cannot be read safely, or its sha256 is not the published one.
        """
        path = self.path(checkpoint)
        try:
            content = read(path, self.device)
        except ValueError as error:
            raise WrongWeights(
                f"weights '{checkpoint.name}': {path} {error}. Get {checkpoint.file} from {checkpoint.source}"
            ) from error
        sha256 = sha256_of(path)
        published = sha256.startswith(checkpoint.sha256 or "")
        if not (published or self.unverified):
            raise WrongWeights(
                f"weights '{checkpoint.name}': {path} has sha256 {sha256}, expected {checkpoint.sha256}; "
                f"it seems to be {describe(content, (checkpoint,))}. Get {checkpoint.file} from "
                f"{checkpoint.source}; a file of your own making is taken with --unverified"
            )
        self._record({checkpoint.name if published else f"{checkpoint.name} (not as published)": sha256})
        return content

    def shared(self, key: str, make: Callable[[], T]) -> T:
        """Return the object made earlier under this key, or make it: one encoder serves many detectors."""
        if key not in self._shared:
            with self.recording() as used:
                self._shared[key] = make(), used
        made, used = self._shared[key]
        self._record(used)
        return made  # type: ignore[return-value]

    @contextmanager
    def recording(self) -> Iterator[dict[str, str]]:
        """Collect the sha256, by checkpoint name, of every file that what is made inside rests on.

        Files of a shared object count each time it is asked for, not only when they are read.
        """
        used: dict[str, str] = {}
        self._records.append(used)
        try:
            yield used
        finally:
            self._records.pop()

    def _record(self, used: Mapping[str, str]) -> None:
        for record in self._records:
            record.update(used)


def frozen(
    build: Callable[[], M],
    state: Mapping[str, object],
    checkpoint: Checkpoint,
    known: Iterable[Checkpoint] = (),
) -> M:
    """Build a network, fill it strictly, and freeze it; no memory or time goes into random weights.

    Raises:
        WrongWeights: See `load_strict`.
    """
    import torch

    with torch.device("meta"):
        network = build()
    load_strict(network, state, checkpoint, known)
    if all(parameter.device.type == "cpu" for parameter in network.parameters()):
        # Convolutions on a CPU are up to 1.7 times as fast so (docs/performance.md).
        network = network.to(memory_format=torch.channels_last)
    return network.eval().requires_grad_(False)


def load_strict(
    module: torch.nn.Module,
    state: Mapping[str, object],
    checkpoint: Checkpoint,
    known: Iterable[Checkpoint] = (),
) -> None:
    """Fill a module, refusing missing, surplus and wrongly shaped entries.

    The module takes the tensors over, and so moves to their device; half precision is widened to the
    module's own type.

    Args:
        module: What to fill; it may lie on the meta device.
        state: Its parameters and buffers by name.
        checkpoint: Where the state came from.
        known: Other files that users may have mistaken for this one: the plugin's ``checkpoints``.

    Raises:
        WrongWeights: The first such key, and what the file seems to be instead.
    """
    expected = module.state_dict()
    problem = _first_difference(expected, state)
    if problem:
        seems = describe(state, (checkpoint, *known))
        raise WrongWeights(
            f"weights '{checkpoint.name}': not the content of {checkpoint.file}: {problem}; it seems to be "
            f"{seems}. Get {checkpoint.file} from {checkpoint.source}"
        )
    tensors = cast("Mapping[str, Tensor]", state)  # every entry has the shape of a tensor
    widened = {key: value.to(expected[key].dtype) for key, value in tensors.items()}
    module.load_state_dict(widened, strict=True, assign=True)


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_difference(expected: Mapping[str, Tensor], state: Mapping[str, object]) -> str:
    """Name the first missing, unexpected or wrongly shaped key, or return an empty string."""
    for key in expected:
        if key not in state:
            return f"key '{key}' is missing"
    for key, value in state.items():
        if key not in expected:
            return f"key '{key}' is unexpected"
        if shape_of(value) != shape_of(expected[key]):
            return f"key '{key}' has shape {shape_of(value)}, expected {shape_of(expected[key])}"
    return ""
