"""Files that are not JPEG get qualities of the reals, and what single files became is told in every table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import average_precision_score, balanced_accuracy_score

import forenbench as fb
from forenbench.audit.like_reals import like_reals
from forenbench.data.catalogue import open_dataset
from forenbench.data.dataset import Dataset
from forenbench.errors import BenchError
from forenbench.records.store import Store
from forenbench.tables.rendering import render
from forenbench.testing import tiny_image

QUALITIES = [75, 75, 75, 90]
WISHES = ["fake=jpeg:96", "jpeg-like-reals"]


def write(folder: Path, kind: str = "JPEG", *, fakes: int = 8, jpeg_fakes: int = 1) -> Path:
    """Reals of one kind, at the qualities above, and a PNG one; PNG fakes, and a JPEG one."""
    for label, number in (("0_real", len(QUALITIES) + 1), ("1_fake", fakes + jpeg_fakes)):
        (folder / "alpha" / label).mkdir(parents=True)
        for i in range(number):
            image = tiny_image(i + 100 * (label == "1_fake"), 48, 48)
            if label == "0_real" and i < len(QUALITIES):
                image.save(folder / "alpha" / label / f"{i}.img", kind, quality=QUALITIES[i])
            else:
                image.save(folder / "alpha" / label / f"{i}.img", "JPEG" if i >= fakes > 4 else "PNG")
    for file in folder.glob("alpha/*/*.img"):
        file.rename(file.with_suffix(".png"))  # names say nothing
    return folder


def opened(folder: Path, **options: str) -> Dataset:
    (dataset,) = open_dataset(str(folder), data_root=folder, **options)  # type: ignore[arg-type]
    return dataset


def test_what_is_not_jpeg_gets_qualities_of_the_reals_and_jpegs_are_left_alone(tmp_path: Path) -> None:
    dataset = opened(write(tmp_path / "set", fakes=200))
    steps, words = like_reals(dataset.testsets[0], dataset.facts, 0, lambda *_: None)
    pngs = {path for path, fact in dataset.facts.items() if fact.format == "PNG"}
    assert steps.keys() == pngs
    assert len(pngs) == 201
    drawn = Counter(steps.values())
    assert drawn.keys() == {"jpeg:75", "jpeg:90"}
    # three in four, within four standard deviations of a fair draw
    assert abs(drawn["jpeg:75"] - 0.75 * 201) < 4 * np.sqrt(201 * 0.75 * 0.25)
    assert "re-encodes 201 of 206 files, 1 of them real, at qualities of 4 reals: 75 (3), 90 (1)" in words


def test_a_draw_rests_on_content_and_seed_and_on_nothing_else(tmp_path: Path) -> None:
    here, there = write(tmp_path / "a"), write(tmp_path / "b")
    for file in list(there.glob("alpha/1_fake/*")):
        file.rename(file.with_name(f"z{99 - int(file.stem)}.png"))

    def drawn(folder: Path, seed: int) -> dict[str, str]:
        dataset = opened(folder)
        steps = like_reals(dataset.testsets[0], dataset.facts, seed, lambda *_: None).steps
        return {dataset.facts[path].sha256: step for path, step in steps.items()}

    assert drawn(here, 0) == drawn(there, 0) != drawn(here, 1)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: write(folder, "PNG"), r"no JPEG among its reals \(PNG 5\)"),
        (lambda folder: [file.unlink() for file in write(folder).glob("*/0_real/*")], "it has none"),
    ],
    ids=["PNG reals", "no reals"],
)
def test_without_jpeg_reals_there_is_no_quality_and_so_no_run(
    tmp_path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(tmp_path / "set")
    dataset = opened(tmp_path / "set")
    with pytest.raises(BenchError, match=told):
        like_reals(dataset.testsets[0], dataset.facts, 0, lambda *_: None)


class Blockiness:
    """Sees a JPEG's grid of 8 pixels, as many a detector does by the way: fakes are what has none."""

    name, version, threshold = "blockiness", "1", 0.5

    def prepare(self, image: Image.Image) -> torch.Tensor:
        steps = np.abs(np.diff(np.asarray(image.convert("L"), float), axis=1)).mean(axis=0)
        grid = steps[7::8].mean() / max(steps[np.arange(len(steps)) % 8 != 7].mean(), 1e-6)
        return torch.tensor([1 / (1 + grid**8)], dtype=torch.float32)

    def score(self, batch: torch.Tensor) -> torch.Tensor:
        return batch[:, 0]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> fb.Results:
    folder = tmp_path_factory.mktemp("run")
    write(folder / "genimage")
    options = {"generators": (), "out": folder / "results", "progress": False}
    made = fb.evaluate([Blockiness()], str(folder / "genimage"), equalise=WISHES, **options)  # type: ignore[arg-type]
    fb.audit_dataset(str(folder / "genimage"), out=folder / "results", progress=False)
    return made


