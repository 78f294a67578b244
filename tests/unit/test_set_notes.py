"""What is true of several test sets is said once, and nothing of it is lost."""

from __future__ import annotations

from pathlib import Path

from forenbench.data.catalogue import open_dataset
from forenbench.data.set_notes import SetNote, by_words
from forenbench.testing import tiny_image


def test_equal_words_are_said_once_with_every_name() -> None:
    notes = [SetNote("a", "grey"), SetNote("b", "one label"), SetNote("c", "grey"), SetNote("c", "grey")]
    assert list(by_words(notes)) == ["test sets 'a', 'c': grey", "test set 'b': one label"]


def test_what_is_each_ones_own_stands_behind_those_that_share_it() -> None:
    notes = [
        SetNote(name, "no format", which) for name, which in (("a", "x"), ("b", "y"), ("c", "x"), ("d", ""))
    ]
    assert list(by_words(notes)) == ["test sets 'a', 'c' (x); 'b' (y); 'd': no format"]


def test_a_name_that_is_no_text_can_be_printed() -> None:
    assert list(by_words([SetNote("\udcff", "grey")])) == ["test set '\\udcff': grey"]


def test_many_test_sets_have_as_many_notes_as_one(tmp_path: Path) -> None:
    for name in "abcdef":
        for label, kind, side in (("0_real", "JPEG", 64), ("1_fake", "PNG", 48)):
            (tmp_path / name / label).mkdir(parents=True)
            tiny_image(0, side, side).save(tmp_path / name / label / "x", format=kind)
    (dataset,) = open_dataset(str(tmp_path), data_root=tmp_path)
    names = "test sets 'a', 'b', 'c', 'd', 'e', 'f'"
    assert dataset.notes == (
        f"{names} (JPEG against PNG): real and fake share no file format, an easy way to cheat",
        f"{names} (64×64 against 48×48): real and fake share no size, an easy way to cheat",
    )
