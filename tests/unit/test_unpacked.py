"""Published datasets are found where the official code of papers unpacks them, or where one says."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
from layouts import write_layout
from typer.testing import CliRunner

from forenbench.cli.app import app
from forenbench.cli.options import parse_places
from forenbench.data.catalogue import open_dataset
from forenbench.data.finding import MissingDataset
from forenbench.errors import BenchError

OFFICIAL = {
    "CNNDetection": {
        "forensynths": "dataset/test",
        "forensynths-train": "dataset/train",
        "forensynths-val": "dataset/val",
    },
    "UnivFD": {
        "forensynths": "datasets/test",
        "forensynths-train": "datasets/train/progan",
        "forensynths-val": "datasets/val/progan",
        "univfd-diffusion": "diffusion_datasets",
    },
    "NPR": {"forensynths": "dataset/ForenSynths", "univfd-diffusion": "dataset/UniversalFakeDetect"},
    "AIGCDetectBenchmark": {"forensynths": "dataset/AIGCDetect_testset/test"},
}


@pytest.fixture(autouse=True)
def _memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write each dataset once, in the folder of its own name."""
    folder = tmp_path_factory.mktemp("written")
    names = {name for places in OFFICIAL.values() for name in places}
    return {name: write_layout(folder, name, 1, 16)[0] for name in sorted(names)}


def identity(name: str, data_root: Path, **where: dict[str, Path]) -> list[tuple[str, str]]:
    return [
        (t.name, t.digest) for one in open_dataset(name, data_root=data_root, **where) for t in one.testsets
    ]


@pytest.mark.slow
@pytest.mark.parametrize("project", OFFICIAL)
def test_a_repository_s_data_are_found_from_its_folder_or_its_data_folder(
    tmp_path: Path, written: dict[str, Path], project: str
) -> None:
    for name, place in OFFICIAL[project].items():
        shutil.copytree(written[name], tmp_path / place)
    for name, place in OFFICIAL[project].items():
        usual = identity(name, written[name].parent)
        assert identity(name, tmp_path) == usual
        if "/" in place:
            assert identity(name, tmp_path / place.split("/")[0]) == usual
        assert identity(name, tmp_path / "elsewhere", places={name: tmp_path / place}) == usual
        assert identity(name, tmp_path / "elsewhere", places={name: tmp_path}) == usual


def test_a_suite_finds_datasets_where_one_says(tmp_path: Path, written: dict[str, Path]) -> None:
    places = {name: written[name] for name in ("forensynths", "univfd-diffusion")}
    assert len(identity("univfd-19", tmp_path, places=places)) == 19


def test_other_test_sets_beside_a_dataset_are_left_aside_and_said(
    tmp_path: Path, written: dict[str, Path]
) -> None:
    """AIGCDetectBenchmark keeps those of GenImage in the same folder."""
    shutil.copytree(written["forensynths"], tmp_path / "test")
    shutil.copytree(written["forensynths"] / "biggan", tmp_path / "test/ADM")
    for places in ({}, {"forensynths": tmp_path / "test"}):
        (dataset,) = open_dataset("forensynths", data_root=tmp_path, places=places)
        assert "ADM" not in [testset.name for testset in dataset.testsets]
        assert (
            "left aside, not of dataset 'forensynths': 2 files, the first 'ADM/0_real/00000.png'"
            in dataset.notes
        )
    (suite,) = open_dataset("cnndetection-11", data_root=tmp_path)
    assert (
        "left aside, not of dataset 'forensynths': 2 files, the first 'ADM/0_real/00000.png'" in suite.notes
    )


def test_a_folder_of_that_name_that_holds_something_else_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "test/sdxl/0_real").mkdir(parents=True)
    with pytest.raises(MissingDataset, match="name that data root, or the path of forensynths"):
        open_dataset("forensynths", data_root=tmp_path)


def test_a_place_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sdxl/0_real").mkdir(parents=True)
    with pytest.raises(BenchError, match=r"holds nothing of dataset 'forensynths', .* biggan, crn, cyclegan"):
        open_dataset("forensynths", data_root=tmp_path, places={"forensynths": tmp_path})


def test_what_is_no_place_of_a_dataset_is_named(tmp_path: Path) -> None:
    for pair, message in (
        ("forensynths", "is not NAME=PATH"),
        (f"forensynth={tmp_path}", "unknown dataset 'forensynth': did you mean forensynths"),
        (f"sample={tmp_path}", "unknown dataset 'sample'"),
        (f"forensynths={tmp_path}/gone", "there is nothing at"),
    ):
        with pytest.raises(BenchError, match=message):
            parse_places([pair])
    assert parse_places([f"forensynths={tmp_path}"]) == {"forensynths": tmp_path}


def test_a_check_looks_at_the_place_it_is_told(tmp_path: Path, written: dict[str, Path]) -> None:
    pair = f"univfd-diffusion={written['univfd-diffusion']}"
    (dataset,) = open_dataset("univfd-diffusion", data_root=tmp_path, places=parse_places([pair]))
    (said,) = (note for note in dataset.notes if "not as published" in note)
    command = shlex.split(said.split("'")[1].removeprefix("bench "))
    found = CliRunner().invoke(app, command)
    assert found.exit_code == 1
    assert "999 missing" in found.stdout
