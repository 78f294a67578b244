"""Datasets and suites by name: counts, order, shared reals, archives, protocols, and what is said."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from layouts import scaled, write_layout

from forenbench.data.catalogue import open_dataset
from forenbench.data.dataset import Dataset
from forenbench.data.descriptions import CountKey, Spec, parse, specs, suites
from forenbench.data.finding import MissingDataset
from forenbench.data.requests import find_spec
from forenbench.errors import BenchError
from forenbench.sample.build import EXTENTS
from forenbench.sample.photographs import photographs
from forenbench.testing import tiny_image
from forenbench.types import FAKE, REAL

SPECS, SUITES = specs(), suites()
PUBLISHED = [name for name, spec in SPECS.items() if not spec.builder]
COUNTED = [name for name in PUBLISHED if SPECS[name].counts and not SPECS[name].rules]
GANS = ["progan", "stylegan", "stylegan2", "biggan", "cyclegan", "stargan", "gaugan", "deepfake"]
WANG = [
    "progan",
    "cyclegan",
    "biggan",
    "stylegan",
    "gaugan",
    "stargan",
    "deepfake",
    "seeingdark",
    "san",
    "crn",
    "imle",
]
DIFFUSION = [
    "guided",
    "ldm_200",
    "ldm_200_cfg",
    "ldm_100",
    "glide_100_27",
    "glide_50_27",
    "glide_100_10",
    "dalle",
]


def totals(spec: Spec) -> dict[str, tuple[int, int]]:
    """Return (real, fake) of each generator."""
    numbers: Counter[tuple[str, int]] = Counter()
    for place, number in spec.counts.items():
        numbers[place.generator, place.label] += number
    return {name: (numbers[name, REAL], numbers[name, FAKE]) for name, _ in numbers}


def zipped(root: Path) -> None:
    """Turn a dataset's folder into the archive of its files, as its makers publish it."""
    shutil.make_archive(str(root), "zip", root)
    shutil.rmtree(root)


def describe(datasets: list[Dataset]) -> list[tuple[str, str, int, str]]:
    return [(t.dataset, t.name, t.order, t.digest) for dataset in datasets for t in dataset.testsets]


def test_forensynths_holds_what_the_reference_lists() -> None:
    found = totals(SPECS["forensynths"])
    assert found == {
        "progan": (4000, 4000), "stylegan": (5991, 5991), "stylegan2": (7988, 7988), "biggan": (2000, 2000),
        "cyclegan": (1321, 1321), "stargan": (1999, 1999), "gaugan": (5000, 5000), "crn": (6382, 6382),
        "imle": (6382, 6382), "seeingdark": (180, 180), "san": (219, 219), "deepfake": (2707, 2698),
        "whichfaceisreal": (1000, 1000),
    }  # fmt: skip
    assert [sum(numbers) for numbers in zip(*found.values(), strict=True)] == [45169, 45160]


@pytest.mark.parametrize(("one", "other"), [("apple", "orange"), ("horse", "zebra"), ("summer", "winter")])
def test_cyclegan_translates_each_class_into_its_partner(one: str, other: str) -> None:
    counts = SPECS["forensynths"].counts
    for here, there in ((one, other), (other, one)):
        assert counts[CountKey("cyclegan", here, FAKE)] == counts[CountKey("cyclegan", there, REAL)]


def test_training_and_validation_sets_hold_twenty_classes_of_progan() -> None:
    assert totals(SPECS["forensynths-train"]) == {"progan": (20 * 18003, 20 * 18003)}
    assert totals(SPECS["forensynths-val"]) == {"progan": (4000, 4000)}
    classes = {p.class_name for p in SPECS["forensynths"].counts if p.generator == "progan"}
    for name in ("forensynths-train", "forensynths-val"):
        assert {place.class_name for place in SPECS[name].counts} == classes
    assert len(classes) == 20


def test_the_sample_s_counts_are_those_of_its_builder() -> None:
    number = len(photographs("test")) * EXTENTS["test"].crops
    assert totals(SPECS["sample"]) == dict.fromkeys(EXTENTS["test"].families, (number, number))


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_description_is_complete(name: str) -> None:
    spec = SPECS[name]
    assert all((spec.description, spec.licence, spec.source, spec.folder, spec.instructions))
    for generator, label in spec.formats:
        assert sum(spec.formats[generator, label].values()) == totals(spec)[generator][label]
    for names in spec.reals.values():
        assert set(names) <= set(spec.testsets)


