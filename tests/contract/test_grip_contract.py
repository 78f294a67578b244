"""Community Forensics and the detectors of GRIP's ResNet-50 keep the contract, around a tiny network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from formula import he_weights, shapes_of
from published_keys import flat
from torch import nn

from forenbench.detectors.commfor import CommunityForensics
from forenbench.detectors.grag2021 import Gragnaniello
from forenbench.testing import CHECKS, check_detector
from forenbench.types import Detector
from forenbench.weights import Weights

PLUGINS: dict[type[Detector], str] = {CommunityForensics: "vit-s-224", Gragnaniello: "progan"}


@pytest.mark.slow
@pytest.mark.parametrize("plugin", PLUGINS)
def test_contract(plugin: type[Detector], tmp_path: Path) -> None:
    variant = PLUGINS[plugin]
    (checkpoint,) = plugin.needs[variant]  # type: ignore[attr-defined]
    torch.save(flat(checkpoint.name), tmp_path / "weights.pth")
    weights = Weights(paths={checkpoint.name: tmp_path / "weights.pth"}, unverified=True)
    made = plugin(variant, weights)
    # For the many images of the contract: what is ours lies around the network.
    small = nn.Sequential(
        nn.Conv2d(3, 8, 5, 4, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 1)
    )
    small.load_state_dict(he_weights(shapes_of(small)))
    made.network = small.requires_grad_(False)  # type: ignore[attr-defined]
    results = {one.check: one.problem for one in check_detector(made)}
    (guess,) = (check for check in CHECKS if check.startswith("higher means"))
    del results[guess]  # weights by formula have seen no fakes
    assert results == dict.fromkeys(results, "")
    assert {*results, guess} == set(CHECKS)
