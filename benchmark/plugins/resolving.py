"""Requests → what makes their detectors: variants of installed plugins, files on disk, models, objects."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from forenbench.errors import BenchError
from forenbench.registry.guests import contained, reason
from forenbench.registry.plugin_files import read_plugin
from forenbench.types import UNVERIFIED, Detector
from forenbench.weights import Checkpoint, Weights

from .attributes import asks_network, problem, refuse_network
from .installed import Plugin, find
from .loaded import LoadedDetector
from .own import OwnDetector
from .prefixed import find_loader


@dataclass(frozen=True, slots=True)
class Exact:
    """A request for one variant, file or object: what makes its detectors, and the checkpoints they read."""

    request: str | OwnDetector
    makers: Sequence[Callable[[], LoadedDetector]]
    needs: Sequence[Checkpoint] = ()


def resolve(request: str | OwnDetector, weights: Weights) -> list[Exact]:
    """Say what makes the detectors that a request means."""
    if isinstance(request, OwnDetector):
        return [Exact(request, [partial(_make, request, request, None, weights, request.code)])]
    if loader := find_loader(request):
        return [Exact(request, [partial(_make, request, loader, request, weights)])]
    if request.endswith(".py") or "/" in request:
        file = read_plugin(request, "detector", "'bench new detector NAME' writes one")
        module = file.run("detector")
        # What the file imports is there by name as well; only what it defines is meant.
        classes: Iterator[Any] = filter(inspect.isclass, vars(module).values())
        defined = (one for one in classes if one.__module__ == module.__name__ and hasattr(one, "score"))
        makers = [partial(_make, request, plugin, None, weights, file.sha256) for plugin in defined]
        if not makers:
            raise BenchError(f"'{request}' defines no detector: no class in it has a 'score' method")
        return [Exact(request, makers)]
    found = find(request.partition("@")[0].partition(":")[0])
    variants, kind = found.read(request, weights.kind)
    if not found.has_variants:
        return [Exact(found.name, [partial(_make, found.name, found.plugin, None, weights)])]
    name, weights = found.name, replace(weights, kind=kind)  # what is shared, and recorded, stays common
    exact = []
    for chosen in variants:
        named = f"{name}:{chosen}@{weights.kind}"
        make = partial(_make, named, found.plugin, chosen, weights)
        exact.append(Exact(named, [make], found.needs(chosen)))
    return exact


def _make(
    request: str | OwnDetector,
    plugin: Callable[..., Detector],
    variant: str | None,
    weights: Weights,
    code: str = "",
) -> LoadedDetector:
    """Construct one detector and note which weights files it read."""
    what = getattr(plugin, "__name__", repr(plugin))
    # Before it is made, for that may send something already; and of a function that makes it, after.
    refuse_network(plugin.given if isinstance(plugin, OwnDetector) else plugin, what, weights.allow_network)
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
    refuse_network(detector, what, weights.allow_network)
    # One name alone is a list of one, and not of its letters.
    trained_on: str | Sequence[str] = getattr(detector, "trained_on", ())
    stated = (trained_on,) if isinstance(trained_on, str) else tuple(trained_on)
    # What readers of its rows must know of how they were made.
    remarks = [*weights.remarks(used)]
    holder = getattr(detector, "encoder", None)
    if getattr(detector if holder is None else holder, "prepare_bytes", None) is not None:
        remarks.append(
            f"{detector.name} got files as they are, metadata included, but the pixels as PNG where a "
            "perturbation changes images, or a protocol any of a test set"
        )
    if asks_network(detector):
        remarks.append(
            f"{detector.name} asked a service over the network, which may answer otherwise another day"
        )
    word, sizes = weights.whose(used), weights.sizes(used)
    loaded = LoadedDetector(
        detector, word, dict(used), code, variant or "", stated, tuple(remarks), request, sizes
    )
    if loaded.is_replaced:  # what may be the published file keeps its stars: to lose them would flatter it
        known = stated if word == UNVERIFIED else ()
        return replace(loaded, trained_on=weights.trained_on or known)
    return loaded
