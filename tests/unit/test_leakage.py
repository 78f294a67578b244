"""Shared images of two splits are found by name, and by content where the files are at hand."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from printed_commands import parse
from stored_cells import LABELS, PERFECT, add

from forenbench.data.inventory import take_stock
from forenbench.data.sources.folder import Folder
from forenbench.data.sources.locations import open_location
from forenbench.data.testsets import digest
from forenbench.errors import BenchError
from forenbench.records.leakage import Contents, _place, refuse_overlap
from forenbench.records.store import Store
from forenbench.types import FileSource, Sample, Whereabouts


class Split:
    """A run over four small files, which lie in a folder of their own."""

    def __init__(self, root: Path, files: dict[str, str], dataset: str) -> None:
        self.store, self.dataset = Store(root / "run"), dataset
        self.folder = root / "images"
        for path, content in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(content)
        self.source = Folder(self.folder)
        samples = [Sample(path, label) for path, label in zip(files, LABELS, strict=True)]
        known = digest(samples, take_stock(self.source, files))
        add(self.store, "d", "t", PERFECT, dataset=dataset, paths=list(files), digest=known)


def contents(*splits: Split) -> Contents:
    return Contents({split.store.root: {split.dataset: split.source} for split in splits})


@pytest.fixture
def tested(tmp_path: Path) -> Split:
    return Split(tmp_path / "tested", {f"0_real/{at}": f"content {at}" for at in range(4)}, "faces")


def test_a_copy_under_another_name_is_found(tmp_path: Path, tested: Split) -> None:
    files = {f"new/{at}": f"content {at + 3}" for at in range(4)}
    copied = Split(tmp_path / "copied", files, "other")
    with pytest.raises(BenchError, match=r"'new/0' of other/t is also in faces/t as '0_real/3'"):
        refuse_overlap([copied.store], [tested.store], "none", contents(copied, tested))
    refuse_overlap([copied.store], [tested.store], "none", Contents())  # nobody knows


def test_other_images_of_the_same_names_are_no_overlap(tmp_path: Path, tested: Split) -> None:
    files = {f"0_real/{at}": f"something else {at}" for at in range(4)}
    namesakes = Split(tmp_path / "namesakes", files, "faces")
    known = contents(namesakes, tested)
    refuse_overlap([namesakes.store], [tested.store], "none", known)
    assert known.unknown == []
    with pytest.raises(BenchError, match=r"'0_real/0' of faces/t is also in faces/t\. What"):
        refuse_overlap([namesakes.store], [tested.store], "none", contents(tested))


def test_files_that_changed_since_are_compared_by_name(tmp_path: Path, tested: Split) -> None:
    files = {f"new/{at}": f"something else {at}" for at in range(4)}
    changed = Split(tmp_path / "changed", files, "other")
    (changed.folder / "new/2").write_text("content 2, which this run did not score")
    known = contents(changed, tested)
    refuse_overlap([changed.store], [tested.store], "none", known)
    assert known.unknown == ["other/t"]


def test_only_the_rows_that_are_fitted_to_count(tmp_path: Path, tested: Split) -> None:
    other = Store(tmp_path / "other")
    add(other, "d", "u", PERFECT, dataset="faces", paths=[f"1_fake/{at}" for at in range(4)])
    add(
        other,
        "d",
        "t",
        PERFECT,
        dataset="faces",
        perturbation="jpeg:75",
        paths=[f"0_real/{at}" for at in range(4)],
    )
    refuse_overlap([other], [tested.store], "none", Contents())
    with pytest.raises(BenchError, match="'0_real/0' of faces/t is also in faces/t"):
        refuse_overlap([other], [tested.store], "jpeg:75", Contents())


def test_images_of_every_detector_count(tmp_path: Path, tested: Split) -> None:
    """A dataset that changed between two detectors has both its versions in the run."""
    other = Store(tmp_path / "other")
    for detector, kind in (("d", "new"), ("e", "0_real")):
        paths = [f"{kind}/{at}" for at in range(4)]
        add(other, detector, "t", PERFECT, dataset="faces", paths=paths, digest=kind)
    with pytest.raises(BenchError, match="'0_real/0' of faces/t is also in faces/t"):
        refuse_overlap([other], [tested.store], "none", Contents())


def manifest(root: Path, name: str, rows: dict[str, str]) -> tuple[Store, dict[str, FileSource]]:
    """Make a run over a manifest of small files below ``root/images``, by path with their origins."""
    lines = ["path,label,origin,location"]
    for at, (path, origin) in enumerate(rows.items()):
        (root / "images").mkdir(parents=True, exist_ok=True)
        (root / "images" / path).write_text(f"{root} {path}")
        lines.append(f"{path},{LABELS[at]},{origin},images")
    file = root / f"{name}.csv"
    file.write_text("\n".join(lines))
    source, findings = open_location(file)
    store, paths = Store(root / f"run-{name}"), list(rows)
    known = digest(findings.samples, take_stock(source, paths))
    add(store, "d", "t", PERFECT, dataset=name, paths=paths, origins=list(rows.values()), digest=known)
    return store, {name: source}


def test_another_image_of_one_origin_is_an_overlap(tmp_path: Path) -> None:
    """Two manifests of one folder: an origin there is one photograph, whatever the manifests are called."""
    val, its = manifest(tmp_path, "val", {"a": "p1", "b": "p2", "c": "p1", "d": "p2"})
    test, others = manifest(tmp_path, "test", {"e": "p3", "f": "p4", "g": "p2", "h": "p4"})
    known = Contents({val.root: its, test.root: others})
    with pytest.raises(BenchError, match=r"'b' of val/t is of origin 'p2', as 'g' of test/t is\. What"):
        refuse_overlap([val], [test], "none", known)
    apart, others = manifest(tmp_path, "apart", {"e": "p3", "f": "p4", "g": "p5", "h": "p4"})
    refuse_overlap([val], [apart], "none", Contents({val.root: its, apart.root: others}))


def test_an_origin_of_one_dataset_is_one_wherever_its_files_are(tmp_path: Path) -> None:
    stores = [Store(tmp_path / name) for name in ("val", "test")]
    for store, origin in zip(stores, ("p1", "p2"), strict=True):
        paths = [f"{origin}-{at}" for at in range(4)]
        add(store, "d", "t", PERFECT, dataset="faces", paths=paths, origins=[origin, "", "p3", ""])
    with pytest.raises(BenchError, match="'p1-2' of faces/t is of origin 'p3', as 'p2-2' of faces/t is"):
        refuse_overlap(stores[:1], stores[1:], "none", Contents())


def test_origins_of_one_name_elsewhere_are_told_and_not_refused(tmp_path: Path) -> None:
    """Every second dataset numbers its videos from 1."""
    val, its = manifest(tmp_path / "a", "val", {"a": "1", "b": "2", "c": "1", "d": "2"})
    test, others = manifest(tmp_path / "b", "test", {"e": "3", "f": "4", "g": "2", "h": "4"})
    known = Contents({val.root: its, test.root: others})
    refuse_overlap([val], [test], "none", known)
    assert set(known.namesakes) == {"2"}


def test_the_refusal_says_how_to_get_other_images(tmp_path: Path) -> None:
    store = Store(tmp_path / "test")
    add(store, "d", "t", PERFECT)
    (record,) = store.records()
    rules = {
        "fake": ["{generator}/*", "new/*"],
        "columns": {"path": "file name", "label": "a,b"},
        "reals": "coco",
    }
    for found, place in (
        (
            Whereabouts("/my images", str(Path("data").absolute()), rules),
            "'/my images' '--fake={generator}/*' '--fake=new/*' '--columns=path=file name,label=a\\,b'",
        ),
        (Whereabouts("", "/big disk", None), "forensynths '--data-root=/big disk'"),
    ):
        told = replace(
            record,
            cell=replace(record.cell, dataset="forensynths"),
            provenance=replace(record.provenance, found=found),
        )
        assert _place(told) == place
        assert parse(["data", "split", *shlex.split(place), "--val", "0.2"]) == ""
    assert _place(record) == ""
    with pytest.raises(BenchError, match="promises too much; take other images"):
        refuse_overlap([store], [store], "none", Contents())
