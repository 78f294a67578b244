"""Foreign scores beside datasets: whose images they are is never guessed."""

from __future__ import annotations

import gc
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from stored_cells import PERFECT, add

from forenbench.data.dataset import Dataset
from forenbench.errors import BenchError
from forenbench.front.bars import Quiet
from forenbench.front.importing import ScoreImport
from forenbench.imports.cells import store_scores
from forenbench.imports.matching import Import, beside, by_itself
from forenbench.imports.score_file import ForeignScores, Reading, read_scores
from forenbench.records.store import Store
from forenbench.testing import MemorySource
from forenbench.types import Sample, TestSet


def dataset(name: str, testsets: dict[str, list[str]]) -> Dataset:
    """Test sets by name, each with the paths of its samples; those with an f in their name are fake."""
    made = tuple(
        TestSet(
            name, one, tuple(Sample(path, int("f" in path)) for path in paths), MemorySource([]), one, place
        )
        for place, (one, paths) in enumerate(testsets.items())
    )
    return Dataset(name, "published", made, {}, ())


def read(file: Path, reading: Reading) -> ForeignScores:
    (found,) = read_scores(file, [reading])
    return found


def scores(folder: Path, text: str) -> Path:
    file = folder / "scores.csv"
    file.write_text("path,score\n" + text)
    return file


def test_one_score_serves_a_real_image_in_every_test_set(tmp_path: Path) -> None:
    one = read(scores(tmp_path, "./r,0.25\nf1,0.5\nf2,0.75\n"), Reading())
    found = beside(one, [dataset("d", {"one": ["r", "f1"], "two": ["r", "f2"]})])
    assert [found.of(testset)["score"].to_pylist() for testset in found.testsets] == [
        [0.25, 0.5],
        [0.25, 0.75],
    ]


def test_an_image_without_a_score_has_failed(tmp_path: Path) -> None:
    found = beside(
        read(scores(tmp_path, "r,0.25\nf2,0.75\n"), Reading()), [dataset("d", {"t": ["r", "f1", "f2"]})]
    )
    rows = found.of(found.testsets[0])
    assert rows["status"].to_pylist() == ["ok", "failed", "ok"]
    assert rows["error"].to_pylist() == ["", "no score in scores.csv", ""]
    assert rows["score"].to_pylist()[::2] == [0.25, 0.75]


def test_rows_of_other_images_are_left_aside_of_a_part_of_a_dataset_alone(tmp_path: Path) -> None:
    part = [dataset("d", {"t": ["r", "f1"]})]
    one = read(scores(tmp_path, "r,0.25\nf1,0.5\nf2,0.75\n"), Reading())
    assert beside(one, part, some=True).notes == (
        "1 rows are of no image that was asked for: left aside, the first 'f2'",
    )
    with pytest.raises(BenchError, match=r"the dataset does not have: 1 \(f2\)"):
        beside(one, part)
    strange = read(scores(tmp_path, "x/r,0.25\nx/f1,0.5\n"), Reading())
    with pytest.raises(BenchError, match=r"the dataset does not have: 2 .*like 'r'; say which prefix"):
        beside(strange, part, some=True)


def test_fakes_that_name_no_generator_have_the_one_that_is_said_and_reals_none(tmp_path: Path) -> None:
    found = by_itself_of(tmp_path, "r,0,0.1,,\nf,1,0.9,,\ng,1,0.8,sdxl,\n")
    assert [testset.name for testset in found.testsets] == ["wild", "sdxl"]
    assert [[sample.path for sample in testset.samples] for testset in found.testsets] == [
        ["f", "r"],
        ["g", "r"],
    ]


def test_a_path_of_two_datasets_is_refused(tmp_path: Path) -> None:
    one = read(scores(tmp_path, "r,0.25\n"), Reading())
    with pytest.raises(BenchError, match="'r' is in d and e; import scores for one of them at a time"):
        beside(one, [dataset("d", {"one": ["r"]}), dataset("e", {"two": ["r"]})])


def test_another_tool_s_paths_of_borrowed_reals_are_those_that_they_have_at_home(tmp_path: Path) -> None:
    one = read(scores(tmp_path, "real/r,0.25\nf1,0.5\nf2,0.75\n"), Reading())
    lent = "photos:/real/r"
    both = [dataset("d", {"one": [lent, "f1"]}), dataset("e", {"two": [lent, "f2"]})]
    found = beside(one, both)
    assert [found.of(testset)["score"].to_pylist() for testset in found.testsets] == [
        [0.25, 0.5],
        [0.25, 0.75],
    ]


