"""Training images are no test set: splits are told from generators and classes, and one of them is taken."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from layouts import write_layout
from typer.testing import CliRunner

from forenbench.cli.app import app
from forenbench.data.catalogue import open_dataset
from forenbench.data.dataset import Dataset
from forenbench.data.descriptions import specs
from forenbench.data.sources.folder import read_labels
from forenbench.data.sources.locations import open_location
from forenbench.data.sources.splits import TRAINED, chosen, split_of_table
from forenbench.data.testsets import Selection, splits_in
from forenbench.errors import BenchError
from forenbench.scoring.run_request import run_folder
from forenbench.testing import tiny_image


@pytest.fixture(autouse=True)
def _memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write(root: Path, *folders: str, number: int = 2) -> str:
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for i in range(number):
            tiny_image(len(folder) + i).save(root / folder / f"{i}.png")
    return str(root)


def both(*folders: str, labels: tuple[str, str] = ("0_real", "1_fake")) -> list[str]:
    return [f"{folder}/{label}" for folder in folders for label in labels]


def counted(dataset: Dataset) -> dict[str, tuple[int, int]]:
    labels = {t.name: Counter(s.label for s in t.samples) for t in dataset.testsets}
    return {name: (number[0], number[1]) for name, number in labels.items()}


def test_the_test_split_is_taken_and_what_is_left_aside_is_said(tmp_path: Path) -> None:
    cifake = write(tmp_path / "cifake", *both("train", "test", labels=("REAL", "FAKE")))
    (dataset,) = open_dataset(cifake, data_root=tmp_path)
    assert counted(dataset) == {"cifake": (2, 2)}
    assert {s.path.split("/")[0] for s in dataset.testsets[0].samples} == {"test"}
    assert "split 'test' is taken: 4 files; left aside: 4 of 'train'; name one to take it" in dataset.notes


def test_platforms_below_a_split_stay_test_sets(tmp_path: Path) -> None:
    folders = both("train", "val", "test/reddit", "test/twitter", "test/facebook")
    root = write(tmp_path / "WildRF", *folders)
    (dataset,) = open_dataset(root, data_root=tmp_path)
    assert counted(dataset) == {"facebook": (2, 2), "reddit": (2, 2), "twitter": (2, 2)}
    (training,) = open_dataset(root, data_root=tmp_path, splits=TRAINED)
    assert counted(training) == {"WildRF": (2, 2)}


def test_without_a_test_split_val_comes_before_train(tmp_path: Path) -> None:
    inner = ("ADM/imagenet_ai_0508_adm", "glide/imagenet_glide")
    labels = ("nature", "ai")
    root = write(
        tmp_path / "GenImage", *both(*(f"{g}/{s}" for g in inner for s in ("train", "val")), labels=labels)
    )
    (dataset,) = open_dataset(root, data_root=tmp_path)
    assert counted(dataset) == {"ADM": (2, 2), "glide": (2, 2)}
    assert {s.class_name for t in dataset.testsets for s in t.samples} == {
        "imagenet_ai_0508_adm",
        "imagenet_glide",
    }
    assert "split 'val' is taken: 8 files; left aside: 8 of 'train'; name one to take it" in dataset.notes


def test_any_spelling_and_any_place_is_a_split() -> None:
    for folders, split, generator in (
        ("Testing/sdxl/fake", "test", "sdxl"),
        ("fake/sdxl/VALIDATION", "val", "sdxl"),
        ("fake/valid/sdxl", "val", "sdxl"),
        ("sdxl/cat/training/1_fake", "train", "sdxl"),
        ("test/1_fake", "test", "root"),
    ):
        (sample,) = read_labels([f"{folders}/a.png"], "root").samples
        assert (sample.split, sample.generator) == (split, generator), folders


def test_train_among_other_classes_is_a_vehicle(tmp_path: Path) -> None:
    classes = ("airplane", "sofa", "train", "tvmonitor")
    root = write(
        tmp_path / "dataset", *both(*(f"{half}/{one}" for half in ("train", "val") for one in classes))
    )
    (dataset,) = open_dataset(root, data_root=tmp_path)
    assert {t.name for t in dataset.testsets} == set(classes)
    assert {s.path.split("/")[0] for t in dataset.testsets for s in t.samples} == {"val"}
    (half,) = open_dataset(f"{root}/train", data_root=tmp_path)
    assert counted(half) == dict.fromkeys(classes, (2, 2))


def test_named_datasets_lose_nothing(tmp_path: Path) -> None:
    """Even where of all classes of ForenSynths only that of trains is there."""
    for name in ("forensynths", "forensynths-val", "forensynths-train"):
        (root,) = write_layout(tmp_path, name)
        progan = root if specs()[name].generator else root / "progan"
        for folder in progan.iterdir():
            if folder.name != "train":
                folder.rename(tmp_path / f"{name}-{folder.name}")
        (dataset,) = open_dataset(name, data_root=tmp_path, generators=["progan"])
        assert {s.class_name for s in dataset.testsets[0].samples} == {"train"}
        assert not [note for note in dataset.notes if "split" in note]


def test_files_of_no_split_are_taken_with_any(tmp_path: Path) -> None:
    root = write(tmp_path / "own", *both("train/a", "test/a", "b"))
    (dataset,) = open_dataset(root, data_root=tmp_path)
    assert counted(dataset) == {"a": (2, 2), "b": (2, 2)}
    assert any(
        "'test' is taken: 4 files and 4 that are of none; left aside: 4 of 'train'" in n
        for n in dataset.notes
    )


def test_a_single_split_is_taken_and_only_train_or_val_is_said(tmp_path: Path) -> None:
    (plain,) = open_dataset(write(tmp_path / "a", *both("test")), data_root=tmp_path)
    assert not [note for note in plain.notes if "split" in note]
    (other,) = open_dataset(write(tmp_path / "b", *both("train")), data_root=tmp_path)
    assert "split 'train' is taken: 4 files; there is no other" in other.notes


def test_a_split_can_be_chosen_and_leaves_its_name(tmp_path: Path) -> None:
    root = write(tmp_path / "cifake", *both("train", "test"))
    found = {}
    for word in ("", "test", "train", "all"):
        (dataset,) = open_dataset(
            root, data_root=tmp_path, splits=chosen(word), limit=1 if word == "all" else None
        )
        (testset,) = dataset.testsets
        found[word] = len(testset.samples), testset.protocol
    assert found == {
        "": (4, "all"),
        "test": (4, "all"),
        "train": (4, "all, split train"),
        "all": (2, "all, limit 1, split all"),
    }
    with pytest.raises(BenchError, match="no image is of split 'val': there is test, train"):
        open_dataset(root, data_root=tmp_path, splits=chosen("validation"))
    with pytest.raises(BenchError, match="not divided into splits; ask for none"):
        open_dataset(write(tmp_path / "p", *both("g")), data_root=tmp_path, splits=chosen("test"))
    with pytest.raises(BenchError, match="split 'dev' is none of test, val, train, all"):
        chosen("dev")


def test_runs_of_another_split_have_a_folder_of_their_own() -> None:
    names = {run_folder("x", "all", None, split).name for split in ("", "test", "val", "train", "all")}
    assert names == {"x", "x-test", "x-val", "x-train", "x-all"}
    assert run_folder("x", "all", None, "Validation") == run_folder("x", "all", None, "val")


def test_runs_over_a_part_or_of_less_precision_have_a_folder_of_their_own() -> None:
    """Or their rows would displace those of a whole run, which tables then show as the newer ones."""
    whole, listed = Path("results/runs/x"), Path("lists/faces.csv")
    assert run_folder("x", "all", None) == whole
    assert run_folder("x", "genimage", None).name == "x-genimage"
    assert run_folder("x", "all", 0).name == "x-limit0"
    assert run_folder("x", "all", None, listed=listed).name == "x-faces"
    assert run_folder("x", "all", None, precision="bf16").name == "x-bf16"
    all_of_it = run_folder("x", "genimage", 5, "val", "bf16", listed)
    assert all_of_it == Path("results/runs/x-genimage-faces-limit5-val-bf16")


def test_the_name_of_a_selection_says_its_split() -> None:
    for selection in (
        Selection(),
        Selection(limit=3, splits=("train",)),
        Selection(protocol="x", splits=("all",)),
    ):
        assert splits_in(str(selection)) == selection.splits


def test_commands_take_a_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    root = write(tmp_path / "cifake", *both("train", "test"))
    write(tmp_path / "cifake", "train/0_real", number=3)
    for option, folder, number in (((), "cifake", 2), (("--split", "train"), "cifake-train", 3)):
        found = CliRunner().invoke(app, ["audit", root, *option, "--format", "csv"])
        assert found.exit_code == 0, found.output
        assert found.stdout.count("0_real/") == number
        assert (tmp_path / "results/runs" / folder).is_dir()
    found = CliRunner().invoke(app, ["audit", root, "--split", "dev"])
    assert isinstance(found.exception, BenchError)


def test_a_column_of_a_manifest_says_the_split(tmp_path: Path) -> None:
    write(tmp_path, "a", number=3)
    rows = ["a/0.png,0,Train", "a/1.png,1,fold2", "a/2.png,1,TEST"]
    (tmp_path / "m.csv").write_text("\n".join(["path,label,Split", *rows]))
    _, findings = open_location(tmp_path / "m.csv")
    assert [sample.split for sample in findings.samples] == ["train", "", "test"]


def test_the_name_of_a_table_says_the_split() -> None:
    names = {
        "data/train-00000-of-00012.parquet": "train",
        "default/test/0000.parquet": "test",
        "validation.parquet": "val",
        "core/test_reddit-0.parquet": "test",
        "data/trainer.parquet": "",
        "images.parquet": "",
    }
    assert {name: split_of_table(name) for name in names} == names
