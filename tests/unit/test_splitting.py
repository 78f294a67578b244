"""A division keeps together what belongs together, and gives each split its share; nothing else moves."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import forenbench
from forenbench.cli.index import index
from forenbench.data.catalogue import open_dataset
from forenbench.data.descriptions import Spec
from forenbench.data.dividing import Division, divide, shares_of
from forenbench.data.inventory import FileFacts
from forenbench.data.sources.folder import Folder, find_samples
from forenbench.data.split_manifests import write_splits
from forenbench.errors import BenchError
from forenbench.front.splitting import _shared
from forenbench.testing import tiny_image, write_tiny_dataset
from forenbench.types import FAKE, REAL, Sample, Stamp


def images(number: int, *, label: int = FAKE, generator: str = "sdxl", origin: str = "") -> list[Sample]:
    """Make samples of one stratum; an origin is numbered where its name has braces."""
    where = f"{label}/{generator}"
    return [Sample(f"{where}/{at}.png", label, generator, origin=origin.format(at)) for at in range(number)]


def divided(samples: list[Sample], seed: int = 0, same: tuple[str, ...] = (), **shares: float) -> Division:
    """Divide images of which all have other content, but for some."""
    facts = {one.path: FileFacts("same" if one.path in same else f"sha of {one.path}") for one in samples}
    return divide(samples, facts, shares_of(**(shares or {"val": 0.2})), seed)


def split_of(made: Division) -> dict[str, str]:
    return {one.path: split for split, found in made.samples.items() for one in found}


@pytest.mark.parametrize(
    ("given", "shares"),
    [
        ({"val": 0.2}, {"val": 0.2, "test": 0.8}),
        ({"train": 0.75}, {"test": 0.25, "train": 0.75}),
        ({"test": 0.25}, {"test": 0.25, "train": 0.75}),
        ({"test": 0.25, "train": 0.5}, {"val": 0.25, "test": 0.25, "train": 0.5}),
        ({"val": 0.1, "test": 0.2, "train": 0.7}, {"val": 0.1, "test": 0.2, "train": 0.7}),
    ],
)
def test_what_is_not_said_is_the_rest(given: dict[str, float], shares: dict[str, float]) -> None:
    assert shares_of(**given) == pytest.approx(shares)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "no split has a share"),
        ({"val": 0.0}, "val 0 is no share between 0 and 1"),
        ({"val": 1.0}, "val 1 is no share"),
        ({"val": 20.0}, "val 20 is no share"),
        ({"val": 0.6, "test": 0.6}, r"val 0.6 \+ test 0.6 is 1.2, not 1"),
        ({"val": 0.1, "test": 0.2, "train": 0.3}, "is 0.6, not 1"),
    ],
)
def test_shares_that_are_none_are_refused(given: dict[str, float], words: str) -> None:
    with pytest.raises(BenchError, match=words):
        shares_of(**given)


def test_each_split_has_its_share_of_every_stratum() -> None:
    """Exactly where the numbers allow it: a tenth and a fifth of 50, 20 and 10 images."""
    samples = images(50, label=REAL, generator="") + images(20) + images(10, generator="mj")
    made = divided(samples, val=0.1, test=0.2, train=0.7)
    for split, share in (("val", 0.1), ("test", 0.2), ("train", 0.7)):
        found = Counter((one.label, one.generator) for one in made.samples[split])
        expected = {(REAL, ""): 50 * share, (FAKE, "sdxl"): 20 * share, (FAKE, "mj"): 10 * share}
        assert found == {kind: round(number) for kind, number in expected.items()}
    assert made.merged == ()
    assert set(made.absent.values()) == {()}


def test_images_of_one_origin_are_in_one_split() -> None:
    reals = images(40, label=REAL, generator="", origin="photo {}")
    fakes = images(40, origin="photo {}") + images(40, generator="mj", origin="photo {}")
    made = divided(reals + fakes)
    assert made.bundles == {"val": 8, "test": 32}
    origins = [{one.origin for one in found} for found in made.samples.values()]
    assert not origins[0] & origins[1]


def test_files_of_one_content_are_in_one_split_and_so_are_their_origins() -> None:
    """That photographs 3 and 17 are one nobody said; their bytes do."""
    samples = images(40, origin="photo {}") + images(40, generator="mj", origin="photo {}")
    same = ("1/sdxl/3.png", "1/mj/17.png")
    for seed in range(8):
        found = split_of(divided(samples, seed, same, val=0.5))
        assert len({found[f"1/{name}/{at}.png"] for name in ("sdxl", "mj") for at in (3, 17)}) == 1


def test_links_of_others_hold_too() -> None:
    samples = images(40)
    facts = {one.path: FileFacts(one.path) for one in samples}
    for seed in range(8):
        made = divide(samples, facts, {"val": 0.5, "test": 0.5}, seed, [["1/sdxl/0.png", "1/sdxl/1.png"]])
        assert split_of(made)["1/sdxl/0.png"] == split_of(made)["1/sdxl/1.png"]


def test_files_that_cannot_be_read_are_not_one_content() -> None:
    samples = images(40)
    made = divide(samples, {one.path: FileFacts("") for one in samples}, {"val": 0.5, "test": 0.5})
    assert made.bundles == {"val": 20, "test": 20}


def test_a_seed_gives_one_division_and_another_seed_another() -> None:
    samples = images(40)
    assert split_of(divided(samples)) == split_of(divided(samples[::-1]))
    assert split_of(divided(samples)) != split_of(divided(samples, seed=1))


def test_neither_the_order_of_files_nor_another_content_of_one_origin_matters() -> None:
    """Each photograph is a bundle of two; to re-encode them all, or list them otherwise, moves none."""
    samples = images(40, origin="photo {}") + images(40, label=REAL, generator="", origin="photo {}")
    re_encoded = {one.path: FileFacts(f"other sha of {one.path}") for one in samples}
    first = split_of(divided(samples, val=0.3))
    assert split_of(divide(samples, re_encoded, shares_of(val=0.3))) == first
    alone = images(40)
    facts = {one.path: FileFacts(one.path) for one in alone}
    pairs = [[alone[at].path, alone[at + 1].path] for at in range(0, 40, 2)]
    one, other = (
        split_of(divide(some, facts, shares_of(val=0.3), 0, pairs)) for some in (alone, alone[::-1])
    )
    assert one == other


def test_files_that_are_added_elsewhere_move_nothing() -> None:
    before = images(40) + images(30, label=REAL, generator="")
    after = split_of(divided(before + images(25, generator="mj")))
    assert {path: after[path] for path in split_of(divided(before))} == split_of(divided(before))


@given(st.integers(20, 60), st.integers(0, 9))
def test_an_image_that_is_added_moves_at_most_what_lies_next_to_a_cut(number: int, seed: int) -> None:
    before, after = (
        split_of(divided(images(many), seed, val=0.3, test=0.3)) for many in (number, number + 1)
    )
    assert sum(after[path] != split for path, split in before.items()) <= 2


@given(st.integers(0, 50))
def test_a_line_too_short_for_a_share_has_it_in_one_of_several_seeds(seed: int) -> None:
    """Three images have no fifth: with most seeds one of them, and never more, is in it."""
    made = divided(images(3) + images(97, label=REAL, generator=""), seed)
    assert sum(one.label == FAKE for one in made.samples["val"]) <= 1


def test_strata_too_small_are_divided_together_and_named() -> None:
    """Forty classes of one image each: none of them has a fifth by itself, together they have."""
    samples = [Sample(f"{at}.png", FAKE, "sdxl", f"class {at}") for at in range(40)] + images(
        9, generator="mj"
    )
    made = divided(samples)
    assert Counter(one.generator for one in made.samples["val"])["sdxl"] == 8
    assert [str(one) for one in made.merged[:1]] == ["fake/sdxl/class 0"]
    assert len(made.merged) == 40  # and none of mj, of which there are enough
    assert len(made.absent["val"]) == 32


def test_an_empty_split_is_refused() -> None:
    with pytest.raises(BenchError, match=r"(val 0\.2|test 0\.8) of 1 origins is no image"):
        divided(images(10, origin="one video"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_tiny_dataset(tmp_path / "tiny")
    return tmp_path


def files(manifest: Path) -> dict[str, set[tuple[str, int]]]:
    """Open a manifest as a run does: paths and labels of each test set."""
    (opened,) = open_dataset(str(manifest), data_root=Path("data"))
    return {one.name: {(image.path, image.label) for image in one.samples} for one in opened.testsets}


def test_the_manifests_hold_the_dataset_once(here: Path) -> None:
    made = forenbench.split("tiny", val=0.5, progress=False)
    assert made.files == {split: Path(f"tiny-split/{split}.csv") for split in ("val", "test")}
    (whole,) = open_dataset("tiny", data_root=Path("data"))
    val, test = map(files, made.files.values())
    for one in whole.testsets:
        assert not val[one.name] & test[one.name]
        assert val[one.name] | test[one.name] == {(image.path, image.label) for image in one.samples}
    assert made.counts.to_dict("list") == {
        "split": ["val", "test"],
        "real": [4, 4],
        "fake": [4, 4],
        "origins": [8, 8],
    }


def test_a_manifest_and_an_archive_are_divided_as_their_folder_is(here: Path) -> None:
    index(Path("tiny"), out=Path("elsewhere/listed.csv"))
    shutil.make_archive("packed", "zip", "tiny")
    expected = files(forenbench.split("tiny", "a", val=0.5, progress=False).files["val"])
    assert (
        files(forenbench.split("elsewhere/listed.csv", "b/c", val=0.5, progress=False).files["val"])
        == expected
    )
    assert files(forenbench.split("packed.zip", "d", val=0.5, progress=False).files["val"]) == expected


def test_other_splits_in_the_folder_are_not_replaced(here: Path) -> None:
    forenbench.split("tiny", val=0.5, train=0.25, progress=False)
    before = {file: file.read_bytes() for file in Path("tiny-split").iterdir()}
    forenbench.split("tiny", val=0.5, train=0.25, progress=False)  # the same ones
    with pytest.raises(BenchError, match=r"'tiny-split/val\.csv' is there already"):
        forenbench.split("tiny", val=0.5, train=0.25, seed=1, progress=False)
    with pytest.raises(BenchError, match=r"'tiny-split/train\.csv' is of another division"):
        forenbench.split("tiny", val=0.5, progress=False)
    assert {file: file.read_bytes() for file in Path("tiny-split").iterdir()} == before


def test_pictures_that_look_alike_stay_together_if_that_is_asked(here: Path) -> None:
    """Each photograph is there a second time, as a JPEG: other bytes, and nobody says that it is the same."""
    for at in range(12):
        for label in ("0_real", "1_fake"):
            Path(f"doubled/{label}").mkdir(parents=True, exist_ok=True)
            image = tiny_image(at + 20 * (label == "1_fake"), 64, 64)
            image.save(f"doubled/{label}/{at}.png")
            image.save(f"doubled/{label}/{at}.jpg", quality=98)
    apart = forenbench.split("doubled", "apart", val=0.5, progress=False)
    together = forenbench.split("doubled", "together", val=0.5, near=True, progress=False)
    assert apart.counts["origins"].sum() == 48
    assert together.counts["origins"].sum() == 24
    stems = [
        {path.rpartition(".")[0] for path, _ in files(one)["doubled"]} for one in together.files.values()
    ]
    assert not stems[0] & stems[1]


def test_reals_that_a_description_shares_are_in_every_test_set_or_refused() -> None:
    real, own = Sample("r.png", REAL, "coco"), Sample("s.png", REAL, "a")
    spec = Spec("d", "", "", reals={"coco": ("a", "b")})
    assert _shared(real, spec, {"a", "b"}) == replace(real, generator="")
    assert _shared(own, spec, {"a", "b"}) == own
    with pytest.raises(BenchError, match="reals of 'coco' for some test sets and not for 'c', which a"):
        _shared(real, spec, {"a", "b", "c"})


class Elsewhere(Folder):
    """A source of which no manifest knows: a package's, say."""

    def stamps(self, paths: Sequence[str]) -> dict[str, Stamp]:
        return {path: Stamp(b"elsewhere " + path.encode(), "1") for path in paths}


