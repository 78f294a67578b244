"""AutoGAN and co-occurrence keep the contract with weights by formula: nobody publishes any."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from formula import he_weights, shapes_of
from torch import nn

from forenbench.detectors import autogan, cooccurrence
from forenbench.testing import CHECKS, check_detector
from forenbench.types import Detector
from forenbench.weights import Weights

NETWORKS = {autogan.AutoGAN: autogan.NETWORKS, cooccurrence.Cooccurrence: cooccurrence.NETWORKS}


def detector(plugin: type[Detector], variant: str, folder: Path) -> Detector:
    """Make a variant whose file has weights by formula."""
    network = NETWORKS[plugin][variant]
    file = folder / network.checkpoint.file
    with torch.device("meta"):
        shapes = shapes_of(network.build())
    torch.save(he_weights(shapes), file)
    return plugin(variant, Weights(paths={network.checkpoint.name: file}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plugin", "variant"), [(autogan.AutoGAN, "fft-progan"), (cooccurrence.Cooccurrence, "grip-progan")]
)
def test_contract(plugin: type[Detector], variant: str, tmp_path: Path) -> None:
    made = detector(plugin, variant, tmp_path)
    # A network of two layers, for the many images of the contract: what is ours lies around it.
    small = nn.Sequential(
        nn.Conv2d(3, 8, 5, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)
    )
    small.load_state_dict(he_weights(shapes_of(small)))
    made.network = small.requires_grad_(False)  # type: ignore[attr-defined]
    results = {one.check: one.problem for one in check_detector(made)}
    (guess,) = (check for check in CHECKS if check.startswith("higher means"))
    del results[guess]  # weights by formula have seen no fakes
    assert results == dict.fromkeys(results, "")
    assert {*results, guess} == set(CHECKS)


def test_the_first_class_of_autogan_and_the_second_of_grip_are_generated(tmp_path: Path) -> None:
    for plugin, variant, fake in (
        (autogan.AutoGAN, "image-progan", 0),
        (cooccurrence.Cooccurrence, "grip-progan", 1),
    ):
        made = detector(plugin, variant, tmp_path)
        batch = torch.rand(2, 3, 256, 256)
        with torch.no_grad():
            classes = made.network(batch)  # type: ignore[attr-defined]
        logits = made.logit(batch)  # type: ignore[attr-defined]
        torch.testing.assert_close(logits, classes[:, fake] - classes[:, 1 - fake])
