"""Black borders: what a detector that cuts a square from the middle sees around a smaller picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forenbench.data.dataset import Dataset
from forenbench.data.set_notes import SetNote, by_words
from forenbench.types import Detector

from .calls import prepare_of


def borders(dataset: Dataset, detectors: Sequence[Detector]) -> Iterator[str]:
    """Say, for each size of crop, how much of the detectors' inputs is black border.

    Args:
        dataset: Files of it that are no images are left out.
        detectors: Those count that state a crop and no resize (see `forenbench.types.Detector`).
    """
    crops: dict[int, list[str]] = {}
    for detector in detectors:
        # A `prepare` need not state how it cuts; of one that does not, nothing is said.
        crop, resize = (getattr(prepare_of(detector), name, None) for name in ("crop", "resize"))
        if isinstance(crop, int) and crop > 0 and resize is None:
            crops.setdefault(crop, []).append(detector.name)
    notes = []
    for testset in dataset.testsets:
        files = [dataset.facts[sample.path] for sample in testset.samples]
        sizes = [(fact.width, fact.height) for fact in files if fact.format]  # without one, it is no image
        for crop, names in crops.items():
            seen = [min(w, crop) * min(h, crop) for w, h in sizes if min(w, h) < crop]
            if not seen:
                continue
            black = 100 * (1 - sum(seen) / (len(seen) * crop**2))
            share = f"{black:.0f} %" if black >= 1 else "less than 1 %"
            who = f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]
            words = (
                f"images are smaller than the crop of {crop} pixels that {who} sees, with black border around"
            )
            particular = f"{len(seen)} of {len(sizes)} images: {share} of these inputs"
            notes.append(SetNote(testset.name, words, particular))
    return by_words(notes)
