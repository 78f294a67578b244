"""The detectors of 2024 that look at pixels keep the contract with files in the published formats."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from formula import he_weights
from published_keys import published_keys, wrapped
from torch import nn

from forenbench.plugins.installed import find
from forenbench.testing import CHECKS, run_check
from forenbench.types import Detector
from forenbench.weights import Weights

# Weights by formula cannot tell generated pictures: what they think of the sample's says nothing.
KEPT = [name for name in CHECKS if name != "higher means more likely generated"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["npr:native", "patchcraft:progan"])
def detector(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Detector:
    name, _, variant = request.param.partition(":")
    plugin, folder = find(name).plugin, tmp_path_factory.mktemp(name)
    paths: dict[str, Path] = {}
    for one in plugin.needs[variant]:
        state = he_weights(published_keys()[one.name].items())
        paths[one.name] = folder / one.file
        torch.save(wrapped(one.name, one.key, state), paths[one.name])
    made: Detector = plugin(variant, Weights(paths=paths, unverified=True))
    if name == "patchcraft":
        # Four ordinary layers, for the many images of the contract: what is ours lies around them.
        made.network.group2 = nn.AvgPool2d(8)  # type: ignore[attr-defined]
    return made


@pytest.mark.parametrize("check", KEPT)
def test_the_contract_is_kept(detector: Detector, check: str) -> None:
    assert run_check(check, detector) == ""
