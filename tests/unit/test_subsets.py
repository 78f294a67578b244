"""Subsets and splits as data: which files count, what their protocol is called, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

import pytest

from forenbench.data import requests, subsets
from forenbench.data.catalogue import open_dataset
from forenbench.data.dataset import Dataset
from forenbench.data.descriptions import parse, specs
from forenbench.errors import BenchError
from forenbench.front.arguments import ImageChoice, RunChoice
from forenbench.testing import tiny_image, write_tiny_dataset

Described: TypeAlias = Callable[..., Dataset]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two generators with five reals and five fakes each, below ``tiny``."""
    write_tiny_dataset(tmp_path / "tiny", images=5)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def described(here: Path, monkeypatch: pytest.MonkeyPatch) -> Described:
    """Open ``tiny`` by a description with these further keys."""

    def described(lists: str = "", **more: object) -> Dataset:
        monkeypatch.setattr(subsets, "files", lambda package: here)
        (here / "listed.csv").write_text(lists)
        spec = parse("tiny", {"description": "d", "licence": "l", "folder": "tiny", **more})
        monkeypatch.setattr(requests, "specs", lambda: {**specs(), "tiny": spec})
        (dataset,) = open_dataset("tiny", data_root=here)
        return dataset

    return described


def paths(dataset: Dataset) -> list[str]:
    return [one.path for one in dataset.testsets[0].samples]


@pytest.mark.parametrize(
    ("subset", "numbers", "protocol"),
    [
        ({"first": 2}, "01", "all, first 2"),
        ({"every": 2}, "024", "all, every 2"),
        ({"every": 2, "first": 2}, "02", "all, first 2, every 2"),
        ({"first": 9}, "01234", "all, first 9"),
        ({}, "01234", "all"),
    ],
)
def test_a_description_takes_the_first_or_every_of_each_test_set_and_label(
    described: Described, subset: dict[str, int], numbers: str, protocol: str
) -> None:
    dataset = described(subset=subset)
    expected = [f"alpha/{label}/{at}.png" for label in ("0_real", "1_fake") for at in numbers]
    assert paths(dataset) == expected
    assert [testset.protocol for testset in dataset.testsets] == [protocol] * 2


def test_a_description_s_list_says_which_files_count(described: Described) -> None:
    lists = "filename,typ\nalpha/1_fake/3.png,dalle2\nalpha/0_real/1.png,real\nbeta/1_fake/0.png,x\n"
    dataset = described(lists, subset={"list": "listed.csv"})
    assert paths(dataset) == ["alpha/0_real/1.png", "alpha/1_fake/3.png"]
    assert dataset.testsets[0].protocol == "all, list listed.csv"
    assert "list 'listed.csv': 3 of 20 files count" in dataset.notes


@pytest.mark.parametrize("subset", [{"first": 0}, {"every": "2"}, {"first": True}, {"last": 3}])
def test_a_subset_that_cannot_be_one_is_refused(described: Described, subset: dict[str, object]) -> None:
    with pytest.raises(BenchError, match=r"datasets/tiny.toml: subset"):
        described(subset=subset)


def listed(file: Path, text: str) -> Dataset:
    file.write_text(text)
    (dataset,) = open_dataset("tiny", data_root=Path(), listed=file)
    return dataset


def test_files_of_a_list_alone_count_and_those_that_lack_are_said(here: Path) -> None:
    dataset = listed(here / "some.csv", "path\nalpha\\1_fake\\0.png\nalpha/0_real/4.png\ngone.png\n")
    assert paths(dataset) == ["alpha/0_real/4.png", "alpha/1_fake/0.png"]
    assert [testset.name for testset in dataset.testsets] == ["alpha"]
    assert dataset.testsets[0].protocol == "all, list some.csv"
    assert "list 'some.csv': 1 are not there, the first 'gone.png'" in dataset.notes


def test_a_file_that_is_not_what_the_list_says_is_refused(here: Path) -> None:
    digest = sha256((here / "tiny/alpha/1_fake/0.png").read_bytes()).hexdigest()
    text = f"path,sha256\nalpha/1_fake/0.png,{digest.upper()}\nalpha/0_real/0.png,\n"
    assert len(paths(listed(here / "some.csv", text))) == 2
    tiny_image(77).save(here / "tiny/alpha/1_fake/0.png")
    with pytest.raises(BenchError, match=r"'alpha/1_fake/0.png' is not what its manifest or list says"):
        listed(here / "some.csv", text)


def test_a_list_that_lists_nothing_says_what_the_paths_are_like(here: Path) -> None:
    with pytest.raises(BenchError, match=r"the first 'x/0.png'; the dataset's are like 'alpha/0_real/0.png'"):
        listed(here / "some.csv", "path\nx/0.png\n")
    with pytest.raises(BenchError, match=r"row 1: there is no 'path' \(columns: name\)"):
        listed(here / "some.csv", "name\nx/0.png\n")


def test_rows_of_a_list_have_a_run_folder_of_their_own() -> None:
    assert RunChoice(listed="lists/some.csv").folder("tiny") == Path("results/runs/tiny-some")
    assert not ImageChoice(listed="some.csv").takes_all


def test_patterns_of_a_description_say_the_split_where_folders_do_not(described: Described) -> None:
    splits = {"train": ["*/*/9.png", "*/*/0.png"], "testing": ["**/4.png"]}
    dataset = described(splits=splits)
    assert paths(dataset) == [
        *(f"alpha/0_real/{at}.png" for at in (1, 2, 3, 4)),  # of no split, or of test
        *(f"alpha/1_fake/{at}.png" for at in (1, 2, 3, 4)),
    ]
    with pytest.raises(BenchError, match=r"tiny.toml: splits: 'holdout' is none of test, val, train"):
        described(splits={"holdout": ["*"]})
    with pytest.raises(BenchError, match=r"tiny.toml: splits: pattern 'a/' ends with a slash"):
        described(splits={"val": ["a/"]})
