"""Reals that are another dataset's: beside which fakes they stand, under which paths, and where they lie."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from stored_cells import PERFECT, add, record

from forenbench import evaluate, tables
from forenbench.data import requests
from forenbench.data.catalogue import open_dataset
from forenbench.data.dataset import Dataset
from forenbench.data.descriptions import Spec, parse, specs
from forenbench.data.finding import MissingDataset, find_files
from forenbench.data.sources.lent import home
from forenbench.data.sources.rules import Rules
from forenbench.data.subsets import Subset
from forenbench.errors import BenchError
from forenbench.records.dataset_paths import DATA_ROOT, find_datasets
from forenbench.records.store import Store
from forenbench.scoring.run_request import run_folder
from forenbench.testing import Brightness, tiny_image
from forenbench.types import FAKE, REAL

FAKES = Rules(fake=("{generator}/*",), reals="photos")


def write(folder: Path, *names: str) -> None:
    """Write tiny pictures, each of its own content."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        tiny_image(sum(map(ord, str(file))) % 999).save(file)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two generators' fakes of photographs, and these: ``fakes/flux/7.png`` and ``photos/real/7.png``."""
    write(tmp_path / "fakes", "flux/7.png", "flux/8.png", "sdxl/7.png")
    write(tmp_path / "photos", "real/7.png", "real/9.png", "fake/gan/1.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def opened(rules: Rules = FAKES, request: str = "fakes") -> Dataset:
    (dataset,) = open_dataset(request, data_root=DATA_ROOT, rules=rules)
    return dataset


def reals(dataset: Dataset) -> list[list[str]]:
    return [[one.path for one in t.samples if one.label == REAL] for t in dataset.testsets]


@pytest.mark.usefixtures("here")
def test_another_dataset_s_reals_alone_stand_in_every_test_set_under_its_name() -> None:
    dataset = opened()
    assert [testset.name for testset in dataset.testsets] == ["flux", "sdxl"]
    assert reals(dataset) == [["photos:/real/7.png", "photos:/real/9.png"]] * 2
    for testset in dataset.testsets:
        assert {one.generator for one in testset.samples} == {testset.name}
        assert {one.real_source for one in testset.samples if one.label == REAL} == {"photos"}
        assert testset.source.read("photos:/real/7.png") == Path("photos/real/7.png").read_bytes()
        assert testset.source.read("flux/7.png") == Path("fakes/flux/7.png").read_bytes()
    assert any(
        "reals of dataset 'photos' at" in note and "2 stand in every" in note for note in dataset.notes
    )


def test_the_digest_is_the_same_wherever_the_reals_lie(here: Path) -> None:
    before = [testset.digest for testset in opened().testsets]
    (here / "disk").mkdir()
    shutil.move("photos", "disk/photos")
    moved = opened(Rules(fake=FAKES.fake, reals="disk/photos"))
    assert [testset.digest for testset in moved.testsets] == before
    write(here / "disk", "others/real/7.png", "others/real/9.png")
    other = opened(Rules(fake=FAKES.fake, reals="disk/others"))
    assert all(one.digest not in before for one in other.testsets)


def test_reals_that_two_datasets_borrow_are_read_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened()
    write(here / "more", "dalle/7.png")
    read = []
    original = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: (read.append(self.name), original(self))[1])
    opened(request="more")
    assert read == ["7.png"]  # the new fake; the reals are remembered


@pytest.mark.usefixtures("here")
def test_whoever_has_reals_borrows_none() -> None:
    with pytest.raises(BenchError, match=r"'photos' has 2 real images of its own, the first 'real/7.png'"):
        opened(Rules(reals="fakes"), "photos")
    with pytest.raises(BenchError, match="reals beside dataset 'fakes': unknown dataset 'nowhere'"):
        opened(Rules(fake=FAKES.fake, reals="nowhere"))
    with pytest.raises(BenchError, match="'univfd-19' is a suite; name one dataset"):
        opened(Rules(fake=FAKES.fake, reals="univfd-19"))
    shutil.rmtree("photos/real")
    with pytest.raises(BenchError, match="'photos', whose reals 'fakes' borrows, holds none"):
        opened()


def test_runs_beside_other_reals_have_a_folder_of_their_own(here: Path) -> None:
    """Also beside those of another folder of the same name, and wherever the same folder is named from."""
    write(here / "more/photos", "real/7.png")
    named = ["", "photos", "more/photos", "raise-1k"]
    folders = [run_folder("fakes", "all", None, reals=one).name for one in named]
    assert (folders[0], folders[3]) == ("fakes", "fakes-raise-1k")
    assert folders[1].startswith("fakes-photos@")
    assert len(set(folders)) == 4
    assert run_folder("fakes", "all", None, reals=str(here / "photos")).name == folders[1]
    with pytest.raises(BenchError, match="unknown dataset 'nowhere'"):
        run_folder("fakes", "all", None, reals="nowhere")


@pytest.mark.usefixtures("here")
def test_what_is_missing_is_named_with_the_way_to_it() -> None:
    with pytest.raises(
        MissingDataset, match=r"reals of dataset 'fakes' are those of 'celebahq'.*fetch celebahq"
    ):
        opened(Rules(fake=FAKES.fake, reals="celebahq"))


