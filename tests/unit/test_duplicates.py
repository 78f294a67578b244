"""Twins: all pairs that brute force finds, and counts done by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forenbench.audit import duplicates
from forenbench.audit.duplicates import TRAINING, close_pairs
from forenbench.errors import BenchError


def scattered(number: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Random hashes, and beside each one hashes that differ from it in 1 to 20 bits."""
    rng = np.random.RandomState(7)
    centres = rng.randint(0, 2**63, number, dtype=np.uint64)
    near = [
        centre ^ np.bitwise_or.reduce(np.uint64(1) << rng.choice(64, bits, False).astype(np.uint64))
        for centre in centres
        for bits in range(1, 21)
    ]
    return np.unique(np.concatenate([centres, np.array(near, np.uint64)]))


@pytest.mark.parametrize("distance", range(17))
def test_close_pairs_are_those_of_brute_force(distance: int) -> None:
    hashes = scattered(20)
    bits = np.unpackbits(hashes[:, None].view(np.uint8), axis=1).astype(int)
    apart = (bits[:, None] != bits[None]).sum(axis=2)
    expected = {(i, j) for i, j in np.argwhere(apart <= distance).tolist() if i < j}
    found = list(zip(*(places.tolist() for places in close_pairs(hashes, distance)), strict=True))
    assert set(found) == expected
    assert len(found) == len(expected)


def files(*lines: tuple[int, str, int]) -> pd.DataFrame:
    """Make files of (label, content, hash); the content "?" is a broken file's, "" that of an absent one.

    Bit 63 is set in all hashes, for 0 is none.
    """
    frame = pd.DataFrame(lines, columns=["label", "sha256", "looks"]).astype({"looks": "uint64"})
    frame["looks"] |= np.uint64(1 << 63)
    frame["problem"] = ["broken" if content in ("?", "") else "" for content in frame["sha256"]]
    return frame.assign(dataset="d", path=[f"{at}" for at in range(len(frame))])


def counted(found: duplicates.Duplicates) -> dict[tuple[str, str], tuple[int, int, int]]:
    return {
        (row.label, row.kind): (row.same_label, row.other_label, row.training)
        for row in found.counts.itertuples()
    }


def test_twins_are_counted_by_where_they_are() -> None:
    found = duplicates.find(
        files(
            (0, "a", 0),
            (0, "a", 0),
            (0, "b", 0b11),  # near a
            (1, "a", 0),  # the bytes of a, under the other label
            (1, "c", 1 << 40 | 0xFFFF << 20),
            (TRAINING, "c", 1 << 40 | 0xFFFF << 20),
            (TRAINING, "d", 0xFFFF << 20),  # near c
        ),
        distance=2,
    )
    assert counted(found) == {
        ("real", "exact"): (2, 2, 0),
        ("fake", "exact"): (0, 1, 1),
        ("real", "near"): (3, 1, 0),
        ("fake", "near"): (0, 1, 1),
    }


def test_groups_name_their_files() -> None:
    found = duplicates.find(files((0, "a", 0), (1, "b", 1), (1, "b", 1), (0, "z", 2**60 - 1)), distance=1)
    groups = found.members.groupby(["kind", "group"])[["label", "path"]].agg(list)
    assert groups.loc[("exact", 0)].to_dict() == {"label": ["fake", "fake"], "path": ["1", "2"]}
    assert groups.loc[("near", 0)].to_dict() == {"label": ["real", "fake", "fake"], "path": ["0", "1", "2"]}
    assert len(groups) == 2


def test_pictures_farther_apart_than_asked_are_no_twins() -> None:
    two = files((0, "a", 0), (1, "b", 0b111))
    assert duplicates.find(two, distance=2).members.empty
    assert len(duplicates.find(two, distance=3).members) == 2


def test_training_files_alone_are_not_listed() -> None:
    found = duplicates.find(files((TRAINING, "a", 0), (TRAINING, "a", 0), (TRAINING, "b", 1)), distance=4)
    assert found.members.empty


def test_broken_files_have_exact_twins_only_and_absent_ones_none() -> None:
    found = duplicates.find(files((0, "?", 0), (1, "?", 0), (0, "", 0), (1, "", 0), (1, "x", 1)), distance=4)
    assert counted(found)["real", "exact"] == (0, 1, 0)
    assert counted(found)["fake", "exact"] == (0, 1, 0)
    assert counted(found)["real", "near"] == counted(found)["fake", "near"] == (0, 0, 0)


def test_flat_pictures_are_not_all_alike() -> None:
    flat = files((0, "white", 0), (1, "black", 0), (1, "black", 0)).assign(looks=np.zeros(3, np.uint64))
    found = counted(duplicates.find(flat, distance=4))
    assert found["real", "near"] == found["fake", "near"] == (0, 0, 0)
    assert found["fake", "exact"] == (2, 0, 0)


def test_nothing_but_absent_files() -> None:
    assert duplicates.find(files((0, "", 0)), distance=4).counts["same_label"].sum() == 0


def test_a_distance_out_of_range_is_refused() -> None:
    with pytest.raises(BenchError, match="distance 17 is not from 0 to 16"):
        duplicates.find(files((0, "a", 0)), distance=17)


def test_many_equal_hashes_take_no_pairs() -> None:
    many = files(*((at % 2, f"{at}", 5) for at in range(20_000)))
    assert counted(duplicates.find(many, distance=4))["real", "near"] == (10_000, 10_000, 0)
