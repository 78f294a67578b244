"""A run says beforehand how much of a detector's input is no picture, and which pictures are clipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from forenbench.data.catalogue import open_dataset
from forenbench.data.dataset import Dataset
from forenbench.detectors._nets.pixels import IMAGENET, Preprocess
from forenbench.scoring.borders import borders
from forenbench.testing import Brightness


class Cutting(Brightness):
    def __init__(self, name: str = "cutting", **how: int | None) -> None:
        self.name = name
        self.prepare: Any = Preprocess(IMAGENET, **how)


class Method(Brightness):
    name = "method"

    def prepare(self, image: Image.Image) -> Tensor:
        return torch.zeros(3, 40, 40)

    prepare.crop = 40  # type: ignore[attr-defined]


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    sizes = {"0_real": [(40, 40), (20, 40), (100, 10)], "1_fake": [(60, 50), (41, 40)]}
    for label, some in sizes.items():
        folder = tmp_path / "data" / label
        folder.mkdir(parents=True)
        for at, size in enumerate(some):
            Image.new("RGB", size).save(folder / f"{at}.png")
    (tmp_path / "data" / "1_fake" / "broken.png").write_bytes(b"no picture")
    return open_dataset(str(tmp_path / "data"), data_root=tmp_path)[0]


def notes(dataset: Dataset, *detectors: Brightness) -> list[str]:
    return list(borders(dataset, detectors))


def test_borders_are_those_of_the_prepared_tensors(dataset: Dataset) -> None:
    detector = Cutting(crop=40)
    black = -torch.tensor(IMAGENET.mean) / torch.tensor(IMAGENET.std)
    shares = []
    for sample in dataset.testsets[0].samples[:3]:
        image = Image.new(
            "RGB", (dataset.facts[sample.path].width, dataset.facts[sample.path].height), "white"
        )
        prepared = detector.prepare(image)
        shares.append(float((prepared == black[:, None, None]).all(dim=0).float().mean()))
    assert shares == [0, 0.5, 0.75]
    (note,) = notes(dataset, detector)
    assert note == (
        "test set 'data' (2 of 5 images: 62 % of these inputs): images are smaller than the crop of 40 "
        "pixels that cutting sees, with black border around"
    )


def test_only_crops_of_pictures_at_their_own_size_have_borders(dataset: Dataset) -> None:
    assert notes(dataset, Brightness(), Cutting(), Cutting(resize=64, crop=40), Cutting(crop=10)) == []
    (note,) = notes(dataset, Method())
    assert "62 % of these inputs" in note
    assert note.endswith("that method sees, with black border around")
    two = notes(dataset, Cutting("a", crop=40), Cutting("b", crop=40), Cutting("c", crop=11))
    assert ["a and 1 more sees" in two[0], "crop of 11 pixels that c sees" in two[1], len(two)] == [
        True,
        True,
        2,
    ]


def test_grey_files_of_more_than_eight_bits_are_counted(dataset: Dataset, tmp_path: Path) -> None:
    assert not any("255" in note for note in dataset.notes)
    deep = np.full((40, 40), 40_000, dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "data" / "0_real" / "deep.png")
    Image.fromarray(deep.astype(np.float32)).save(tmp_path / "data" / "1_fake" / "deep.tiff")
    found = open_dataset(str(tmp_path / "data"), data_root=tmp_path)[0].notes
    assert [note for note in found if "255" in note] == [
        "test set 'data' (2 of 8 files): grey with more than 8 bits, which are clipped at 255, as the "
        "official loaders do"
    ]
