"""Requests → detectors with their weights: variants of installed plugins, and files on disk."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from forenbench.errors import BenchError, unknown
from forenbench.registry.guests import contained, reason
from forenbench.registry.plugin_files import read_plugin
from forenbench.types import UNVERIFIED, Detector
from forenbench.weights import KINDS, MissingWeights, Weights

from .attributes import problem
from .installed import Plugin, find, installed
from .loaded import LoadedDetector
from .own import OwnDetector
from .prefixed import find_loader

ALL = "all"
"""In a list of requests: every installed detector that has checkpoints of the kind."""

LINEUPS: Mapping[str, tuple[str, ...]] = {
    "modern": (
        "univfd:lc",
        "npr",
        "drct",
        "c2p-clip",
        "aide",
        "fatformer",
        "safe",
        "aligned",
        "dda",
        "commfor",
        "rine",
        "corvi",
        "bfree",
        "effort",
    ),
}
"""Detectors that papers compare, by the name for all of them: of a line-up runs what has its weights here.

modern: the nine of the table in the paper of DDA (Chen et al., NeurIPS 2025), and five that came beside it.
"""


@dataclass(frozen=True, slots=True)
class Absent:
    """A detector that cannot be run here for want of a file.

    Attributes:
        request: What was asked for: its own name, or that of a line-up it belongs to.
        lack: What is missing and where to get it.
    """

    request: str
    lack: str

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
    if isinstance(request, OwnDetector):
        made = [_make(request, None, weights, request.code)]
    elif loader := find_loader(request):
        made = [_make(loader, request, weights)]
    elif request.endswith(".py") or "/" in request:
        file = read_plugin(request, "detector", "'bench new detector NAME' writes one")
        module = file.run("detector")
        # What the file imports is there by name as well; only what it defines is meant.
        defined: list[Any] = [
            value
            for value in vars(module).values()
            if inspect.isclass(value) and value.__module__ == module.__name__ and hasattr(value, "score")
        ]
        if not defined:
            raise BenchError(f"'{request}' defines no detector: no class in it has a 'score' method")
        made = [_make(plugin, None, weights, file.sha256) for plugin in defined]
    else:
        made = _by_name(request, weights)
    for name, number in Counter(loaded.name for loaded in made).items():
        if number > 1:
            raise BenchError(f"'{request}' makes {number} detectors called '{name}'; give each its own name")
    return made


def _by_name(request: str, weights: Weights) -> list[LoadedDetector]:
    """Make the detectors that an installed plugin's name means."""
    asked, at, kind = request.partition("@")
    name, colon, variant = asked.partition(":")
    found = find(name)
    if found.problem:
        raise BenchError(f"detector '{name}' ({found.package}) cannot be used: {found.problem}")
    if not found.has_variants:
        if colon or at:
            raise BenchError(
                f"detector '{name}' has no variants, so '{request}' means nothing; ask for '{name}'"
            )
        return [_make(found.plugin, None, weights)]
    if at and kind not in KINDS:
        raise BenchError(unknown(f"kind of checkpoints of '{asked}'", kind, KINDS))
    weights = replace(weights, kind=kind) if at else weights  # what is shared, and recorded, stays common
    return [_make(found.plugin, chosen, weights) for chosen in found.chosen(variant, weights.kind)]


def load_all(requests: Iterable[str | OwnDetector], weights: Weights) -> list[LoadedDetector]:
    """Load several requests in order, each distinct detector once.

    Raises:
        MissingWeights: Everything that is missing, not just the first.
        BenchError: As `load`, or two different plugins that give their detectors the same name.
    """
    loaded, absent = load_available(requests, weights)
    if absent:
        raise MissingWeights("\n".join(dict.fromkeys(one.lack for one in absent)))
    return loaded


def load_available(
    requests: Iterable[str | OwnDetector], weights: Weights
) -> tuple[list[LoadedDetector], list[Absent]]:
    """Load the detectors whose weights are here, each distinct one once; and say what the others lack.

    ``all`` among the requests means every installed detector (see `ALL`); a line-up's name (see `LINEUPS`)
    means its detectors.

    Raises:
        BenchError: As `load`, or no request, or two different plugins that give their detectors the same
            name, or two requests that fill one detector with different weights for which there is one word.
    """
    words: dict[str | OwnDetector, str] = {}
    for request, word in _named(requests, weights.kind):
        # What is asked for by its own name as well has to be there.
        if word not in LINEUPS or request not in words:
            words[request] = word
    if not words:
        raise BenchError("no detector is named; 'bench list detectors' shows them")
    loaded: dict[tuple[str, str], LoadedDetector] = {}
    absent: dict[Absent, None] = {}
    for request, word in words.items():
        try:
            made = load(request, weights)
        except MissingWeights as error:
            absent[Absent(word, str(error))] = None
            continue
        for detector in made:
            # One name for two detectors would make one table row of both. The same
            # detector asked for twice is no mistake (`lgrad,lgrad:nearest-gan`);
            # of a program's own ones, two may differ in what no digest sees.
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
    return list(loaded.values()), list(absent)


def _named(requests: Iterable[str | OwnDetector], kind: str) -> Iterator[tuple[str | OwnDetector, str]]:
    """Put names in the place of ``all``, ``all@sample`` and line-ups; beside each, the word that asked."""
    for request in requests:
        word, at, other = request.partition("@") if isinstance(request, str) else ("", "", "")
        if word == ALL:
            # Those without variants have no checkpoints of any kind, and can always be run.
            some = [one for one in installed() if not one.has_variants or one.variants(other or kind)]
            yield from ((f"{one.name}{at}{other}" if one.has_variants else one.name, word) for one in some)
        elif word in LINEUPS:
            yield from ((f"{name}{at}{other}", word) for name in LINEUPS[word])
        else:
            yield request, word


def _origin(loaded: LoadedDetector) -> tuple[object, ...]:
    """Return what identifies the maker of a detector."""
    return type(loaded.detector), loaded.code, loaded.variant


def _make(
    plugin: Callable[..., Detector], variant: str | None, weights: Weights, code: str = ""
) -> LoadedDetector:
    """Construct one detector and note which weights files it read."""
    what = getattr(plugin, "__name__", repr(plugin))
    with weights.recording() as used:
        try:
            with contained():
                detector = plugin() if variant is None else cast(Plugin, plugin)(variant, weights)
        except BenchError:
            raise
        except Exception as error:
            raise BenchError(f"detector {what} cannot be made: {reason(error)}") from error
    # Now, with the detector's name at hand, and not in the middle of a run of hours.
    if flaw := problem(detector):
        raise BenchError(f"detector {what} {flaw}; see docs/adding_a_detector.md")
    # One name alone is a list of one, and not of its letters.
    trained_on: str | Sequence[str] = getattr(detector, "trained_on", ())
    stated = (trained_on,) if isinstance(trained_on, str) else tuple(trained_on)
    word, remarks = weights.whose(used), weights.remarks(used)
    loaded = LoadedDetector(detector, word, dict(used), code, variant or "", stated, remarks)
    if loaded.is_replaced:  # what may be the published file keeps its stars: to lose them would flatter it
        known = stated if word == UNVERIFIED else ()
        return replace(loaded, trained_on=weights.trained_on or known)
    return loaded
