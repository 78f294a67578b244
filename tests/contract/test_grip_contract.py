"""Community Forensics, ClipDet and GRIP's ResNet-50 keep the contract, around tiny networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from formula import he_weights, shapes_of
from published_keys import flat
from torch import Tensor, nn

from forenbench.detectors._nets.encoders import FrozenEncoder
from forenbench.detectors.clipdet import ClipDet, ClipLinear, Fusion
from forenbench.detectors.commfor import CommunityForensics
from forenbench.detectors.grag2021 import Gragnaniello
from forenbench.plugins.installed import Plugin
from forenbench.testing import CHECKS, check_detector
from forenbench.types import Detector
from forenbench.weights import Weights

pytestmark = pytest.mark.slow


class TinyTower(nn.Module):
    """Class tokens after a last norm, which is what ClipDet reads of its tower."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 1024, 8, 56)
        self.ln_post = nn.LayerNorm(1024)

    def forward(self, images: Tensor) -> Tensor:
        return self.ln_post(self.conv1(images).flatten(2).transpose(1, 2))[:, 0, :768]


def classifier() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, 4, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 1)
    )


def filled(network: nn.Module) -> nn.Module:
    network.load_state_dict(he_weights(shapes_of(network)))
    return network.requires_grad_(False)


def made(plugin: Plugin, variant: str, folder: Path) -> Detector:
    """Make a variant from files of the published keys, each entry one number many times."""
    paths = {one.name: folder / f"{one.name}.pth" for one in plugin.needs[variant]}
    for name, path in paths.items():
        torch.save(flat(name), path)
    return plugin(variant, Weights(paths=paths, unverified=True))


def assert_contract(detector: Detector) -> None:
    results = {one.check: one.problem for one in check_detector(detector)}
    (guess,) = (check for check in CHECKS if check.startswith("higher means"))
    del results[guess]  # weights by formula have seen no fakes
    assert results == dict.fromkeys(results, "")
    assert {*results, guess} == set(CHECKS)


@pytest.mark.parametrize(("plugin", "variant"), [(CommunityForensics, "vit-s-224"), (Gragnaniello, "progan")])
def test_contract_of_a_network(plugin: Plugin, variant: str, tmp_path: Path) -> None:
    detector = made(plugin, variant, tmp_path)
    # For the many images of the contract: what is ours lies around the network.
    detector.network = filled(classifier())  # type: ignore[attr-defined]
    assert_contract(detector)


def test_contract_of_clipdet_and_its_fusion(tmp_path: Path) -> None:
    fusion = made(ClipDet, "fusion", tmp_path)
    assert isinstance(fusion, Fusion)
    whole, clipdet = fusion.clipdet.encoder, fusion.clipdet
    clipdet.encoder = FrozenEncoder(filled(TinyTower()), whole.prepare, whole.width, taps=whole.taps)
    clipdet.head, fusion.corvi = filled(nn.Linear(1024, 1)), filled(classifier())
    assert isinstance(clipdet, ClipLinear)
    assert_contract(clipdet)
    assert_contract(fusion)
