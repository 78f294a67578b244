"""Foreign scores beside datasets: whose images they are is never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from forenbench.catalogue import Dataset
from forenbench.foreign import Reading, read_scores
from forenbench.importing import beside, store_scores
from forenbench.store import Store
from forenbench.testing import Images
from forenbench.types import BenchError, Sample, TestSet


def dataset(name: str, testsets: dict[str, list[str]]) -> Dataset:
    """Test sets by name, each with the paths of its samples; those with an f in their name are fake."""
    made = tuple(
        TestSet(name, one, tuple(Sample(path, int("f" in path)) for path in paths), Images([]), one, place)
        for place, (one, paths) in enumerate(testsets.items())
    )
    return Dataset(name, "published", made, {}, ())


def scores(folder: Path, text: str) -> Path:
    file = folder / "scores.csv"
    file.write_text("path,score\n" + text)
    return file


def test_one_score_serves_a_real_image_in_every_test_set(tmp_path: Path) -> None:
    read = read_scores(scores(tmp_path, "./r,0.25\nf1,0.5\nf2,0.75\n"), Reading())
    found = beside(read, [dataset("d", {"one": ["r", "f1"], "two": ["r", "f2"]})])
    assert [[one.score for one in found.of(testset)] for testset in found.testsets] == [
        [0.25, 0.5],
        [0.25, 0.75],
    ]


def test_a_path_of_two_datasets_is_refused(tmp_path: Path) -> None:
    read = read_scores(scores(tmp_path, "r,0.25\n"), Reading())
    with pytest.raises(BenchError, match="'r' is in d and e; import scores for one of them at a time"):
        beside(read, [dataset("d", {"one": ["r"]}), dataset("e", {"two": ["r"]})])


def test_cells_follow_those_that_are_there(tmp_path: Path) -> None:
    """A second detector comes after the first one, on the same test sets in the same order."""
    store = Store(tmp_path / "run")
    read = read_scores(scores(tmp_path, "r,0.25\nf1,0.5\nf2,0.75\n"), Reading())
    found = beside(read, [dataset("d", {"b": ["r", "f1"], "a": ["r", "f2"]})])
    for name in ("z", "a"):
        assert store_scores(name, found, Reading(), store).computed == 2
    cells = [(record["cell"]["testset"], record["cell"]["detector"]) for record in store.records()]
    assert cells == [("b", "z"), ("b", "a"), ("a", "z"), ("a", "a")]
    assert {record["identity"]["kind"] for record in store.records()} == {"foreign"}
    again = store_scores("z", found, Reading(), store)
    assert (again.computed, again.present) == (0, 2)
