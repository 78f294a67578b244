"""Every installed detector keeps the contract with the checkpoints that come with the package."""

from __future__ import annotations

import pytest

from forenbench.perturbations import parse
from forenbench.plugins.installed import FoundPlugin, installed
from forenbench.plugins.loading import load, load_all
from forenbench.scoring.pipeline import score_testset
from forenbench.testing import CHECKS, MemorySource, check_detector, tiny_image
from forenbench.types import Sample, TestSet
from forenbench.weights import Weights

SAMPLE = [f"{found.name}:{variant}" for found in installed() for variant in found.variants("sample")]


@pytest.fixture(scope="module")
def weights() -> Weights:
    return Weights("sample")


def test_the_three_papers_are_there() -> None:
    assert {name.partition(":")[0] for name in SAMPLE} >= {"lgrad", "univfd", "cnndetection"}


@pytest.mark.parametrize("found", installed(), ids=lambda found: found.name)
def test_every_published_variant_says_which_files_it_reads(found: FoundPlugin) -> None:
    needs = found.plugin.needs
    assert set(needs) >= set(found.variants("published"))
    for variant in found.variants("published"):
        assert needs[variant]
        assert set(needs[variant]) <= set(found.checkpoints)


def test_a_checkpoint_that_detectors_share_is_one_and_the_same_file() -> None:
    """LGrad differentiates some networks that UnivFD takes features from."""
    files: dict[str, set[tuple[str, ...]]] = {}
    for found in installed():
        for one in found.checkpoints:
            files.setdefault(one.name, set()).add((one.file, one.source, str(one.sha256), *one.urls))
    assert {name: len(facts) for name, facts in files.items()} == dict.fromkeys(files, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SAMPLE if name not in ("univfd:nn-k3", "univfd:nn-k5")])
def test_contract(name: str, weights: Weights) -> None:
    """Of UnivFD's neighbours one and nine: those between are the same code, and take as long."""
    (loaded,) = load(name, weights)
    results = {result.check: result.problem for result in check_detector(loaded.detector)}
    assert results == dict.fromkeys(CHECKS, "")


@pytest.mark.slow
def test_scores_do_not_depend_on_what_runs_beside(weights: Weights) -> None:
    """Bit for bit: a resumed run scores other cells together than the first one did."""
    loaded = load_all(["lgrad", "univfd:lc", "univfd:nn-k1", "cnndetection"], weights)
    chosen = [one.detector for one in loaded]
    images = [tiny_image(i, 250 + i % 2, 256) for i in range(6)]
    testset = TestSet("d", "t", tuple(Sample(str(i), i % 2) for i in range(6)), MemorySource(images), "")
    none, jpeg = parse("none"), parse("jpeg:75")
    together = score_testset(testset, [(none, chosen), (jpeg, chosen)], seed=0, device="cpu")
    for detector in chosen:
        alone = score_testset(testset, [(jpeg, [detector])], seed=0, device="cpu")
        assert [r.score for r in alone["jpeg:75", detector.name]] == [
            r.score for r in together["jpeg:75", detector.name]
        ]
