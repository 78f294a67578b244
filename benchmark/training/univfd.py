"""UnivFD's linear probe: on features of augmented images, or on features that are computed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .examples import Examples
from .feature_bank import Encoding, encode_together, feature_of
from .initial import new_head
from .learners import Learner, as_they_are, univfd_end_to_end, univfd_probe
from .session import Running

if TYPE_CHECKING:
    from .request import TrainingData, TrainingRequest

ONCE = "computed once: centre crop, no augmentation"


def probe(
    request: TrainingRequest, encoding: Encoding, data: TrainingData, kind: str, run: Running
) -> tuple[Callable[[], TrainingData], Learner]:
    """Return what makes the linear layer's inputs, and the learner that is trained on them.

    Args:
        request: What is asked.
        encoding: The backbone.
        data: The images.
        kind: "end-to-end": the backbone is trained, too; "off": nothing is drawn at random, so that features
            are computed once, onto the disk; anything else: features of images augmented anew in each epoch.
        run: Who trains.
    """
    facts: dict[str, Any] = {"checkpoints": dict(encoding.checkpoints), "trained": "head"}
    if kind == "end-to-end":
        facts["trained"] = "backbone and head"
        return lambda: data, univfd_end_to_end(run.recipe, encoding.encoder, request.seed, facts)
    # Frozen features of augmented images are other ones in each epoch: there is nothing to keep.
    if kind != "off":
        return lambda: data, univfd_probe(run.recipe, encoding.encoder, request.seed, facts)
    # As examples of their own, rows of features go through
    # the same loop as images, with its order and its state.
    head = new_head(encoding.encoder.width, run.recipe, request.seed)
    learner = Learner(head, feature_of, feature_of, as_they_are, facts={**facts, "features": ONCE})

    def cached() -> TrainingData:
        folder, others = request.folder / "features", data.validation
        validation = others and _cached(folder / "validation", encoding, others, run)
        train = _cached(folder / "train", encoding, data.train, run)
        return replace(data, train=train, validation=validation)

    return cached, learner


def _cached(folder: Path, encoding: Encoding, examples: Examples, run: Running) -> Examples:
    """Encode the images, together with the other processes, and return the rows as examples."""
    shards = encode_together(folder, encoding, examples, run.processes, run.advance)
    items = [replace(item, source=shards, path=str(place)) for place, item in enumerate(examples.items)]
    return replace(examples, items=tuple(items))
