"""Gradient pictures are the classifier's own input; heat maps and overlays have the colours they promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from forenbench.errors import BenchError
from forenbench.perturbations import parse
from forenbench.pictures import gradient_picture, seen
from forenbench.pictures.heatmaps import grey, heat, overlay
from forenbench.plugins.loading import load
from forenbench.scoring.pipeline import score_testset
from forenbench.testing import Brightness, MemorySource, tiny_image
from forenbench.types import Detector, Sample, TestSet
from forenbench.weights import Weights


@pytest.fixture(scope="module")
def lgrad() -> Detector:
    return load("lgrad", Weights("sample"))[0].detector


class Listener(Brightness):
    """Hears what the pipeline gives a detector with another one's encoder."""

    def __init__(self, other: Detector) -> None:
        self.encoder = other.encoder  # type: ignore[attr-defined]
        self.heard: list[Tensor] = []

    def score(self, batch: Tensor) -> Tensor:
        self.heard.append(batch.clone())
        return batch.flatten(1).float().mean(1)


@pytest.mark.parametrize("size", [(256, 256), (301, 200)])
def test_the_gradient_picture_is_what_the_classifier_gets(lgrad: Detector, size: tuple[int, int]) -> None:
    image, listener = tiny_image(3, *size), Listener(lgrad)
    testset = TestSet("d", "t", (Sample("0", 0),), MemorySource([image]), "")
    score_testset(testset, [(parse("none"), [listener])], seed=0, device="cpu")
    picture = np.asarray(gradient_picture(lgrad, image))
    assert np.array_equal(picture, listener.heard[0][0].permute(1, 2, 0).numpy())
    assert (picture.min(), picture.max()) == (0, 255)


def test_other_detectors_have_no_gradient_picture() -> None:
    with pytest.raises(BenchError, match="'brightness' judges no gradient pictures"):
        gradient_picture(Brightness(), tiny_image(0))


def test_an_image_is_seen_resized_or_cropped(lgrad: Detector) -> None:
    image = tiny_image(5, 300, 260)
    assert seen(lgrad, image).size == (256, 256)
    cropped = seen(load("cnndetection", Weights("sample"))[0].detector, image)
    assert np.array_equal(np.asarray(cropped), np.asarray(image)[18:242, 38:262])


def test_without_words_on_pixels_the_tensor_is_stretched() -> None:
    class Odd(Brightness):
        def prepare(self, image: Image.Image) -> Tensor:
            return torch.tensor([[[-1.0, 0.0]], [[1.0, 3.0]], [[-1.0, 3.0]]])

    assert np.asarray(seen(Odd(), tiny_image(0))).tolist() == [[[0, 128, 0], [64, 255, 255]]]
    with pytest.raises(BenchError, match=r"prepares no picture, but \(1,\)"):
        seen(Brightness(), tiny_image(0))


def test_heat_goes_from_dark_blue_over_green_to_dark_red() -> None:
    colours = np.asarray(heat(Image.fromarray(np.array([[0, 128, 255]], np.uint8))))[0].tolist()
    assert colours == [[0, 0, 128], [128, 255, 128], [128, 0, 0]]


def test_grey_is_cut_off_at_black_and_white() -> None:
    levels = np.asarray(grey(np.array([[-9.0, 1.0, 2.0, 3.0, 9.0]]), 1.0, 3.0))[0, :, 0]
    assert levels.tolist() == [0, 0, 128, 255, 255]
    assert np.asarray(grey(np.zeros((2, 2)), 0.0, 0.0)).max() == 0


def test_an_overlay_is_red_where_positive_blue_where_negative_and_clear_at_zero() -> None:
    plain = Image.new("RGB", (3, 1), (100, 100, 100))
    red, clear, blue = np.asarray(overlay(plain, np.array([[2, 0, -2]], np.float32)))[0].astype(int)
    assert clear.tolist() == [146, 146, 146]  # pale: 96 + 100 / 2
    assert red[0] > 180 > 70 > red[2]
    assert blue[2] > 150 > 70 > blue[0]
    assert (np.asarray(overlay(plain, np.zeros((1, 1), np.float32))) == 146).all()