@pytest.mark.parametrize(
    ("suite", "expected"),
    [
        ("lgrad-table1", ["progan", "stylegan", "stylegan2"]),
        ("lgrad-table2", ["progan"]),
        ("lgrad-table3", GANS),
        ("univfd-19", WANG + DIFFUSION),
        (
            "cnndetection-11",
            [
                "progan",
                "stylegan",
                "biggan",
                "cyclegan",
                "stargan",
                "gaugan",
                "crn",
                "imle",
                "seeingdark",
                "san",
                "deepfake",
            ],
        ),
    ],
)
def test_suites_select_published_test_sets_in_the_published_order(suite: str, expected: list[str]) -> None:
    parts = SUITES[suite].parts
    assert [name for part in parts for name in part.testsets] == expected
    assert all(set(part.testsets) <= set(SPECS[part.dataset].testsets) for part in parts)


@pytest.mark.parametrize("name", COUNTED)
def test_a_miniature_opens_under_its_name_with_nothing_left_aside(tmp_path: Path, name: str) -> None:
    spec = SPECS[name]
    write_layout(tmp_path, name)
    (dataset,) = open_dataset(name, data_root=tmp_path)
    assert dataset.name == name
    assert [(t.name, t.order) for t in dataset.testsets] == [(n, i) for i, n in enumerate(spec.testsets)]
    assert len(dataset.facts) == sum(scaled(spec).values())
    assert not any("left aside" in note for note in dataset.notes)


@pytest.mark.parametrize("name", ["forensynths-val", "univfd-diffusion"])
def test_how_the_files_are_stored_does_not_matter(tmp_path: Path, name: str) -> None:
    (root,) = write_layout(tmp_path, name)
    unpacked = open_dataset(name, data_root=tmp_path)
    zipped(root)
    archived = open_dataset(name, data_root=tmp_path)
    assert describe(archived) == describe(unpacked)
    assert archived[0].testsets[0].samples == unpacked[0].testsets[0].samples


def test_a_folder_of_classes_belongs_to_its_one_generator(tmp_path: Path) -> None:
    write_layout(tmp_path, "forensynths-val")
    (testset,) = open_dataset("forensynths-val", data_root=tmp_path)[0].testsets
    horses = [sample for sample in testset.samples if sample.class_name == "horse"]
    assert [(s.path, s.label, s.generator, s.real_source) for s in horses] == [
        ("horse/0_real/00000.png", REAL, "progan", "progan"),
        ("horse/1_fake/00000.png", FAKE, "progan", ""),
    ]


def test_diffusion_sets_share_their_reals_which_are_read_once(tmp_path: Path) -> None:
    write_layout(tmp_path, "univfd-diffusion", 2)
    (dataset,) = open_dataset("univfd-diffusion", data_root=tmp_path)
    reals = {t.name: {s.real_source for s in t.samples if s.label == REAL} for t in dataset.testsets}
    assert reals == {"guided": {"imagenet"}, **{name: {"laion"} for name in DIFFUSION[1:]}}
    assert all(Counter(s.label for s in t.samples) == {REAL: 2, FAKE: 2} for t in dataset.testsets)
    assert all({s.generator for s in t.samples} == {t.name} for t in dataset.testsets)
    assert len(dataset.facts) == 8 * 2 + 2 * 2


def test_reals_of_a_test_set_s_own_are_not_joined_by_shared_ones(tmp_path: Path) -> None:
    (root,) = write_layout(tmp_path, "univfd-diffusion")
    shutil.copytree(root / "laion" / "0_real", root / "dalle" / "0_real")
    testsets = {t.name: t for t in open_dataset("univfd-diffusion", data_root=tmp_path)[0].testsets}
    real = {name: [s.path for s in t.samples if s.label == REAL] for name, t in testsets.items()}
    assert real["dalle"] == ["dalle/0_real/00000.png"]
    assert real["ldm_100"] == ["laion/0_real/00000.png"]


def test_a_suite_opens_its_datasets_in_its_own_order(tmp_path: Path) -> None:
    write_layout(tmp_path, "univfd-19")
    wang, diffusion = open_dataset("univfd-19", data_root=tmp_path)
    assert [(d.name, d.checkpoints) for d in (wang, diffusion)] == [
        ("forensynths", "published"),
        ("univfd-diffusion", "published"),
    ]
    assert [(t.order, t.name) for t in wang.testsets] == list(enumerate(WANG))
    assert [(t.order, t.name) for t in diffusion.testsets] == list(enumerate(DIFFUSION, start=11))


def test_a_suite_s_test_sets_are_those_of_the_dataset(tmp_path: Path) -> None:
    write_layout(tmp_path, "forensynths")
    (whole,) = open_dataset("forensynths", data_root=tmp_path)
    (chosen,) = open_dataset("cnndetection-11", data_root=tmp_path)
    digests = {t.name: t.digest for t in whole.testsets}
    assert all(digests[t.name] == t.digest for t in chosen.testsets)
    assert not {"stylegan2", "whichfaceisreal"} & {t.name for t in chosen.testsets}


