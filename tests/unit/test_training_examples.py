"""Which images a training gets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from training_jobs import examples_of, write_images

from forenbench.data.sources.rules import Rules
from forenbench.errors import BenchError
from forenbench.training.examples import Examples, check_readable, labels, limited, only_classes
from forenbench.training.loader import in_order, shuffled
from forenbench.training.processes import Processes
from forenbench.training.request import TrainingRequest, gather


def silent(what: str, done: int, total: int) -> None:
    pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_images(tmp_path / "data", ("cat", "horse"), number=10)
    return tmp_path / "data"


def paths(examples: Examples) -> list[str]:
    return [item.path for item in examples.items]


def test_classes_are_chosen_by_name(folder: Path) -> None:
    horses = only_classes(examples_of(folder), ["horse"])
    assert {item.class_name for item in horses.items} == {"horse"}
    assert len(horses.items) == 20
    assert only_classes(examples_of(folder), []) == examples_of(folder)
    with pytest.raises(BenchError, match=r"'hores'.*horse"):
        only_classes(examples_of(folder), ["hores"])


def test_a_limit_is_half_real_and_half_fake_and_smaller_ones_are_parts_of_larger_ones(folder: Path) -> None:
    everything = examples_of(folder)
    small, large = limited(everything, 6, seed=1), limited(everything, 16, seed=1)
    assert labels(small).sum() == 3
    assert len(small.items) == 6
    assert set(paths(small)) < set(paths(large)) < set(paths(everything))
    assert paths(small) == sorted(paths(small))
    assert paths(limited(everything, 6, seed=1)) == paths(small) != paths(limited(everything, 6, seed=2))
    assert "3 real and 3 fake" in small.rule
    assert limited(everything, None, 1) == everything


@pytest.mark.parametrize(
    ("limit", "message"), [(5, "even number"), (0, "even"), (42, "21 real images, and there are 20")]
)
def test_impossible_limits_are_refused(folder: Path, limit: int, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        limited(examples_of(folder), limit, 0)


def test_a_label_that_is_missing_is_named(tmp_path: Path) -> None:
    write_images(tmp_path / "data")
    for file in (tmp_path / "data/horse/1_fake").iterdir():
        file.unlink()
    with pytest.raises(BenchError, match="has no fake images"):
        examples_of(tmp_path / "data")


def test_the_digest_sees_content_label_and_choice(folder: Path, tmp_path: Path) -> None:
    before = examples_of(folder)
    assert only_classes(before, ["cat"]).digest != before.digest
    (folder / "cat/0_real/00.png").write_bytes((folder / "cat/0_real/01.png").read_bytes())
    assert examples_of(folder).digest != before.digest


def test_the_card_counts_every_class(folder: Path) -> None:
    told = examples_of(folder).describe()
    assert told["images"] == {"real": 20, "fake": 20}
    assert told["classes"] == {name: {"real": 10, "fake": 10} for name in ("cat", "horse")}


def test_unreadable_images_are_named_before_training_or_skipped_when_asked(folder: Path) -> None:
    whole = (folder / "cat/0_real/00.png").read_bytes()
    (folder / "cat/0_real/00.png").write_bytes(whole[: len(whole) // 2])  # its header is fine
    (folder / "horse/1_fake/03.png").write_bytes(b"no image")
    broken = examples_of(folder)
    with pytest.raises(BenchError, match=r"cat/0_real/00.png \(truncated.*horse/1_fake/03.png.*skip unr"):
        check_readable(broken, skip=False, advance=silent)
    left = check_readable(broken, skip=True, advance=silent)
    assert len(left.items) == 38
    assert [path for path, _ in left.skipped] == ["cat/0_real/00.png", "horse/1_fake/03.png"]
    assert len(left.describe()["unreadable_skipped"]) == 2


def test_a_checked_folder_is_not_decoded_again_but_skipping_must_be_asked_for_again(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "cat/0_real/00.png").write_bytes(b"no image")
    looked: list[str] = []

    def advance(what: str, done: int, total: int) -> None:
        looked.append(what)

    order = TrainingRequest("it", tmp_path / "out", str(folder), skip_unreadable=True)
    first = gather(order, Processes(), advance)
    assert any(what.startswith("checking") for what in looked)
    looked.clear()
    assert gather(order, Processes(), advance) == first
    assert not any(what.startswith("checking") for what in looked)
    with pytest.raises(BenchError, match="skip unreadable"):
        gather(TrainingRequest("it", tmp_path / "out", str(folder)), Processes(), advance)


def test_a_folder_with_train_and_val_serves_for_both(tmp_path: Path) -> None:
    write_images(tmp_path / "data/train")
    write_images(tmp_path / "data/val", number=2, start=50)
    data = gather(TrainingRequest("it", tmp_path / "out", str(tmp_path / "data")), Processes(), silent)
    assert data.validation is not None
    assert (len(data.train.items), len(data.validation.items)) == (12, 4)


def test_training_and_validation_images_are_read_by_the_same_rules(tmp_path: Path) -> None:
    write_images(tmp_path / "data/train")
    write_images(tmp_path / "data/val", number=2, start=50)
    root, rules = str(tmp_path / "data"), Rules(real=("{split}/**/0_real/*",), fake=("{split}/**/1_fake/*",))
    asked = TrainingRequest("it", tmp_path / "out", root, root, rules=rules)
    data = gather(asked, Processes(), silent)
    assert data.validation is not None
    assert (len(data.train.items), len(data.validation.items)) == (12, 4)


def test_images_on_both_sides_are_refused(tmp_path: Path) -> None:
    write_images(tmp_path / "data")
    order = TrainingRequest("it", tmp_path / "out", str(tmp_path / "data"), str(tmp_path / "data"))
    with pytest.raises(BenchError, match=r"12 images of .* are training images too"):
        gather(order, Processes(), silent)


@pytest.mark.parametrize("fakes", [True, False])
def test_only_reals_are_gathered_where_fakes_lie_beside_them_or_not(folder: Path, fakes: bool) -> None:
    for file in () if fakes else folder.glob("*/1_fake/*"):
        file.unlink()
    asked = TrainingRequest("it", folder.parent / "out", str(folder), classes=("horse",))
    data = gather(asked, Processes(), silent, reals_only=True)
    assert paths(data.train) == [f"horse/0_real/{i:02d}.png" for i in range(10)]
    told = data.describe()["train"]
    assert told["images"] == {"real": 10, "fake": 0}
    assert f"; {10 if fakes else 0} fake ones left out" in told["chosen"]
    few = gather(replace(asked, limit=6), Processes(), silent, reals_only=True).train
    assert len(few.items) == 3
    assert few.rule.startswith("3 real: ")
    if fakes:  # the reals that others train on under this limit
        assert set(paths(few)) < set(paths(gather(replace(asked, limit=6), Processes(), silent).train))


def test_a_reals_only_training_needs_reals_of_the_classes_asked_for(folder: Path) -> None:
    for file in (folder / "cat/0_real").iterdir():
        file.unlink()
    cats = TrainingRequest("it", folder.parent / "out", str(folder), classes=("cat",))
    with pytest.raises(BenchError, match=r"has no real images .*all that is learned from"):
        gather(cats, Processes(), silent, reals_only=True)


def test_an_epoch_shows_every_image_once_in_an_order_of_its_own() -> None:
    groups = [shuffled(seed=0, epoch=epoch, number=21, batch=8) for epoch in range(2)]
    for found in groups:
        assert [len(group) for group in found] == [8, 8, 5]
        assert sorted(index for group in found for index in group) == list(range(21))
    assert groups[0] != groups[1] == shuffled(0, 1, 21, 8)
    assert in_order(5, 2) == [[0, 1], [2, 3], [4]]


def test_processes_share_a_batch_without_overlap() -> None:
    group = list(range(11))
    shares = [Processes("cpu", rank, 3).share(group) for rank in range(3)]
    assert sorted(index for share in shares for index in share) == group
    assert [len(share) for share in shares] == [4, 4, 3]