def test_images_that_no_manifest_leads_to_are_refused(here: Path) -> None:
    samples = find_samples(Path("tiny")).samples
    facts = {one.path: FileFacts(one.path) for one in samples}
    made = divide(samples, facts, shares_of(val=0.5))
    with pytest.raises(BenchError, match=r"no manifest can say where '.*' of 'tiny' is; unpack the images"):
        write_splits(Path("out"), made, facts, Elsewhere(Path("tiny")), Path("tiny"))
    assert list(Path("out").iterdir()) == []


def test_suites_and_borrowed_reals_are_refused(here: Path) -> None:
    with pytest.raises(BenchError, match="is a suite: divide the datasets that it is made of"):
        forenbench.split("univfd-19", val=0.2)
    with pytest.raises(BenchError, match="the reals beside 'tiny' are those of 'tiny'"):
        forenbench.split("tiny", val=0.2, reals="tiny")
    with pytest.raises(BenchError, match="the reals beside 'synthbuster' are those of 'raise-1k'"):
        forenbench.split("synthbuster", val=0.2)


def test_one_split_of_several_is_divided(here: Path) -> None:
    for at, split in enumerate(("train", "test")):
        write_tiny_dataset(here / "both" / split, ("alpha",), 4 + 2 * at)
    assert forenbench.split("both", "a", val=0.5, progress=False).counts["real"].sum() == 6
    assert forenbench.split("both", "b", val=0.5, of="train", progress=False).counts["real"].sum() == 4
    made = forenbench.split("both", "c", val=0.5, of=("train", "val"), progress=False)
    assert made.counts["real"].sum() == 4
    (opened,) = open_dataset(str(made.files["val"]), data_root=Path("data"))
    assert opened.notes == ()  # nothing of it is of another split any more
