"""Requests → detectors with their weights, each distinct one once, and what they lack."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from forenbench.errors import BenchError, NotHere
from forenbench.weights import Checkpoint, MissingWeights, Weights

from .lineups import LINEUPS, named
from .loaded import LoadedDetector
from .network_room import Room
from .not_ready import facts
from .own import OwnDetector
from .resolving import resolve

_Key = tuple[str, str]
"""A detector's name, and whose weights it has."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A detector that cannot be run here for want of a file or a library.

    Attributes:
        request: What was asked for: its own name, or that of a line-up it belongs to.
        lack: What is missing and where to get it.
        brief: The same in a few words, where several detectors lack something.
    """

    request: str
    lack: str
    brief: str

    @property
    def is_needed(self) -> bool:
        """Whether it was asked for by its own name."""
        return self.request not in LINEUPS


def load(request: str | OwnDetector, weights: Weights) -> list[LoadedDetector]:
    """Turn ``lgrad``, ``univfd:nn-k9@sample`` or ``./mine.py`` into detectors with their weights loaded.

    ``hf:…``, ``onnx:…`` and ``timm:…`` are models without a plugin (see `forenbench.plugins.prefixed`).

    Args:
        request: A name, a variant behind a colon, the kind of checkpoints behind an @; a file; or what a
            program hands over.
        weights: Their kind holds where the request names none.

    Raises:
        BenchError: Unknown name or variant, a plugin that cannot be used, missing or wrong weights, or two
            detectors of one name: their rows would be taken for the same.
    """
    made = [make() for exact in resolve(request, weights) for make in exact.makers]
    _refuse_twins(request, made)
    return made


def _refuse_twins(request: str | OwnDetector, made: Sequence[LoadedDetector]) -> None:
    for name, number in Counter(loaded.name for loaded in made).items():
        if number > 1:
            raise BenchError(f"'{request}' makes {number} detectors called '{name}'; give each its own name")


def load_all(requests: Iterable[str | OwnDetector], weights: Weights) -> list[LoadedDetector]:
    """Load several requests in order, each distinct detector once.

    Raises:
        NotHere: Everything that is missing, not just the first.
        BenchError: As `load`, or two different plugins that give their detectors the same name.
    """
    loaded, absent = load_available(requests, weights)
    if absent:
        raise NotHere("\n".join(dict.fromkeys(one.lack for one in absent)))
    return loaded


def load_available(
    requests: Iterable[str | OwnDetector], weights: Weights, room: Room | None = None
) -> tuple[list[LoadedDetector], list[Absent]]:
    """Load the detectors that have here what they need, each distinct one once; and say what others lack.

    ``all`` among the requests means every installed detector (see `forenbench.plugins.lineups`); a line-up's
    name means its detectors.

    Args:
        requests: As of `load`.
        weights: Likewise.
        room: What networks have in memory, by default as much as there is. Where the next one does not fit
            in, those before it are let go and belong to an earlier round.

    Raises:
        BenchError: As `load`, or no request, or two different plugins that give their detectors the same
            name, or two requests that fill one detector with different weights for which there is one word.
    """
    words: dict[str | OwnDetector, str] = {}
    for request, word in named(requests, weights.kind):
        # What is asked for by its own name as well has to be there.
        if word not in LINEUPS or request not in words:
            words[request] = word
    if not words:
        raise BenchError("no detector is named; 'bench list detectors' shows them")
    loaded: dict[_Key, LoadedDetector] = {}
    # A file that several lack is named once. Errors are not kept: their tracebacks hold networks.
    absent: dict[tuple[str, str], tuple[Checkpoint | None, list[str]]] = {}
    room = room or Room()
    for request, word in words.items():
        fresh: list[LoadedDetector] = []
        for exact in resolve(request, weights):
            # Room is made before, so that networks of two rounds are not in memory at once; and after, for
            # only then is it known what plugins read that do not say what they need.
            _make_room(room, weights.file_sizes(exact.needs), weights, loaded, fresh)
            try:
                made = [make() for make in exact.makers]
            except NotHere as error:
                which = error.checkpoint if isinstance(error, MissingWeights) else None
                lacking = str(exact.request).partition("@")[0]
                absent.setdefault((word, str(error)), (which, []))[1].append(lacking)
                continue
            sizes = {name: size for one in made for name, size in one.sizes.items()}
            _make_room(room, sizes, weights, loaded, fresh)
            fresh += [replace(one, round=room.round) for one in made]
            made.clear()  # or the last ones would outlive their round
        _refuse_twins(request, fresh)
        for detector in fresh:
            _add(request, detector, loaded)
    lacks = [
        Absent(word, lack, f"{', '.join(names)}: {facts(checkpoint)}" if checkpoint else lack)
        for (word, lack), (checkpoint, names) in absent.items()
    ]
    return list(loaded.values()), lacks


def _make_room(
    room: Room,
    sizes: Mapping[str, int],
    weights: Weights,
    loaded: dict[_Key, LoadedDetector],
    fresh: list[LoadedDetector],
) -> None:
    """Let go of what is loaded if checkpoints of these sizes do not fit in beside it."""
    if room.takes(sizes):
        return
    loaded.update({key: one.let_go() for key, one in loaded.items()})
    fresh[:] = [one.let_go() for one in fresh]
    weights.let_go()
    gc.collect()  # networks with hooks are circles, which are not freed at once


def _add(request: str | OwnDetector, detector: LoadedDetector, loaded: dict[_Key, LoadedDetector]) -> None:
    """Add a request's detector to those that are loaded, unless it is one of them.

    Raises:
        BenchError: Tables could not tell it from one that is there.
    """
    # One name for two detectors would make one table row of both. The same detector asked for twice is no
    # mistake (`lgrad,lgrad:nearest-gan`); of a program's own ones, two may differ in what no digest sees.
    is_own = isinstance(request, OwnDetector)
    if any(
        other.name == detector.name and (is_own or _origin(other) != _origin(detector))
        for other in loaded.values()
    ):
        raise BenchError(f"two detectors are called '{detector.name}'; rename the one in '{request}'")
    # Rows of published and of own weights may stand side by side: their word tells them apart.
    same = loaded.setdefault((detector.name, detector.weights), detector)
    if same.checkpoints != detector.checkpoints:
        raise BenchError(
            f"'{request}' gives '{detector.name}' other {detector.weights} weights than a request "
            "before it, and no table could tell them apart; run them one at a time, each into a run "
            "folder of its own"
        )


def _origin(loaded: LoadedDetector) -> tuple[object, ...]:
    """Return what identifies the maker of a detector."""
    return loaded.made_by, loaded.code, loaded.variant
