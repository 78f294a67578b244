"""Class activation maps peak where the evidence is planted, and add up to the logit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from forenbench.errors import BenchError
from forenbench.pictures.cam import activation_map, cam_picture
from forenbench.plugins.loading import load
from forenbench.testing import Brightness, tiny_image
from forenbench.types import Detector, LogitDetector
from forenbench.weights import Weights

BIAS = -0.75


class Redness(LogitDetector):
    """Logit: twice the red of 8×8 patches, less three times their blue, both in [0, 1], averaged."""

    name, version, threshold = "redness", "1", 0.5

    def __init__(self, *ending: nn.Module) -> None:
        patches = nn.Conv2d(3, 3, 8, stride=8, bias=False)
        head = nn.Linear(3, 1)
        with torch.no_grad():
            patches.weight.copy_(torch.eye(3)[:, :, None, None].expand(3, 3, 8, 8) / 64)
            head.weight.copy_(torch.tensor([[2.0, 0.0, -3.0]]))
            head.bias.fill_(BIAS)
        self.network = nn.Sequential(patches, *ending, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
        self.network.requires_grad_(False)

    def prepare(self, image: Image.Image) -> Tensor:
        return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float() / 255

    def logit(self, batch: Tensor) -> Tensor:
        logits: Tensor = self.network(batch)
        return logits.squeeze(1)


def with_patches() -> Image.Image:
    """A black image of 64×48 with a red patch at (row 4, column 1) and a blue one at (1, 6), in eights."""
    image = Image.new("RGB", (64, 48))
    image.paste((255, 0, 0), (8, 32, 16, 40))
    image.paste((0, 0, 255), (48, 8, 56, 16))
    return image


@pytest.mark.parametrize("ending", [(), (nn.ReLU(inplace=True),)], ids=["bare", "in place"])
def test_planted_patches_have_exactly_their_share_of_the_logit(ending: tuple[nn.Module, ...]) -> None:
    expected = np.zeros((6, 8), np.float32)
    expected[4, 1], expected[1, 6] = 2, -3
    found = activation_map(Redness(*ending), with_patches())
    np.testing.assert_allclose(found.values, expected, atol=1e-6)
    assert found.output == pytest.approx(-1 / 48 + BIAS)
    assert found.is_logit


def test_the_overlay_is_red_and_blue_there_and_nowhere_else() -> None:
    pixels = np.asarray(cam_picture(Redness(), with_patches())).astype(int)
    redder = pixels[..., 0] - pixels[..., 2]
    assert np.unravel_index(redder.argmax(), redder.shape)[0] // 8 == 4
    assert redder[36, 12] > 50
    assert redder[12, 52] < -50
    assert not redder[24:, 32:].any()


@pytest.mark.parametrize("name", ["cnndetection", "lgrad"])
def test_of_a_resnet_it_is_the_weighted_feature_map(name: str) -> None:
    """Zhou et al.'s map: the last feature map, weighed by the classifier; its mean is logit less bias."""
    detector = load(name, Weights("sample"))[0].detector
    network = getattr(detector, "network", None) or detector.classifier  # type: ignore[attr-defined]
    kept: list[Tensor] = []
    hook = network.layer4.register_forward_hook(lambda layer, inputs, output: kept.append(output.detach()))
    found = activation_map(detector, tiny_image(1, 256, 256))
    hook.remove()
    expected = torch.einsum("k,khw->hw", network.fc.weight.detach()[0], kept[0][0])
    np.testing.assert_allclose(found.values, expected.numpy(), rtol=1e-3, atol=1e-4)
    assert found.values.mean() + network.fc.bias.item() == pytest.approx(found.output, rel=1e-4, abs=1e-4)


def test_a_layer_that_is_used_twice_is_watched_where_it_gives_the_last_map() -> None:
    """Of 8×8 pixels the patches leave one place, so the map is that of the layer before them."""
    relu = nn.ReLU()
    detector = Redness(relu)
    detector.network.insert(0, relu)
    found = activation_map(detector, Image.new("RGB", (8, 8), (255, 0, 0)))
    np.testing.assert_allclose(found.values, np.full((8, 8), 2.0), atol=1e-5)


def test_the_detector_is_left_as_it_was() -> None:
    detector = Redness()
    activation_map(detector, with_patches())
    assert not any(layer._forward_hooks for layer in detector.network.modules())
    assert all(parameter.grad is None for parameter in detector.network.parameters())


class Cut(Redness):
    name = "cut"

    def logit(self, batch: Tensor) -> Tensor:
        return super().logit(batch).detach()


@pytest.mark.parametrize("detector", [Brightness(), Cut()], ids=lambda one: one.name)
def test_without_a_feature_map_behind_the_score_there_is_no_map(detector: Detector) -> None:
    with pytest.raises(BenchError, match=f"'{detector.name}' has no feature map to draw"):
        activation_map(detector, with_patches())
