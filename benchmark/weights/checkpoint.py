"""What a checkpoint file is, and what can be wrong with one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from forenbench.errors import BenchError, NotHere


class MissingWeights(NotHere):
    """A checkpoint was asked for and is not on this machine.

    Attributes:
        checkpoint: Which, where that is all there is to say.
    """

    def __init__(self, message: str, checkpoint: Checkpoint | None = None) -> None:
        super().__init__(message)
        self.checkpoint = checkpoint


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
        marks: A few keys with their shapes that tell this file from others, and find its state dict in what
            was saved around it.
        key: Where the published file keeps the state dict if it holds more.
        sha256: Of the file, where known; its leading digits where no more are published.
        copies: sha256 of other files in which the same weights are published, which are read too.
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
    key: str = ""
    copies: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, name: str, said: Mapping[str, Any], marks: Mapping[str, tuple[int, ...]] | None = None
    ) -> Self:
        """Describe a published checkpoint by its table in a catalogue, such as ``detectors/weights.toml``."""
        urls, copies = (tuple(said.get(key, ())) for key in ("urls", "copies"))
        return cls(name=name, marks=marks or {}, **{**said, "urls": urls, "copies": copies})