def test_some_generators_of_a_suite_keep_their_places(tmp_path: Path) -> None:
    write_layout(tmp_path, "univfd-19")
    (diffusion,) = open_dataset("univfd-19", data_root=tmp_path, generators=["dalle", "guided"])
    assert [(t.order, t.name) for t in diffusion.testsets] == [(11, "guided"), (18, "dalle")]
    with pytest.raises(BenchError, match="unknown generator of suite 'univfd-19' 'dale': did you mean dalle"):
        open_dataset("univfd-19", data_root=tmp_path, generators=["dale"])


def write_progan_alone(data_root: Path, images_per_class: int = 1) -> Path:
    """Write ForenSynths as it is while its other test sets are still to come."""
    (root,) = write_layout(data_root, "forensynths", images_per_class)
    for folder in root.iterdir():
        if folder.name != "progan":
            shutil.rmtree(folder)
    return root


def test_what_is_not_there_says_where_to_get_it(tmp_path: Path) -> None:
    fetch = f"'bench data fetch forensynths --data-root {tmp_path}'"
    with pytest.raises(MissingDataset, match=rf"CNN_synth_testset\.zip'.*{fetch}.*CC BY-NC"):
        open_dataset("lgrad-table3", data_root=tmp_path)
    write_progan_alone(tmp_path)
    with pytest.raises(MissingDataset, match="holds no file of gaugan"):
        open_dataset("forensynths", data_root=tmp_path, generators=["gaugan"])


def test_an_incomplete_dataset_is_opened_and_said(tmp_path: Path) -> None:
    write_progan_alone(tmp_path)
    (dataset,) = open_dataset("lgrad-table3", data_root=tmp_path)
    assert [t.name for t in dataset.testsets] == ["progan"]
    assert (
        "not as published: progan/airplane real: 1 images, expected 200; "
        f"'bench data check forensynths --data-root {tmp_path}' shows all 47 differences" in dataset.notes
    )


@pytest.mark.slow
def test_a_protocol_and_a_limit_choose_one_after_the_other_and_leave_their_names(tmp_path: Path) -> None:
    root = write_progan_alone(tmp_path, 2)
    (root / "progan/horse/0_real/00001.png").rename(root / "progan/horse/0_real/00001.PNG")
    (plain,) = open_dataset("forensynths", data_root=tmp_path)
    (official,) = open_dataset("forensynths", data_root=tmp_path, protocol="lgrad-official")
    (few,) = open_dataset("forensynths", data_root=tmp_path, protocol="lgrad-official", limit=3)
    testsets = [dataset.testsets[0] for dataset in (plain, official, few)]
    assert [t.protocol for t in testsets] == ["all", "lgrad-official", "lgrad-official, limit 3"]
    assert [len(t.samples) for t in testsets] == [80, 79, 6]
    assert len({t.digest for t in testsets}) == 3
    assert (
        "test set 'progan' (1, the first 'progan/horse/0_real/00001.PNG'): lgrad-official leaves out files "
        "of another extension" in official.notes
    )
    with pytest.raises(BenchError, match="unknown protocol 'univfd': did you mean univfd-official"):
        open_dataset("forensynths", data_root=tmp_path, protocol="univfd")


def test_a_test_set_of_which_a_protocol_leaves_nothing_is_not_run_but_noted(tmp_path: Path) -> None:
    for name in ("a/0_real/1.png", "a/1_fake/1.png", "b/0_real/1.PNG", "b/1_fake/1.PNG"):
        (tmp_path / "own" / name).parent.mkdir(parents=True)
        tiny_image(1).save(tmp_path / "own" / name)
    (dataset,) = open_dataset(str(tmp_path / "own"), data_root=tmp_path, protocol="lgrad-official")
    assert [testset.name for testset in dataset.testsets] == ["a"]
    assert any(
        "'b' (2, the first 'b/0_real/1.PNG'): lgrad-official leaves out" in note for note in dataset.notes
    )
    with pytest.raises(BenchError, match=r"holds no file of b \(protocol lgrad-official\)"):
        open_dataset(str(tmp_path / "own"), data_root=tmp_path, protocol="lgrad-official", generators=["b"])


def test_archives_and_folders_are_found_by_path(tmp_path: Path) -> None:
    (root,) = write_layout(tmp_path, "univfd-diffusion")
    zipped(root)
    archive = tmp_path / "diffusion_datasets.zip"
    (dataset,) = open_dataset(str(archive), data_root=tmp_path)
    assert find_spec(str(archive)) == Spec("diffusion_datasets", "", "", folder=str(archive))
    assert dataset.name == "diffusion_datasets"


def test_a_misspelt_key_is_refused() -> None:
    with pytest.raises(BenchError, match=r"datasets/mine\.toml: unknown key 'license'"):
        parse("mine", {"description": "", "license": "MIT"})


def test_a_dataset_that_cannot_be_made_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(BenchError, match=r"'sample' cannot be made at .*file.*XDG_CACHE_HOME"):
        open_dataset("sample", data_root=tmp_path)
