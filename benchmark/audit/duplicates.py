"""Files with the same bytes, and pictures that look alike, within labels, across them and in training data.

Pictures look alike where their 64-bit perceptual hashes differ in few bits. All such pairs are found by
multi-index hashing (Norouzi et al., CVPR 2012; faiss's `IndexBinaryMultiHash`), never by comparing all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from forenbench.errors import BenchError
from forenbench.types import FAKE, REAL

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]

BITS = 64
MAX_DISTANCE = 16
TRAINING = 2
"""Stands where a label does, for files of training data."""

_AT_ONCE = 1 << 14
_LONGEST_PART = 32


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What is there more than once.

    Attributes:
        counts: One row for each of real, fake × exact, near: ``label``, ``kind``, and of the files of this
            label how many have a twin with the ``same_label``, the ``other_label``, or in ``training``. An
            exact twin has the same bytes; a near one looks alike and has other bytes.
        members: Every file with a twin, and the training files among these twins: ``kind``, ``group`` (a
            number; groups of near twins are chains, in which the ends may look less alike), ``label`` (real,
            fake or training), ``dataset``, ``path``.
    """

    counts: pd.DataFrame
    members: pd.DataFrame


def find(files: pd.DataFrame, distance: int) -> Duplicates:
    """Find twins among files.

    Args:
        files: One row a file: ``dataset``, ``path``, ``label`` (0, 1 or `TRAINING`), ``sha256``, ``looks``
            and ``problem`` (see `forenbench.audit.traits.Traits`). Broken files and flat pictures have exact
            twins only; files that cannot be read have none.
        distance: Bits, at most `MAX_DISTANCE`, in which pictures that look alike may differ.

    Raises:
        BenchError: The distance is out of range.
    """
    import pandas as pd
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not 0 <= distance <= MAX_DISTANCE:
        raise BenchError(f"distance {distance} is not from 0 to {MAX_DISTANCE} (bits of {BITS})")
    files = files[files["sha256"] != ""].reset_index(drop=True)
    content = pd.factorize(files["sha256"])[0]
    exact = _tally(content, files["label"].to_numpy())[content]
    # The hash of a flat picture is noise (0 stands for it): all skies would be twins.
    whole = np.flatnonzero((files["problem"] == "") & (files["looks"] != 0))
    near, chain = np.zeros_like(exact), np.full(len(files), -1)
    if len(whole):
        # Distinct hashes only: a thousand copies of one picture would be half a million pairs.
        looks, which = np.unique(files["looks"].to_numpy(np.uint64)[whole], return_inverse=True)
        pairs = close_pairs(looks, distance)
        own = _tally(which, files["label"].to_numpy()[whole])
        alike = own.copy()
        for here, there in (pairs, pairs[::-1]):
            np.add.at(alike, here, own[there])
        near[whole] = alike[which] - exact[whole]
        links = coo_array((np.ones(len(pairs[0]), bool), pairs), shape=(len(looks), len(looks)))
        chain[whole] = connected_components(links, directed=False)[1][which]
    # A file is no twin of itself. Only now, for what is alike held it, too.
    exact[np.arange(len(files)), files["label"]] -= 1
    counts = []
    for kind, twins in (("exact", exact), ("near", near)):
        for label, name in ((REAL, "real"), (FAKE, "fake")):
            has_twin = twins[files["label"] == label] > 0
            same, other, training = (int(has_twin[:, at].sum()) for at in (label, 1 - label, TRAINING))
            counts.append((name, kind, same, other, training))
    members = [_members(files, "exact", content, exact), _members(files, "near", chain, near)]
    return Duplicates(
        pd.DataFrame(counts, columns=["label", "kind", "same_label", "other_label", "training"]),
        pd.concat(members, ignore_index=True),
    )


def close_pairs(hashes: Hashes, distance: int) -> Pairs:
    """List all pairs of distinct 64-bit hashes that differ in at most some bits.

    Hashes are cut into parts so many that two close ones agree in one part but for at most one bit.

    Args:
        hashes: (n,), distinct.
        distance: Bits.

    Returns:
        Indices i and j of each pair, i < j.
    """
    import faiss

    # Two hashes that differ in d bits, cut into d // 2 + 1 parts, differ by at most one bit in one of them:
    # with one flip allowed the index finds them all. Few, long parts have fewer chance matches than many.
    codes = hashes.astype(">u8").view(np.uint8).reshape(-1, BITS // 8)
    parts = distance // 2 + 1
    index = faiss.IndexBinaryMultiHash(BITS, parts, min(_LONGEST_PART, BITS // parts))
    index.nflip = 1
    index.add(codes)
    found = []
    for start in range(0, len(codes), _AT_ONCE):
        # faiss takes the radius as exclusive: "< distance + 1".
        limits, _, others = index.range_search(codes[start : start + _AT_ONCE], distance + 1)
        # faiss gives limits as uint64, which np.repeat does not take.
        numbers = limits[1:].astype(np.int64) - limits[:-1].astype(np.int64)
        here = np.repeat(np.arange(len(numbers)) + start, numbers)
        found.append(np.stack([here, others])[:, here < others])
    first, second = np.concatenate(found, axis=1)
    return first, second


def _tally(group: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the files of each group by label: (groups, 3)."""
    counts = np.zeros((group.max(initial=-1) + 1, 3), np.int64)
    np.add.at(counts, (group, labels), 1)
    return counts


def _members(
    files: pd.DataFrame, kind: str, group: NDArray[np.int64], twins: NDArray[np.int64]
) -> pd.DataFrame:
    """List the files of groups in which somebody that is no training file has a twin."""
    import pandas as pd

    has_twin = twins.any(axis=1)
    concerned = np.unique(group[has_twin & (files["label"].to_numpy() != TRAINING)])
    kept = has_twin & np.isin(group, concerned)
    found = files.loc[kept, ["label", "dataset", "path"]]
    found["label"] = found["label"].map({REAL: "real", FAKE: "fake", TRAINING: "training"})
    found.insert(0, "group", pd.factorize(group[kept])[0])
    found.insert(0, "kind", kind)
    return found.sort_values("group", kind="stable")