def test_cells_follow_those_that_are_there(tmp_path: Path) -> None:
    """A second detector comes after the first one, on the same test sets in the same order."""
    store = Store(tmp_path / "run")
    one = read(scores(tmp_path, "r,0.25\nf1,0.5\nf2,0.75\n"), Reading())
    found = beside(one, [dataset("d", {"b": ["r", "f1"], "a": ["r", "f2"]})])
    for name in ("z", "a"):
        assert store_scores({name: found}, store).computed == 2
    cells = [(record.cell.testset, record.cell.detector) for record in store.records()]
    assert cells == [("b", "z"), ("b", "a"), ("a", "z"), ("a", "a")]
    assert {record.identity.weights for record in store.records()} == {"foreign"}
    again = store_scores({"z": found}, store)
    assert (again.computed, again.present) == (0, 2)


def by_itself_of(folder: Path, text: str) -> Import:
    file = folder / "wild.csv"
    file.write_text("path,label,score,generator,real_source\n" + text)
    return by_itself(read(file, Reading()), "wild", "wild")


def test_sources_of_reals_in_the_generator_column_are_no_test_sets(tmp_path: Path) -> None:
    found = by_itself_of(tmp_path, "r,0,0.1,lsun,\nq,0,0.2,coco,flickr\nf,1,0.9,sdxl,\ng,1,0.8,dalle,\n")
    assert [testset.name for testset in found.testsets] == ["sdxl", "dalle"]
    for testset in found.testsets:
        reals = [sample for sample in testset.samples if sample.label == 0]
        assert [(sample.path, sample.real_source) for sample in reals] == [("q", "flickr"), ("r", "lsun")]
    assert "what real images have for a generator (lsun, coco) no generated image has" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "testsets"),
    [
        ("r,0,0.1,sdxl,\nq,0,0.1,dalle,\nf,1,0.9,sdxl,\ng,1,0.8,dalle,\n", ["sdxl", "dalle"]),
        ("r,0,0.1,lsun,\nq,0,0.1,sdxl,\nf,1,0.9,sdxl,\n", ["lsun", "sdxl"]),
        ("r,0,0.1,lsun,\nq,0,0.1,coco,\n", ["lsun", "coco"]),
    ],
    ids=["reals beside their fakes", "some beside theirs", "no fakes"],
)
def test_reals_stay_where_the_generator_column_has_them_otherwise(
    tmp_path: Path, text: str, testsets: list[str]
) -> None:
    found = by_itself_of(tmp_path, text)
    assert [testset.name for testset in found.testsets] == testsets
    assert not any("no generated image has" in note for note in found.notes)


def test_a_path_twice_in_one_test_set_is_refused(tmp_path: Path) -> None:
    found = by_itself_of(tmp_path, "r,0,0.1,,\nf,1,0.9,sdxl,\nf,1,0.8,dalle,\n")
    assert [found.of(testset)["score"].to_pylist()[0] for testset in found.testsets] == pytest.approx(
        [0.9, 0.8]
    )
    with pytest.raises(BenchError, match=r"lists more than once: 1 \(f\); keep one row each"):
        by_itself_of(tmp_path, "r,0,0.1,,\nf,1,0.9,sdxl,\nf,1,0.8,sdxl,\n")
    twice = read(scores(tmp_path, "r,0.25\nf1,0.5\n./f1,0.5\nf1,0.5\n"), Reading())
    with pytest.raises(BenchError, match=r"lists more than once: 1 \(f1\)"):
        beside(twice, [dataset("d", {"t": ["r", "f1"]})])


def test_a_name_of_a_detector_that_was_run_here_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "run")
    add(store, "b", "t", PERFECT, dataset="d")
    found = beside(read(scores(tmp_path, "r,0.25\nf1,0.5\n"), Reading()), [dataset("d", {"t": ["r", "f1"]})])
    with pytest.raises(BenchError, match="holds scores of b on d/t that were run, not imported"):
        store_scores({"a": found, "b": found}, store)
    assert [record.cell.detector for record in store.records()] == ["b"]


def test_a_damaged_cell_is_named_and_imported_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "run")
    found = beside(read(scores(tmp_path, "r,0.25\nf1,0.5\n"), Reading()), [dataset("d", {"t": ["r", "f1"]})])
    store_scores({"a": found}, store)
    for file in sorted(store.root.glob("scores/d/t/none/a.*")):
        file.write_bytes(file.read_bytes()[:-9])
        again = store_scores({"a": found}, store)
        assert again.computed == 1
        assert "is damaged" in again.notes[0]
        assert store_scores({"a": found}, store).notes == []


@pytest.mark.parametrize(
    ("second", "outcome"), [("f", nullcontext()), ("r", pytest.raises(BenchError, match="keep one row each"))]
)
def test_garbage_is_looked_for_again_after_an_import(
    tmp_path: Path, second: str, outcome: AbstractContextManager[object]
) -> None:
    file, seen = tmp_path / "scores.csv", list[bool]()
    file.write_text(f"path,label,score\nr,0,0.25\n{second},1,0.5\n")

    class Listening(Quiet):
        def say(self, message: str, style: str = "") -> None:
            seen.append(gc.isenabled())

    with outcome:
        ScoreImport(file=file, detectors={"it": "score"}, out=tmp_path / "run").carry_out(Listening())
    assert gc.isenabled()
    assert set(seen) == {False}
