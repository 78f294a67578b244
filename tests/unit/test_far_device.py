"""Every built-in detector keeps to its device: nothing of a pass is made on, or left on, the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from far_device import FAR, FarDevice, Shapes, TwoDevices
from torch import Tensor

from forenbench.plugins.installed import find, installed
from forenbench.scoring.calls import encoder_of, output_of, prepare_of, prepared
from forenbench.testing import tiny_image
from forenbench.types import Detector, LogitDetector

FIRST = [f"{found.name}:{found.rows('published')[0]}" for found in installed()]
OTHERS = (
    *("clipdet:fusion", "cooccurrence:paper-progan", "univfd:nn-k9", "univfd:imagenet-resnet50-lc"),
    *(f"lgrad:{model}-1class" for model in ("vgg16", "clip-rn50", "vit", "deeplab-v3", "idinvert")),
    *("lgrad:inception-v3-1class", "lgrad:stylegan2-church-1class", "lgrad:progan-bedroom-1class"),
    *(f"frank:{name}-4class" for name in ("cnn", "resnet")),
)
"""Those that compute otherwise than the first row of their detector."""

ON_THE_CPU = ("clipdet:fusion", "durall:celeba-svm-rbf-4class")
"""Those whose last step is in float64 on the CPU, on purpose."""


@pytest.fixture(scope="module")
def weights() -> Shapes:
    """One for all: what detectors share is made once."""
    return Shapes(device=FAR)


def far_scores(detector: Detector, batch: Tensor) -> Tensor:
    """Do what a run does with a batch on a device."""
    encoder, output = encoder_of(detector), output_of(detector)
    if encoder is not None:
        batch = encoder.outputs(batch, [output])[output] if output else encoder.encode(batch)
    scores: Tensor = detector.logit(batch) if isinstance(detector, LogitDetector) else detector.score(batch)
    return scores


@pytest.mark.parametrize("name", [*FIRST, *OTHERS])
def test_a_detector_keeps_to_its_device(name: str, weights: Shapes) -> None:
    plugin, _, variant = name.partition(":")
    with FarDevice():
        detector = find(plugin).plugin(variant, weights)
    image = prepared(prepare_of(detector), tiny_image(0, 224, 224))
    assert not image.is_meta  # by readers, which know no device
    with FarDevice(), torch.no_grad():
        scores = far_scores(detector, image[None].to(FAR))
    assert scores.shape == (1,)
    assert scores.is_meta != (name in ON_THE_CPU)


# --- what the far device tells, of mistakes that detectors are apt to make


BATCH = (2, 3, 8, 8)
WRONG: dict[str, Callable[[Tensor], Any]] = {
    "a constant": lambda batch: batch - torch.arange(8),
    "a layer": lambda batch: torch.nn.functional.conv2d(batch, torch.ones(4, 3, 3, 3)),
    "a matrix": lambda batch: batch @ torch.eye(8),
    "a list": lambda batch: torch.cat([batch, torch.zeros(BATCH)]),
    "a mean": lambda batch: torch.nn.functional.batch_norm(batch, torch.zeros(3), torch.ones(3)),
    "a type": lambda batch: batch.to(torch.float16) * torch.ones(8, dtype=torch.float16),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_tensor_left_on_the_cpu_is_told(what: str) -> None:
    with FarDevice(), pytest.raises(TwoDevices, match="from the CPU beside"):
        WRONG[what](torch.empty(BATCH, device=FAR))


def test_no_array_is_made_of_a_tensor_that_is_away() -> None:
    with FarDevice(), pytest.raises(TypeError, match="numpy"):
        torch.empty(BATCH, device=FAR).numpy()


def test_what_a_gpu_allows_is_allowed() -> None:
    with FarDevice():
        batch = torch.empty(BATCH, device=FAR)
        assert (batch * torch.tensor(2.0)).is_meta
        assert batch[torch.tensor([1])].shape == (1, 3, 8, 8)
        assert torch.equal(batch.cpu(), torch.zeros(BATCH))
        assert batch.to("cpu", torch.float64).numpy().dtype == "float64"
        assert batch.isfinite().all()
        assert not (batch == 0).any()
        near = torch.ones(BATCH)
        near.copy_(batch)
        assert not near.any()
        assert batch.copy_(near).is_meta
