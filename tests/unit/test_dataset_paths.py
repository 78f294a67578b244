"""The datasets behind records are found again, from whatever folder somebody asks."""

from __future__ import annotations

from pathlib import Path

import pytest
from stored_cells import record

from forenbench.data.catalogue import open_dataset
from forenbench.data.descriptions import specs
from forenbench.data.finding import find_files
from forenbench.records.dataset_paths import DATA_ROOT, find_datasets
from forenbench.testing import write_tiny_dataset
from forenbench.types import Whereabouts


def opened_as(request: str, data_root: Path = DATA_ROOT) -> Whereabouts:
    """Open a dataset, and return what a record keeps of where it was."""
    (dataset,) = open_dataset(request, data_root=data_root)
    return dataset.testsets[0].found


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_tiny_dataset(tmp_path / "here/tiny")
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here/tiny"


def test_a_relative_path_is_found_from_another_folder(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = opened_as("tiny")
    monkeypatch.chdir(tiny.parents[1] / "there")
    one = find_datasets([record("tiny", found=found)], [], DATA_ROOT)["tiny"]
    assert one.spec.name == "tiny"
    source, findings = find_files(*one)
    assert source.read(findings.samples[0].path)


def test_an_alias_of_a_folder_is_found_by_the_name_that_tables_use(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tiny.parent / "alias").symlink_to(tiny)
    found = opened_as("alias")
    monkeypatch.chdir(tiny.parents[1] / "there")
    assert find_files(*find_datasets([record("tiny", found=found)], [], DATA_ROOT)["tiny"])[1].samples


def test_a_described_dataset_is_found_below_the_data_root_of_its_run(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = specs()["forensynths"].folder
    write_tiny_dataset(tiny.parent / "mine" / folder, ["progan"])
    found = opened_as("forensynths", Path("mine"))
    monkeypatch.chdir(tiny.parents[1] / "there")
    asked = [record("forensynths", found=found)]
    assert find_files(*find_datasets(asked, [], DATA_ROOT)["forensynths"])[1].samples
    assert find_datasets(asked, [], Path("other"))["forensynths"].data_root == Path("other")


def test_what_is_asked_for_now_comes_first(tiny: Path) -> None:
    write_tiny_dataset(tiny.parents[1] / "there/tiny")
    one = find_datasets([record("tiny", found=opened_as("tiny"))], ["../there/tiny"], DATA_ROOT)["tiny"]
    assert Path(one.spec.folder).resolve() == tiny.parents[1] / "there/tiny"


@pytest.mark.parametrize("words", [["--dataset", "{}"], ["--dataset={}"]])
def test_records_of_earlier_versions_tell_by_their_command(tiny: Path, words: list[str]) -> None:
    command = ("bench", "run", *(word.format(tiny) for word in words))
    assert find_files(*find_datasets([record("tiny", command=command)], [], DATA_ROOT)["tiny"])[1].samples
    assert find_datasets([record("tiny")], [], DATA_ROOT) == {}


def test_a_folder_that_is_gone_is_not_found(tiny: Path) -> None:
    found = opened_as("tiny")
    tiny.rename(tiny.parent / "moved")
    assert find_datasets([record("tiny", found=found)], [], DATA_ROOT) == {}


def test_another_folder_of_the_name_is_not_taken_for_the_one_that_a_record_names(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of a command are relative to where it was typed; only the first versions kept no more."""
    made = record("tiny", found=opened_as("tiny"), command=("bench", "run", "--dataset", "tiny"))
    tiny.rename(tiny.parent / "moved")
    write_tiny_dataset(tiny.parents[1] / "there/tiny")
    monkeypatch.chdir(tiny.parents[1] / "there")
    assert find_datasets([made], [], DATA_ROOT) == {}