def test_the_lender_s_own_splits_rules_and_sources_hold(here: Path) -> None:
    shutil.rmtree(here / "photos")
    write(here / "photos", "train/real/coco/1.png", "val/real/coco/2.png", "val/real/laion/3.png")
    dataset = opened()
    assert reals(dataset)[0] == ["photos:/val/real/coco/2.png", "photos:/val/real/laion/3.png"]
    sources = {one.real_source for one in dataset.testsets[0].samples if one.label == REAL}
    assert sources == {"photos/coco", "photos/laion"}
    assert any("of 'photos', split 'val' is taken" in note for note in dataset.notes)
    # the split of the fakes, where the lender has it
    split = Rules(fake=("{split}/{generator}/*",), reals="photos")
    write(here / "both", "train/flux/1.png", "test/flux/2.png")
    (trained,) = open_dataset("both", data_root=DATA_ROOT, rules=split, splits=("train",))
    assert reals(trained) == [["photos:/train/real/coco/1.png"]]


def test_in_a_plain_folder_of_photographs_all_files_are_real(here: Path) -> None:
    write(here, "val2017/1.png", "val2017/2.png")
    dataset = opened(Rules(fake=FAKES.fake, reals="val2017"))
    assert reals(dataset) == [["val2017:/1.png", "val2017:/2.png"]] * 2
    assert {one.real_source for one in dataset.testsets[0].samples if one.label == REAL} == {"val2017"}


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> dict[str, Spec]:
    """Describe both by name, with what each image is a picture of."""
    said = {"description": "d", "licence": "l", "origin": r"(\d+)[.]png$"}
    found = {
        "fakes": parse("fakes", {**said, "folder": "fakes", "rules": FAKES.to_json()}),
        "photos": parse("photos", {**said, "folder": "photos"}),
    }
    monkeypatch.setattr(requests, "specs", lambda: {**specs(), **found})
    return found


def test_the_lender_s_own_subset_holds(here: Path, described: dict[str, Spec]) -> None:
    described["photos"] = replace(described["photos"], subset=Subset(first=1))
    (dataset,) = open_dataset("fakes", data_root=here)
    assert reals(dataset) == [["photos:/real/7.png"]] * 2


@pytest.mark.usefixtures("described")
def test_origins_of_both_datasets_meet(here: Path) -> None:
    (dataset,) = open_dataset("fakes", data_root=here)
    origins = {one.path: one.origin for one in dataset.testsets[0].samples}
    assert origins["photos:/real/7.png"] == origins["flux/7.png"] == "7"
    assert any(
        "origins: 1 of 2 of the fakes are also those of a real image" in note for note in dataset.notes
    )


@pytest.mark.usefixtures("described")
def test_a_lender_may_lie_elsewhere_and_keeps_its_name(here: Path) -> None:
    (usual,) = open_dataset("fakes", data_root=here)
    shutil.move(here / "photos", here / "elsewhere")
    (dataset,) = open_dataset("fakes", data_root=here, places={"photos": here / "elsewhere"})
    assert [t.digest for t in dataset.testsets] == [t.digest for t in usual.testsets]
    found = dataset.testsets[0].found
    assert (found.lender, found.lender_path) == ("photos", str(here / "elsewhere"))


def test_a_record_says_where_the_reals_are_for_whoever_opens_them_again(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = opened().testsets[0].found
    monkeypatch.chdir("/")
    one = find_datasets([record("fakes", found=found)], [], DATA_ROOT)["fakes"]
    source, listed = find_files(*one)
    assert source.read("photos:/real/9.png") == (here / "photos/real/9.png").read_bytes()
    shutil.move(here / "photos", here / "moved")
    shutil.copytree(here / "moved", here / "again/photos")
    asked = find_datasets([record("fakes", found=found)], [str(here / "again/photos")], DATA_ROOT)["fakes"]
    assert [one.path for one in find_files(*asked)[1].borrowed] == [one.path for one in listed.borrowed]


def test_a_borrowed_file_is_the_lender_s_wherever_it_stands() -> None:
    assert home("fakes", "photos:/real/7.png") == home("photos", "real/7.png")
    assert home("fakes", "a/b:/c.png") == ("fakes", "a/b:/c.png")


def test_tables_say_whose_the_reals_are(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, "d", "flux", PERFECT, dataset="fakes", lender="photos")
    add(store, "d", "gan", PERFECT, dataset="others")
    notes = tables.make("cells", [store]).notes
    assert [note for note in notes if "reals of" in note] == ["The reals of fakes are those of photos."]


def test_fakes_alone_have_one_label_without_anybody_s_reals(here: Path) -> None:
    dataset = opened(Rules(fake=FAKES.fake))
    assert {one.label for t in dataset.testsets for one in t.samples} == {FAKE}


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_a_run_and_its_report_read_the_reals_where_they_lie() -> None:
    results = evaluate(Brightness(), "fakes", fake="{generator}/*", reals=Path("photos"), progress=False)
    (lines,) = results.rows().groupby("testset")["path"].agg(list)[["flux"]]
    assert lines == ["flux/7.png", "flux/8.png", "photos:/real/7.png", "photos:/real/9.png"]
    assert "The reals of fakes are those of photos." in results.table("acc-ap").notes
    page = results.report(worst=4, progress=False).read_text(encoding="utf-8")
    assert page.count("data:image/webp") == results.rows()["path"].nunique()  # each file has its picture
