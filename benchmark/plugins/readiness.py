"""Which detectors have here the files that they need: seen from cards, without any code of theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forenbench.errors import BenchError, unknown
from forenbench.files.regular import irregular
from forenbench.registry.plugin_files import read_plugin
from forenbench.types import PUBLISHED
from forenbench.weights.checkpoint import Checkpoint
from forenbench.weights.checkpoint_store import locate

from .installed import FoundPlugin, by_cards
from .lineups import LINEUPS, named
from .own import OwnDetector

Paths = Mapping[str, Path]
"""The user's files, by the names of checkpoints."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One detector, and what it lacks here.

    Attributes:
        request: It alone is asked for by this.
        detector: Its plugin's name; empty of a file or an object.
        lacks: The checkpoints that are not here.
        word: What asked for it: its own name, or a line-up's.
    """

    request: str
    detector: str
    lacks: tuple[Checkpoint, ...] = ()
    word: str = ""

    @property
    def is_needed(self) -> bool:
        """Whether it was asked for by its own name; of a line-up is run what is here."""
        return self.word not in LINEUPS

    @property
    def size(self) -> int | None:
        """The bytes to download before it runs; None where they are not known, or it cannot be fetched."""
        sizes = [one.size for one in self.lacks if one.urls]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(self.lacks) else None


def survey(requests: Iterable[str | OwnDetector], kind: str, paths: Paths) -> list[Standing]:
    """Say of each detector that is asked for what it lacks, as far as that can be seen without its code.

    Raises:
        BenchError: Unknown name, variant or kind of checkpoints, or a file that is not there.
    """
    known = by_cards()
    found: dict[str, Standing] = {}
    for request, word in named(requests, kind, known.values):
        if isinstance(request, OwnDetector):
            continue
        for one in _standings(request, kind, paths, known):
            # What is asked for by its own name as well has to be there.
            if one.request not in found or word not in LINEUPS:
                found[one.request] = Standing(one.request, one.detector, one.lacks, word)
    return list(found.values())


def ready(paths: Paths) -> tuple[list[Standing], list[Standing]]:
    """List what bare names mean on published weights: what has its files here, and what lacks some."""
    here: list[Standing] = []
    lacking: list[Standing] = []
    for one in by_cards().values():
        if one.has_variants and not one.problem and PUBLISHED in one.kinds():
            for standing in _of_plugin(one, one.rows(PUBLISHED), PUBLISHED, paths):
                (lacking if standing.lacks else here).append(standing)
    return here, lacking


def checkpoint_names() -> list[str]:
    """Name every checkpoint that cards know of."""
    cards = [one.plugin for one in by_cards().values() if one.has_variants]
    return list(dict.fromkeys(checkpoint.name for card in cards for checkpoint in card.checkpoints))


def _standings(request: str, kind: str, paths: Paths, known: Mapping[str, FoundPlugin]) -> Iterator[Standing]:
    prefix, _, rest = request.partition(":")
    if prefix in ("hf", "onnx", "timm"):  # see `forenbench.plugins.prefixed`, which loads their libraries
        path = Path(rest.partition("#")[0]).expanduser()
        if prefix == "onnx" and (why := irregular(path)):
            raise BenchError(f"'{request}': no file at {path} ({why})")
        yield Standing(request, "")
        return
    if request.endswith(".py") or "/" in request:
        read_plugin(request, "detector", "'bench new detector NAME' writes one")
        yield Standing(request, "")
        return
    name = request.partition("@")[0].partition(":")[0]
    if name not in known:
        raise BenchError(unknown("detector", name, known, "bench list detectors"))
    found = known[name]
    # What it reads may be known to its code alone; and what is wrong with it, or with its card, loading says.
    if found.problem or not found.has_variants:
        yield Standing(request, "")
        return
    variants, kind = found.read(request, kind)
    yield from _of_plugin(found, variants, kind, paths)


def _of_plugin(found: FoundPlugin, variants: Sequence[str], kind: str, paths: Paths) -> Iterator[Standing]:
    for variant in variants:
        # Sample checkpoints come with packages. Of a card that does not say what it needs nothing is known.
        said = found.plugin.needs.get(variant, ()) if kind == PUBLISHED else ()
        lacks = [one for one in said if not one.shipped and one.name not in paths and locate(one) is None]
        yield Standing(f"{found.name}:{variant}@{kind}", found.name, tuple(lacks))
