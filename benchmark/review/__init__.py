"""What a reviewer asks of stored results before they join others: each check, with what it found.

Digests tell damage, not intent: whoever makes rows can seal them. So everything that can be computed again
is, and what cannot be looked at here (images that are not at hand) is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forenbench.records.leakage import Contents
from forenbench.records.store import Store

from .of_images import testsets
from .of_rows import cells, copies, grid, scores
from .of_tables import tables
from .of_weights import weights
from .result import ReviewResult as ReviewResult


def review(store: Store, beside: Sequence[Store], contents: Contents) -> Iterator[ReviewResult]:
    """Check a run folder.

    Args:
        store: The run.
        beside: Other runs, among which its rows should be found nowhere under another name.
        contents: Of its datasets, as far as they are at hand.
    """
    sound = cells(store)
    yield sound
    if sound.problem:  # nothing can be made of rows that are not what was written
        return
    yield from testsets(store, beside, contents)
    yield grid(store)
    yield scores(store)
    yield weights(store)
    yield tables(store)
    yield copies(store, beside)