def test_rows_say_what_was_done_to_each_file(results: fb.Results) -> None:
    (store,) = results._stores
    found = {}
    for record in store.records():
        if record.cell.detector == "blockiness":
            rows = store.rows(record)
            found[record.cell.perturbation] = Counter(
                zip(rows["label"], rows["drawn"].str.partition(":")[0], strict=True)
            )
    assert found == {
        "none": {(0, ""): 5, (1, ""): 9},
        "fake=jpeg:96": {(0, ""): 5, (1, "first=jpeg"): 9},
        "jpeg-like-reals": {(0, ""): 4, (0, "first=jpeg"): 1, (1, ""): 1, (1, "first=jpeg"): 8},
    }
    digests = {record.cell.perturbation: record.identity.reencoded for record in store.records()}
    assert digests["none"] is None
    assert digests["fake=jpeg:96"] != digests["jpeg-like-reals"]


def test_the_shortcut_table_shows_what_is_left_beside_what_no_pixel_tells(results: fb.Results) -> None:
    made = results.table("shortcut")
    (store,) = results._stores
    rows = {(one.cell.detector, one.cell.perturbation): store.rows(one) for one in store.records()}
    for name in ("raw", *WISHES, "metadata-only"):
        who = "metadata-only" if name == "metadata-only" else "blockiness"
        of = rows[who, name if name in WISHES else "none"]
        expected = {
            "A.P.": average_precision_score(of["label"], of["score"]),
            "Bal. acc.": balanced_accuracy_score(of["label"], of["score"] > 0.5),
        }
        for metric, value in expected.items():
            (found,) = made.frame[metric, name]
            assert found == pytest.approx(100 * value)
    assert list(made.frame.index) == [("blockiness", "own", "alpha")]
    for name in WISHES:
        assert any(f"under {name} some files were re-encoded first" in note for note in made.notes)


def test_runs_without_such_files_say_how_to_get_them(results: fb.Results, tmp_path: Path) -> None:
    folder = results._stores[0].root.parent / "genimage"
    raw = fb.evaluate([Blockiness()], str(folder), out=tmp_path, progress=False)
    with pytest.raises(BenchError, match="bench run --equalise jpeg-like-reals,fake=jpeg:96"):
        raw.table("shortcut")
    assert not (tmp_path / "tables/shortcut.csv").exists()


def test_such_a_run_is_resumed_and_its_other_tables_and_its_report_are_made(
    results: fb.Results, capsys: pytest.CaptureFixture[str]
) -> None:
    (store,) = results._stores
    before = {file: file.read_bytes() for file in store.root.glob("scores/**/*.parquet")}
    folder = store.root.parent
    again = fb.evaluate(
        [Blockiness()], str(folder / "genimage"), equalise=WISHES, out=store.root, progress=False
    )
    assert {file: file.read_bytes() for file in store.root.glob("scores/**/*.parquet")} == before
    assert not list(store.root.glob("superseded"))
    assert "jpeg-like-reals" in render(again.table("robustness"), "text", 200)
    assert (store.root / "tables/shortcut.csv").is_file()


def test_a_protocol_that_reencodes_goes_with_no_other_reencoding_of_single_files(
    results: fb.Results, tmp_path: Path
) -> None:
    folder = results._stores[0].root.parent / "genimage"
    options = {"out": tmp_path, "progress": False, "protocol": "dda"}
    with pytest.raises(BenchError, match="protocol dda re-encodes files of 'genimage' already"):
        fb.evaluate([Blockiness()], str(folder), equalise=["jpeg-like-reals"], **options)  # type: ignore[arg-type]


def test_no_rows_of_files_as_they_are_stand_beside_a_protocols(results: fb.Results, tmp_path: Path) -> None:
    folder = results._stores[0].root.parent / "genimage"
    fb.audit_dataset(str(folder), out=tmp_path, progress=False, protocol="dda")
    assert not Store(tmp_path).records()
