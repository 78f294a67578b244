"""Published benchmarks are read by name, as they lie: no file is sorted, none taken for what it is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from layouts import write_mock
from published_layouts import LAYOUTS, write
from typer.testing import CliRunner

from forenbench.cli.data import app
from forenbench.data.catalogue import open_dataset
from forenbench.data.check_counts import compare
from forenbench.data.dataset_page import dataset_page
from forenbench.data.descriptions import Spec, specs, suites
from forenbench.data.finding import find_files
from forenbench.data.sources.splits import SCORED, take
from forenbench.types import FAKE, REAL, Sample

REPOSITORY = Path(__file__).parents[2]
DESCRIBED = {name: spec for name, spec in specs().items() if not spec.builder}


@pytest.fixture(autouse=True)
def _memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def mocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write each described dataset below a data root of its own name."""
    folder = tmp_path_factory.mktemp("mocks")
    for name, spec in DESCRIBED.items():
        write_mock(folder / name, spec)
    return folder


def opened(name: str, root: Path) -> dict[str, tuple[Sample, ...]]:
    return {
        testset.name: testset.samples
        for dataset in open_dataset(name, data_root=root)
        for testset in dataset.testsets
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_published_layout_is_read_where_it_lies(layout: str, tmp_path: Path) -> None:
    expected = LAYOUTS[layout]
    write(expected, tmp_path)
    if expected.name in DESCRIBED:
        assert find_files(DESCRIBED[expected.name], tmp_path)[1].unlabelled == ()
    found = opened(expected.name, tmp_path)
    assert {
        name: tuple(sum(sample.label == label for sample in samples) for label in (REAL, FAKE))
        for name, samples in found.items()
    } == expected.found
    assert list(found) == list(expected.found)
    samples = [sample for several in found.values() for sample in several]
    assert {sample.class_name for sample in samples} - {""} == {*expected.classes.split()}
    assert {sample.origin for sample in samples} - {""} == {*expected.origins.split()}


@pytest.mark.parametrize("spec", DESCRIBED.values(), ids=lambda spec: spec.name)
def test_every_place_that_a_description_names_is_found_and_checked(spec: Spec, mocks: Path) -> None:
    _, findings = find_files(spec, mocks / spec.name)
    lines = compare(spec, take(findings.samples, SCORED).samples)
    assert findings.unlabelled == ()
    assert [line for line in lines if line.problem in ("missing", "unknown folder")] == []
    result = CliRunner().invoke(app, ["check", spec.name, "--data-root", str(mocks / spec.name)])
    assert result.exit_code == any(line.problem for line in lines), result.output


def test_a_photograph_and_what_was_made_of_it_have_one_origin_across_datasets(tmp_path: Path) -> None:
    write(LAYOUTS["DDA-COCO"], tmp_path)
    found = opened("dda-coco", tmp_path)["sdxl-vae"]
    pairs = {(sample.origin, sample.label) for sample in found}
    assert pairs == {(origin, label) for origin in ("000000000139", "000000000285") for label in (REAL, FAKE)}


def test_the_same_reals_are_the_same_test_set_wherever_they_lie(tmp_path: Path) -> None:
    digests = []
    for layout in ("Synthbuster and RAISE-1k as archives", "Synthbuster as GRIP's script unpacks it"):
        write(LAYOUTS[layout], tmp_path / layout)
        (dataset,) = open_dataset("synthbuster", data_root=tmp_path / layout)
        digests.append([testset.digest for testset in dataset.testsets])
    assert digests[0] == digests[1]


def test_the_lists_of_papers_select_what_is_described() -> None:
    found = suites()
    assert [part.dataset for part in found["dda-11"].parts] == [
        *("genimage", "drct-2m", "dda-coco", "evalgen", "synthbuster", "forensynths"),
        *("aigcdetect", "chameleon", "synthwildx", "wildrf", "bfree-online"),
    ]
    assert found["dda-14"].parts == found["dda-11"].parts
    sizes = {part.dataset: len(part.testsets) for part in found["dda-11"].parts}
    # generators of DDA's own tables: 8, 16, 6 (five, by its text), 5, 9, 13, 17; then 3 and 3
    assert [sizes[name] for name in ("genimage", "drct-2m", "dda-coco", "evalgen")] == [8, 16, 6, 5]
    assert [sizes[name] for name in ("synthbuster", "forensynths", "aigcdetect")] == [9, 13, 17]
    assert sizes["synthwildx"] == sizes["wildrf"] == 3
    assert {len(part.testsets) for part in found["cospy-bench"].parts} == {22}


def test_a_suite_that_names_no_test_sets_takes_all_of_a_dataset() -> None:
    assert suites()["truefake"].parts[0].testsets == specs()["truefake-presocial"].testsets


def test_checksums_are_checksums() -> None:
    known = [one for spec in DESCRIBED.values() for one in spec.downloads]
    assert [one for one in known if one.sha256 and not re.fullmatch("[0-9a-f]{64}", one.sha256)] == []
    assert [one for one in known if one.md5 and not re.fullmatch("[0-9a-f]{32}", one.md5)] == []


def test_the_page_of_all_datasets_is_what_their_descriptions_say() -> None:
    page = (REPOSITORY / "docs" / "datasets.md").read_text(encoding="utf-8")
    made = "\n".join(dataset_page(one) for one in (*specs().values(), *suites().values()))
    assert page.endswith(f"\n\n{made}"), (
        "docs/datasets.md is not what 'bench data list --describe all' prints: put that behind its head"
    )
