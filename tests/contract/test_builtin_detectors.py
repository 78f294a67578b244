"""Every installed detector keeps the contract with the checkpoints that come with the package."""

from __future__ import annotations

import pytest

from forenbench import plugins
from forenbench.testing import CHECKS, check_detector
from forenbench.weights import Weights

SAMPLE = [f"{found.name}:{variant}" for found in plugins.installed() for variant in found.variants("sample")]


@pytest.fixture(scope="module")
def weights() -> Weights:
    return Weights("sample")


def test_the_three_papers_are_there() -> None:
    assert {name.partition(":")[0] for name in SAMPLE} >= {"lgrad", "univfd", "cnndetection"}


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_contract(name: str, weights: Weights) -> None:
    (loaded,) = plugins.load(name, weights)
    results = {result.check: result.problem for result in check_detector(loaded.detector)}
    assert results == dict.fromkeys(CHECKS, "")
