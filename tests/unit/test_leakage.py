"""Shared images of two splits are found by name, and by content where the files are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from stored_cells import LABELS, PERFECT, add

from forenbench.data.inventory import take_stock
from forenbench.data.sources.folder import Folder
from forenbench.data.testsets import digest
from forenbench.errors import BenchError
from forenbench.records.leakage import Contents, refuse_overlap
from forenbench.records.store import Store
from forenbench.types import Sample


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
