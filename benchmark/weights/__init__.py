"""Checkpoints: what they are, where they come from, and their strict and safe loading."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from forenbench.files.checksums import sha256_of as sha256_of
from forenbench.files.regular import irregular

from .checkpoint import Checkpoint as Checkpoint
from .checkpoint import MissingWeights as MissingWeights
from .checkpoint import WrongWeights as WrongWeights
from .checkpoint_store import instructions, judge, locate, weakest
from .file_bytes import FileBytes
from .filling import frozen as frozen
from .filling import load_strict as load_strict
from .unwrapping import prefix_of, shape_of, unwrap
from .weight_files import describe as describe
from .weight_files import moved, read

T = TypeVar("T")
KINDS = ("published", "sample")
"""Kinds of checkpoints that can be asked for: they decide which variants there are, and what those read."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A file that was read.

    Attributes:
        checkpoint: Its name, without whose it is.
        weights: Whose it has.
        sha256: Of the file.
        bytes: Of its tensors in memory, once they are float32.
        remark: What its reader must know of it.
    """

    checkpoint: str
    weights: str
    sha256: str
    bytes: int
    remark: str = ""


@dataclass(slots=True)
class Weights:
    """The checkpoints of one run: which kind, which files, and the device they go to.

    Attributes:
        kind: "published" or "sample"; nothing falls back silently from one to the other.
        paths: The user's files, by checkpoint name.
        device: Where loaded tensors go.
        known: Files of other detectors, to say which of them a wrong file is.
        unverified: Take files of another size or sha256 than the published one, such as the user's own
            re-training; what they are called in the record, and so in every table, then says it.
        trained_on: What the user states that unpublished weights have seen.
        allow_network: Whether detectors may be made that send images over the network.
    """

    kind: str = "published"
    paths: Mapping[str, Path] = field(default_factory=dict)
    device: str = "cpu"
    known: Iterable[Checkpoint] = ()
    unverified: bool = False
    trained_on: tuple[str, ...] = ()
    allow_network: bool = False
    # `dataclasses.replace` hands these three on as they are: a copy with another kind, as `lgrad@sample`
    # makes one, shares encoders with the original, and what it reads is noted in the same records.
    _loaded: dict[str, _Loaded] = field(default_factory=dict)
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
            raise MissingWeights(instructions(checkpoint), checkpoint)
        # Opening a pipe would wait for ever for somebody to
        # write into it, and reading a device would never end.
        if why := irregular(path):
            raise MissingWeights(f"weights '{checkpoint.name}': no file at {path} ({why})")
        return path

    def load(self, checkpoint: Checkpoint) -> dict[str, object]:
        """Read a file's tensors by name onto the device, from safetensors or a torch file, running no code.

        It is read once, and its sha256 looked at before anything is parsed. Where the checkpoint's marks tell
        its state dict beyond doubt, that is taken out from under a key and from behind a prefix; else the
        file's entries come as they are.

        Raises:
            MissingWeights: The file is not on this machine.
            WrongWeights: Its size or sha256 is not the published one, or it cannot be read.
        """
        path = self.path(checkpoint)
        subject = f"weights '{checkpoint.name}': {path}"
        away = f"Get {checkpoint.file} from {checkpoint.source}"
        try:
            file = FileBytes.of(path)
            found = judge(checkpoint, path, file)
            # Shapes do not tell every family apart: an ordinary ResNet-50 has those of one that keeps the
            # full resolution longer, and OpenAI's CLIP those of others that differ in an activation.
            mistaken = (
                f"is the published file of '{other.name}'"
                for other in (() if found.weights in KINDS else self.known)
                for sha256 in (other.sha256, *other.copies)
                if other.name != checkpoint.name and sha256 and found.sha256.startswith(sha256)
            )
            problem = found.problem or next(mistaken, "")
            # A file with another sha256 goes no further: only its shapes are read, for the message.
            if problem and not self.unverified:
                raise WrongWeights(
                    f"{subject} {problem}; {_outline(checkpoint, file)}. {away}; a file of your own "
                    "making is taken with --unverified (in Python: unverified=True)"
                )
            # On the CPU first, whatever the device: a training's file holds an optimiser's state twice the
            # size of the network, which need not pass through the memory of a GPU.
            unwrapped = unwrap(read(file, "cpu"), checkpoint)
        except ValueError as error:
            raise WrongWeights(f"{subject} {error}. {away}") from error
        # The name goes into records and below tables, so that no own file stands there as the published one.
        name = checkpoint.name if found.weights in KINDS else f"{checkpoint.name} ({found.weights})"
        remark = f"weights '{checkpoint.name}' were read {unwrapped.how}" if unwrapped.how else ""
        # Four bytes a number: half precision is widened (see `load_strict`).
        shapes = map(shape_of, unwrapped.state.values())
        size = 4 * sum(math.prod(shape) for shape in shapes if shape is not None)
        self._loaded[name] = _Loaded(checkpoint.name, found.weights, found.sha256, size, remark)
        self._record({name: found.sha256})
        return {key: moved(value, self.device) for key, value in unwrapped.state.items()}

    def unlisted(self, name: str, path: Path, whose: str) -> FileBytes:
        """Read a file of any format that no plugin describes, and note its sha256 like a checkpoint's.

        Args:
            name: What records call it; whose it is is added.
            path: Where it is.
            whose: Its weights are, see `forenbench.weights.checkpoint_store`: "unverified" or "own".

        Raises:
            WrongWeights: It cannot be read.
        """
        try:
            file = FileBytes.of(path)
        except (ValueError, OSError) as error:
            raise WrongWeights(f"weights '{name}': {path} {error}") from error
        named = f"{name} ({whose})"
        self._loaded[named] = _Loaded(name, whose, file.sha256, len(file))
        self._record({named: file.sha256})
        return file

    def whose(self, used: Iterable[str]) -> str:
        """Say in one word whose weights the files are that `recording` named: the weakest of their words."""
        return weakest(self._loaded[name].weights for name in used)

    def remarks(self, used: Iterable[str]) -> tuple[str, ...]:
        """Return the notes on the files that `recording` named, such as which key and prefix were removed."""
        return tuple(self._loaded[name].remark for name in used if self._loaded[name].remark)

    def sizes(self, used: Iterable[str]) -> dict[str, int]:
        """Return the bytes of memory that files take which `recording` named: as float32, by checkpoint."""
        return {self._loaded[name].checkpoint: self._loaded[name].bytes for name in used}

    def file_sizes(self, checkpoints: Iterable[Checkpoint]) -> dict[str, int]:
        """Return the bytes of the files of checkpoints, by name; none where not all of them are here."""
        try:
            return {one.name: self.path(one).stat().st_size for one in checkpoints}
        except (MissingWeights, OSError):
            return {}

    def let_go(self) -> None:
        """Keep what is known of the files, and none of the objects that were made of them to be shared."""
        self._shared.clear()

    def remark(self, used: Iterable[str], text: str) -> None:
        """Add to the notes on files, in words that follow "weights … "."""
        for name in used:
            loaded = self._loaded[name]
            words = [loaded.remark] if loaded.remark else [f"weights '{name}'"]
            self._loaded[name] = replace(loaded, remark=" ".join([*words, text]))

    def shared(self, key: str, make: Callable[[], T]) -> T:
        """Return the object made earlier under this key, or make it: one encoder serves many detectors."""
        if key not in self._shared:
            # What it reads is kept beside it: a detector that finds an encoder made rests on its files, too.
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
        # Recordings nest: that of an encoder lies inside that of the detector which asked for it.
        for record in self._records:
            record.update(used)


def _outline(checkpoint: Checkpoint, file: FileBytes) -> str:
    """Say in words what a wrong file holds, by the shapes in it."""
    # "meta": tensors have shapes and no bytes, so that a wrong file of gigabytes costs no memory to describe.
    try:
        content = read(file, "meta")
    except ValueError as error:
        return f"it {error}"
    if prefix_of(checkpoint, content) == "":
        return f"it has the keys of {checkpoint.file}, and other values"
    return f"it seems to be {describe(content, (checkpoint,))}"
