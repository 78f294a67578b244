"""Black borders: what a detector that cuts a square from the middle sees around a smaller picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from forenbench.data.inventory import FileFacts
from forenbench.printable import readable
from forenbench.types import Detector, TestSet

from .calls import prepare_of


def borders(testset: TestSet, facts: Mapping[str, FileFacts], detectors: Sequence[Detector]) -> Iterator[str]:
    """Say, for each size of crop, how much of the detectors' inputs is black border.

    Args:
        testset: Files of it that are no images are left out.
        facts: Of its files, by path.
        detectors: Those count that state a crop and no resize (see `forenbench.types.Detector`).
    """
    crops: dict[int, list[str]] = {}
    for detector in detectors:
        # A `prepare` need not state how it cuts; of one that does not, nothing is said.
        crop, resize = (getattr(prepare_of(detector), name, None) for name in ("crop", "resize"))
        if isinstance(crop, int) and crop > 0 and resize is None:
            crops.setdefault(crop, []).append(detector.name)
    files = [facts[sample.path] for sample in testset.samples]
    sizes = [(fact.width, fact.height) for fact in files if fact.format]  # without one, it is no image
    for crop, names in crops.items():
        seen = [min(w, crop) * min(h, crop) for w, h in sizes if min(w, h) < crop]
        if seen:
            black = 100 * (1 - sum(seen) / (len(seen) * crop**2))
            share = f"{black:.0f} %" if black >= 1 else "less than 1 %"
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            yield (
                f"test set '{readable(testset.name)}': {len(seen)} of {len(sizes)} images are smaller "
                f"than the crop of {crop} pixels that {names[0]}{more} sees: {share} of these inputs is "
                "black border"
            )
