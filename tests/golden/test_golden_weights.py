"""Our networks have the keys of the published files, in their order, and the formula fills them alike."""

from __future__ import annotations

import pytest
import torch
from formula import gan_weights, he_weights, sha256_of_weights, shapes_of
from golden import NUMBERS, keys_sha256

from forenbench.detectors._nets.gan_discriminators import pggan_256, stylegan_256
from forenbench.detectors._nets.networks import resnet_50

NETWORKS = {
    "resnet50": (resnet_50, he_weights),
    "univfd_head": (lambda: torch.nn.ModuleDict({"fc": torch.nn.Linear(768, 1)}), he_weights),
    "stylegan256_discriminator": (stylegan_256, gan_weights),
    "pggan256_discriminator": (pggan_256, gan_weights),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_keys_and_formula_weights_are_the_published_ones(name: str) -> None:
    build, formula = NETWORKS[name]
    shapes = shapes_of(build())
    assert keys_sha256(shapes) == NUMBERS["keys"][name]
    assert sha256_of_weights(formula(shapes)) == NUMBERS["weights"][name]
