"""The audit as a whole, over files planted on disk."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from planted_files import picture, rows, write

from forenbench import audit_dataset
from forenbench.audit import Audit, audit, open_training, overview, shortcuts
from forenbench.audit.distributions import draw
from forenbench.data.catalogue import open_dataset
from forenbench.data.sources.rules import Rules
from forenbench.errors import BenchError
from forenbench.testing import write_tiny_dataset
from forenbench.types import FAKE, REAL


def audit_of(folder: Path, *against: Path) -> Audit:
    training = [one for path in against for one in open_training(str(path), folder)]
    return audit(open_dataset(str(folder), data_root=folder), training)


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """Twelve JPEGs against twelve PNGs, of other pictures."""
    folder = tmp_path / "planted"
    write(folder, REAL, range(12), ".jpg", quality=75)
    write(folder, FAKE, range(100, 112), ".png")
    return folder


def test_png_against_jpeg_needs_no_pixel(planted: Path) -> None:
    found = audit_of(planted)
    assert list(found.baseline["auroc"]) == [1.0]
    assert "planted: every fake is PNG and every real JPEG: a detector needs no pixel" in found.warnings
    assert any("reach an AUROC of 1.00" in warning for warning in found.warnings)
    real, fake = found.properties.to_dict("records")
    assert (real["container"], fake["container"]) == ("JPEG 12", "PNG 12")
    assert (real["JPEG quality"], fake["JPEG quality"]) == ("75", "")
    assert (real["JPEG tables"], real["JPEG chroma"]) == ("IJG 75 12", "4:2:0 12")
    assert real["size"] == "64×48"
    assert set(found.files["aspect"]) == {64 / 48}
    assert (found.files["bytes_per_pixel"] * 64 * 48).to_list() == pytest.approx(
        found.files["bytes"].to_list()
    )


@pytest.mark.slow
def test_matched_files_have_no_warning(tmp_path: Path) -> None:
    for label in (REAL, FAKE):
        write(tmp_path / "m", label, range(100 * label, 100 * label + 40), ".jpg", quality=90)
    assert audit_of(tmp_path / "m").warnings == ()


def test_training_data_have_rules_of_their_own(planted: Path, tmp_path: Path) -> None:
    """A table in other words, and a folder of which a part is left; the audited dataset needs none."""
    write(tmp_path / "train", FAKE, [1, 2], ".jpg", quality=60)
    table = tmp_path / "train.csv"
    table.write_text("filename,kind\ntrain/1_fake/001.jpg,made\ntrain/1_fake/002.jpg,other\n")
    columns, labels = {"path": "filename", "label": "kind"}, {"made": "fake", "*": "drop"}
    opened = open_training(str(table), tmp_path, rules=Rules(columns=columns, labels=labels))
    assert [one.paths for one in opened] == [["train/1_fake/001.jpg"]]
    left = open_training(str(tmp_path / "train"), tmp_path, rules=Rules(leave=("**/001.jpg",)))
    assert [one.paths for one in left] == [["1_fake/002.jpg"]]
    assert left[0].notes == ("leave '**/001.jpg': 1 files, such as '1_fake/001.jpg'",)
    with pytest.raises(BenchError, match="'forensynths' says itself"):
        open_training("forensynths", tmp_path, rules=Rules(leave=("*",)))
    with pytest.raises(BenchError, match="no training data to look into"):
        audit_dataset(planted, against_rules={"leave": ["*"]}, out=tmp_path / "run", progress=False)


def test_twins_within_across_and_in_training(planted: Path, tmp_path: Path) -> None:
    data = (planted / "0_real/000.jpg").read_bytes()
    (planted / "0_real/copy.jpg").write_bytes(data)
    (planted / "1_fake/leak.jpg").write_bytes(data)
    write(tmp_path / "unlabelled", FAKE, [105], ".jpg", quality=60)
    (tmp_path / "unlabelled/1_fake").rename(tmp_path / "unlabelled/pictures")
    counts = audit_of(planted, tmp_path / "unlabelled").twins.counts.set_index(["kind", "label"])
    assert counts.loc[("exact", "real")].to_list() == [2, 2, 0]
    assert counts.loc[("exact", "fake")].to_list() == [0, 1, 0]
    assert counts.loc[("near", "fake")].to_list() == [0, 0, 1]


def test_shared_reals_are_one_file_each(tmp_path: Path) -> None:
    write(tmp_path / "s", REAL, range(3), ".png")
    for generator in ("a", "b"):
        write(tmp_path / "s" / "x", FAKE, range(5, 9) if generator == "a" else range(15, 19), ".png")
        (tmp_path / "s/fake").mkdir(exist_ok=True)
        (tmp_path / "s/x/1_fake").rename(tmp_path / "s/fake" / generator)
    found = audit_of(tmp_path / "s")
    assert len(found.files) == 2 * 3 + 8
    assert found.twins.members.empty


def test_broken_files_are_named_and_do_not_count(planted: Path) -> None:
    (planted / "0_real/bad.jpg").write_bytes(b"")
    found = audit_of(planted)
    assert found.broken.to_dict("records") == [
        {"dataset": "planted", "path": "0_real/bad.jpg", "problem": "zero bytes"}
    ]
    assert found.properties["broken"].to_list() == ["1", "0"]
    assert found.properties["container"].to_list() == ["JPEG 12", "PNG 12"]


@pytest.mark.slow
def test_only_broken_files(tmp_path: Path) -> None:
    for name in ("0_real", "1_fake"):
        (tmp_path / "bad" / name).mkdir(parents=True)
        (tmp_path / "bad" / name / "x.png").write_bytes(b"")
    found = audit_of(tmp_path / "bad")
    assert list(found.baseline["undefined"]) == ["no images"]
    assert np.isnan(found.baseline["auroc"]).all()
    assert draw(found.files, "bad")


def test_training_data_that_is_not_there_is_an_error(planted: Path) -> None:
    with pytest.raises(BenchError, match="nowhere"):
        open_training("nowhere", planted)


def test_test_sets_keep_their_order_and_files(tmp_path: Path) -> None:
    write_tiny_dataset(tmp_path / "tiny", ["zeta", "alpha"])
    found = audit_of(tmp_path / "tiny")
    assert list(found.properties["testset"]) == ["alpha", "alpha", "zeta", "zeta"]
    assert list(found.properties["label"]) == ["real", "fake"] * 2
    assert next(iter(found.of("tiny", "zeta")["path"])) == "zeta/0_real/0.png"


def test_numbers_are_smallest_median_largest() -> None:
    files = rows(10, width=[10, 10, 20, 10, 30, 10, 40, 10, 50, 10], height=10)
    files["bytes_per_pixel"] = [1.0, 5] * 5
    real, fake = overview.describe(files).to_dict("records")
    assert real["size"] == "10×10 / 30×10 / 50×10"
    assert fake["size"] == "10×10"
    assert real["most common size"] == "10×10 1, 20×10 1, 30×10 1, 2 others 2"
    assert (real["bytes per pixel"], fake["bytes per pixel"]) == ("1.000", "5.000")


def test_what_is_no_jpeg_has_no_share_in_tables() -> None:
    real, fake = overview.describe(rows(8, table=["", "IJG 75", "", ""] * 2)).to_dict("records")
    assert (real["JPEG tables"], fake["JPEG tables"]) == ("", "IJG 75 2")


@pytest.mark.parametrize(
    ("columns", "warning"),
    [
        (
            {"container": ["JPEG", "PNG"] * 15 + ["JPEG"] * 10, "problem": [""] * 30 + ["cut off"] * 10},
            "t: every fake is PNG and every real JPEG: a detector needs no pixel",
        ),
        ({"exif": [True, False] * 20}, "t: every fake is without EXIF and every real with EXIF"),
        (
            {"container": ["JPEG", "PNG", "JPEG", "WEBP"] * 10},
            "t: no container is common to fake and real (fake: PNG 10, WEBP 10; real: JPEG 20)",
        ),
        ({"mode": ["L", "RGB"] * 19 + ["RGB"] * 2}, "t: colour mode alone is right for 98%"),
        (
            {"bytes_per_pixel": [0.1, 0.9] * 20},
            "t: bytes per pixel alone has an AUROC of 1.00 (fakes have more)",
        ),
        ({"quality": [90.0, 70.0] * 20}, "t: JPEG quality alone has an AUROC of 1.00 (fakes have less)"),
        (
            {"container": "JPEG", "subsampling": ["4:2:0", "4:4:4"] * 20},
            "t: every fake is JPEG of 4:4:4 and every real JPEG of 4:2:0: a detector needs no pixel",
        ),
        ({"subsampling": ["4:2:0", ""] * 19 + ["4:2:0"] * 2, "container": "MPO"}, ""),
        ({"width": [*range(100, 140)]}, ""),
        ({"mode": ["L", "RGB", "L", "L"] * 10}, ""),
        ({"quality": [90.0, math.nan] * 20}, ""),
        (
            {"quality": [math.nan, 70.0] + [90.0, 70.0] * 19},
            "t: JPEG quality alone has an AUROC of 1.00 (fakes have less)",
        ),
        ({"quality": [90.0, 70.0] * 3 + [math.nan] * 34}, ""),
    ],
)
def test_shortcuts_in_words(columns: dict[str, object], warning: str) -> None:
    found = list(shortcuts.warnings(rows(40, **columns)))
    assert [line.startswith(warning) for line in found] == [True] * bool(warning)


def test_one_size_against_photographs_of_any_size_is_a_shortcut() -> None:
    found = list(shortcuts.warnings(rows(40, width=[w for at in range(20) for w in (300 + at, 512)])))
    assert any(line.startswith("t: no size is common to fake and real") for line in found)


def test_chance_is_no_warning() -> None:
    baseline = audit_frame(0.6)
    assert list(shortcuts.of_baseline(baseline.assign(real=20, fake=20))) == []
    assert len(list(shortcuts.of_baseline(baseline.assign(real=2000, fake=2000)))) == 1


def audit_frame(auroc: float) -> pd.DataFrame:
    return pd.DataFrame([{"dataset": "d", "testset": "t", "auroc": auroc, "undefined": ""}])


@pytest.mark.slow
def test_the_picture_shows_both_labels(planted: Path) -> None:
    image = Image.open(io.BytesIO(draw(audit_of(planted).files, "planted"))).convert("RGB")
    colours = {colour for _, colour in image.getcolors(1 << 24) or []}
    assert {(0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)} <= colours


@pytest.mark.slow
def test_the_picture_counts_files_not_test_sets() -> None:
    files = rows(40, width=range(40))
    shared = files[files["label"] == REAL].assign(testset="u")
    assert draw(pd.concat([files, shared]), "d") == draw(files, "d")


def test_shares_are_those_of_all_files_of_a_label() -> None:
    """Two of twenty fakes are JPEGs, so their qualities share a tenth."""
    from matplotlib.figure import Figure

    from forenbench.audit.distributions import _histogram

    place = Figure().subplots()
    _histogram(place, rows(40, quality=[*[math.nan] * 36, 90.0, 70.0, 90.0, 75.0]), "quality")
    filled = [bar.get_height() for bars in place.containers for bar in bars if hasattr(bar, "get_height")]
    assert sum(filled) == pytest.approx(2 / 20 + 2 / 20)


@pytest.mark.parametrize("high", [71, 97, 100, 1023])
def test_whole_numbers_are_drawn_without_gaps(high: int) -> None:
    """Bins of unequal counts of whole numbers would make an even distribution look like one with holes."""
    from matplotlib.figure import Figure

    from forenbench.audit.distributions import _histogram

    values, place = np.arange(70, high + 1).repeat(2 * 7), Figure().subplots()
    _histogram(place, rows(len(values), width=values), "width")
    assert len(place.containers) == 2
    for bars in place.containers:
        counts = np.rint([bar.get_height() * len(values) / 2 for bar in bars])
        assert len(counts) >= min(high - 69, 15)  # and not a handful of them
        assert len(set(counts[:-1])) <= 1
        assert 0 < counts[-1] <= counts[0]
        assert counts.sum() == len(values) / 2


def test_pictures_are_seen_through_other_sizes_formats_and_narrow_crops(tmp_path: Path) -> None:
    (tmp_path / "p/0_real").mkdir(parents=True)
    (tmp_path / "p/1_fake").mkdir()
    picture(3, 400, 300).save(tmp_path / "p/0_real/a.png")
    picture(3, 400, 300).resize((256, 192)).save(tmp_path / "p/1_fake/b.jpg", quality=70)
    picture(3, 400, 300).crop((4, 3, 396, 297)).resize((320, 240)).save(tmp_path / "p/1_fake/c.webp")
    for colour in ("white", "navy", "red"):
        Image.new("RGB", (400, 300), colour).save(tmp_path / "p/1_fake" / f"{colour}.png")
    found = audit_of(tmp_path / "p").twins.members
    assert sorted(found["path"]) == ["0_real/a.png", "1_fake/b.jpg", "1_fake/c.webp"]
