"""One stream of standard normal numbers, which all formula weights begin to read at its start.

A network of 300 million weights takes ten seconds to draw. All draw from one generator with one seed, so that
the processes of a test run share what any of them has drawn.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

SEED = 1234
CHUNK = 1 << 24
"""Numbers a file: 128 MB."""
_KEPT = 20
"""Files that are kept at most; what comes after them is drawn by each process for itself."""

_PIECE = 1 << 16
"""Numbers that are drawn at once: more would come in memory of their own, which takes longer than a file."""

Chunk = NDArray[np.float64]


folder: Path | None = None
"""Where the processes of a test run find what others have drawn; None: nowhere."""


class Stream:
    """The numbers from the first on, as RandomState(SEED).randn gives them one after the other."""

    def __init__(self) -> None:
        self._chunks = _drawn() if folder is None else _shared(folder)
        self._left: Chunk = np.empty(0)

    def randn(self, *shape: int) -> Chunk:
        """Return the next numbers."""
        pieces, wanted = [], prod(shape)
        while wanted > len(self._left):
            pieces.append(self._left)
            wanted -= len(self._left)
            self._left = next(self._chunks)
        pieces.append(self._left[:wanted])
        self._left = self._left[wanted:]
        # what lies in one file is looked at there: copies would be 2.4 GB of a network of 300 million weights
        joined = np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
        return joined.reshape(shape)


def _drawn(state: dict[str, Any] | None = None) -> Iterator[Chunk]:
    """Draw small pieces: most networks that nobody shares are tiny."""
    random = np.random.RandomState(SEED)
    if state is not None:
        random.set_state(state)
    while True:
        yield random.randn(_PIECE)


def _shared(folder: Path) -> Iterator[Chunk]:
    """Map one file after the other, and draw it if it is not there."""
    after: dict[str, Any] | None = None
    for number in range(_KEPT):
        path = folder / f"normals-{number}.float64"
        # the generator's state after each, for the numbers alone do not say how it goes on
        state = path.with_suffix(".state")
        with FileLock(path.with_suffix(".lock")):
            if not state.exists():
                random = np.random.RandomState(SEED)
                if after is not None:
                    random.set_state(after)
                with path.open("wb", buffering=0) as file:
                    for _ in range(CHUNK // _PIECE):
                        file.write(random.randn(_PIECE).data)
                state.write_bytes(pickle.dumps(random.get_state(legacy=False)))
        after = pickle.loads(state.read_bytes())
        yield np.memmap(path, np.float64, "r")
    yield from _drawn(after)
