"""Which cells rest on generators or reals that a detector has seen in training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from forenbench.data.release_dates import one_name

from .cell_frame import DETECTOR, as_dicts, in_order

if TYPE_CHECKING:
    import pandas as pd


def seen_in_training(trained_on: Iterable[str], testset: str, sources: Iterable[str]) -> list[str]:
    """List what of a test set, its own name or sources of its reals, a detector states it was trained on.

    Names are compared without case, spaces and punctuation, and a generator by all of its names (see
    `forenbench.data.release_dates.one_name`); one text may hold several, with commas.
    """
    # Both the whole text and its pieces: a name may have a comma in it, and a list may come as one text.
    known = {one_name(name) for text in trained_on for name in (text, *text.split(","))} - {""}
    found = [] if known.isdisjoint(_pieces(testset)) else [testset]
    for source in dict.fromkeys(sources):
        # Of a photographs' collection one part is as telling as the other: who has seen COCO's training
        # pictures knows the cameras of "coco-val2017".
        collections = [piece.partition("-")[0] for piece in source.split("/")]
        if source != testset and not known.isdisjoint({*_pieces(source), *map(one_name, collections)}):
            found.append(source)
    return found


def _pieces(name: str) -> set[str]:
    # Folders of reals, and reals that are another dataset's, are named from the top: "coco-val2017/coco"; the
    # hub's models by their owner: "CompVis@stable-diffusion-v1-4".
    return {one_name(piece) for piece in (name, *name.split("/"), name.partition("@")[2])}


def remark(cells: pd.DataFrame, sign: str) -> Iterator[str]:
    """Say what was seen in training and by which detectors, and of which detectors nobody says it."""
    users: dict[str, dict[str, None]] = {}
    for cell in as_dicts(cells, ["testset", "known", "detector"]):
        testset, known = cell["testset"], cell["known"]
        if known:
            what = testset if testset in known else f"{testset} (reals: {', '.join(known)})"
            users.setdefault(what, {})[cell["detector"]] = None
    if users:
        listed = "; ".join(f"{what} by {', '.join(detectors)}" for what, detectors in users.items())
        yield f"{sign} generator or reals seen in training, as the detectors state: {listed}."
    # Weights that nobody published may have seen anything: the absence of a sign would promise too much.
    flags = in_order(cells, [*DETECTOR, "unstated"])
    whose = ", ".join(f"{detector} ({weights})" for detector, weights, unstated in flags if unstated)
    if whose:
        yield (
            f"Not known what these weights have seen in training, so that nothing of theirs has a {sign}: "
            f"{whose} ('bench run' with --trained-on NAME,… states it)."
        )
