"""Labels, generators and classes are read off folder names, and nothing is dropped silently."""

from __future__ import annotations

from pathlib import Path

import pytest

from forenbench.data.catalogue import open_dataset
from forenbench.data.sources.folder import find_samples
from forenbench.errors import BenchError
from forenbench.front.single import list_images
from forenbench.front.talk import say
from forenbench.pictures.spectra import unlabelled
from forenbench.testing import tiny_image, write_tiny_dataset
from forenbench.types import FAKE, REAL


def touch(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        tiny_image(len(path)).save(root / path, format="PNG")
    return root


def test_generator_and_class_stand_above_the_label(tmp_path: Path) -> None:
    touch(tmp_path, "progan/horse/0_real/a.png", "progan/horse/1_fake/b.png", "biggan/1_fake/c.png")
    found = {s.path: (s.label, s.generator, s.class_name) for s in find_samples(tmp_path).samples}
    assert found == {
        "progan/horse/0_real/a.png": (REAL, "progan", "horse"),
        "progan/horse/1_fake/b.png": (FAKE, "progan", "horse"),
        "biggan/1_fake/c.png": (FAKE, "biggan", ""),
    }


def test_ordinary_words_are_no_labels_beside_real_and_fake(tmp_path: Path) -> None:
    touch(tmp_path, "fake/sdxl/nature/a.png", "nature/1_fake/b.png", "real/ai/c.png", "real/nature/d.png")
    found = {s.path: s.label for s in find_samples(tmp_path).samples}
    assert found == {
        "fake/sdxl/nature/a.png": FAKE,
        "nature/1_fake/b.png": FAKE,
        "real/ai/c.png": REAL,
        "real/nature/d.png": REAL,
    }


def test_generators_below_the_label_share_the_reals(tmp_path: Path) -> None:
    touch(tmp_path, "real/coco/a.png", "real/b.png", "fake/sdxl/c.png", "fake/dalle/d.png")
    dataset = open_dataset(str(tmp_path), data_root=tmp_path)[0]
    members = {t.name: sorted(s.path for s in t.samples) for t in dataset.testsets}
    assert members == {
        "dalle": ["fake/dalle/d.png", "real/b.png", "real/coco/a.png"],
        "sdxl": ["fake/sdxl/c.png", "real/b.png", "real/coco/a.png"],
    }
    assert {s.real_source for s in dataset.testsets[0].samples if s.label == REAL} == {"coco", tmp_path.name}


def test_labels_at_the_top_make_one_test_set_of_the_folder_name(tmp_path: Path) -> None:
    touch(tmp_path / "wild", "0_real/a.png", "1_fake/b.png")
    dataset = open_dataset(str(tmp_path / "wild"), data_root=tmp_path)[0]
    assert [(t.name, len(t.samples)) for t in dataset.testsets] == [("wild", 2)]


@pytest.mark.parametrize(
    "name", ["Bild mit Leerzeichen.PNG", "a.b.c.png", "12:30:00.jpeg", "ありがとう.WEBP", "noext"]
)
def test_every_file_name_counts(tmp_path: Path, name: str) -> None:
    touch(tmp_path, f"g/0_real/{name}", f"g/1_fake/{name}")
    assert [s.path for s in find_samples(tmp_path).samples] == [f"g/0_real/{name}", f"g/1_fake/{name}"]


def test_a_name_that_is_no_text_is_kept(tmp_path: Path) -> None:
    folder = touch(tmp_path, "g/0_real/a.png").joinpath("g/1_fake")
    folder.mkdir()
    (tmp_path / "g/0_real/a.png").rename(Path(str(folder) + "/bad\udcff.png"))
    dataset = open_dataset(str(tmp_path), data_root=tmp_path)[0]
    sample = dataset.testsets[0].samples[0]
    assert dataset.facts[sample.path].format == "PNG"
    assert dataset.testsets[0].source.read(sample.path)[:4] == b"\x89PNG"


def test_files_outside_label_folders_are_reported(tmp_path: Path) -> None:
    touch(tmp_path, "g/0_real/a.png", "g/1_fake/b.png", "g/readme.txt", ".hidden/0_real/x.png", "g/0_real/.x")
    dataset = open_dataset(str(tmp_path), data_root=tmp_path)[0]
    assert sum(len(t.samples) for t in dataset.testsets) == 2
    assert "left aside, in no label folder: 1, the first 'g/readme.txt'" in dataset.notes


def test_texts_beside_images_are_left_aside_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As captions of training sets and what downloaders note beside each image."""
    touch(tmp_path, "g/0_real/a.png", "g/1_fake/b.jpg", "g/1_fake/c.b.webp", "g/1_fake/noext")
    beside = ["0_real/a.txt", "1_fake/b.jpg.json", "1_fake/b.JSON", "1_fake/c.b.caption", "1_fake/noext.txt"]
    for name in [*beside, "1_fake/c.txt", "0_real/alone.txt"]:
        (tmp_path / "g" / name).write_text("a cat")
    findings = find_samples(tmp_path)
    assert len(findings.samples) == 4 + 2
    assert findings.notes == (
        "left aside, texts beside images of the same name: 5, the first 'g/0_real/a.txt'",
    )
    (dataset,) = open_dataset(str(tmp_path), data_root=tmp_path)
    assert findings.notes[0] in dataset.notes
    assert list_images(tmp_path, say) == [tmp_path / sample.path for sample in findings.samples]
    assert findings.notes[0] in capsys.readouterr().err
    for label in ("0_real", "1_fake"):
        (tmp_path / "g" / label).rename(tmp_path / "g" / f"photos{label}")
    whole = unlabelled(tmp_path, 10)
    assert whole is not None
    assert len(whole.paths) == 6


def test_one_label_only_is_said(tmp_path: Path) -> None:
    touch(tmp_path, "g/1_fake/b.png")
    notes = open_dataset(str(tmp_path), data_root=tmp_path)[0].notes
    assert any("'g': generated images only" in note for note in notes)


def test_a_format_or_size_that_gives_the_label_away_is_said(tmp_path: Path) -> None:
    for name, label, image_format, side in (
        *(("a", "0_real", "JPEG", 64), ("b", "1_fake", "PNG", 64)),
        *(("c", "0_real", "JPEG", 64), ("d", "1_fake", "JPEG", 64)),
    ):
        (tmp_path / "wild" / label).mkdir(parents=True, exist_ok=True)
        tiny_image(0, side, side).save(tmp_path / "wild" / label / name, format=image_format)
    assert open_dataset(str(tmp_path), data_root=tmp_path)[0].notes == ()
    (tmp_path / "wild/1_fake/d").unlink()
    (note,) = open_dataset(str(tmp_path), data_root=tmp_path)[0].notes
    assert "'wild' (JPEG against PNG): real and fake share no file format" in note


def test_links_to_folders_are_followed_but_not_round_loops(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere", "0_real/a.png", "1_fake/b.png")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "g").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "0_real" / "loop").symlink_to(tmp_path / "data")
    assert [s.path for s in find_samples(tmp_path / "data").samples] == ["g/0_real/a.png", "g/1_fake/b.png"]


def test_folders_without_images_or_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="is empty"):
        find_samples(tmp_path)
    touch(tmp_path, "photos/a.png")
    with pytest.raises(BenchError, match=r"no labels.*bench score"):
        find_samples(tmp_path)
    with pytest.raises(BenchError, match="unknown dataset 'smaple': did you mean sample"):
        open_dataset("smaple", data_root=tmp_path)


def test_unknown_generator_gets_a_hint(tmp_path: Path) -> None:
    write_tiny_dataset(tmp_path / "tiny")
    with pytest.raises(BenchError, match="did you mean alpha"):
        open_dataset(str(tmp_path / "tiny"), data_root=tmp_path, generators=["alhpa"])


def test_limit_keeps_n_of_each_label_spread_over_the_folder(tmp_path: Path) -> None:
    write_tiny_dataset(tmp_path / "tiny", images=9)
    for testset in open_dataset(str(tmp_path / "tiny"), data_root=tmp_path, limit=3)[0].testsets:
        assert [Path(s.path).stem for s in testset.samples] == ["0", "3", "6"] * 2
        assert [s.label for s in testset.samples] == [REAL] * 3 + [FAKE] * 3


def test_digest_depends_on_content_not_on_place_or_time(tmp_path: Path) -> None:
    write_tiny_dataset(tmp_path / "one" / "tiny")
    write_tiny_dataset(tmp_path / "two" / "tiny")
    digests = [
        [t.digest for t in open_dataset(str(tmp_path / place / "tiny"), data_root=tmp_path)[0].testsets]
        for place in ("one", "two")
    ]
    assert digests[0] == digests[1]
    tiny_image(999).save(tmp_path / "two" / "tiny" / "alpha" / "0_real" / "0.png")
    changed = [t.digest for t in open_dataset(str(tmp_path / "two" / "tiny"), data_root=tmp_path)[0].testsets]
    assert changed[0] != digests[0][0]
    assert changed[1] == digests[0][1]
