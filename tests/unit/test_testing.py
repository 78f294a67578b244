"""The contract finds each kind of broken detector, and passes a sound one."""

from __future__ import annotations

import random

import pytest
import torch
from PIL import Image
from torch import Tensor

from forenbench.plugins.loading import load
from forenbench.testing import CHECKS, Brightness, check_detector
from forenbench.types import LogitDetector
from forenbench.weights import Weights


class CouplesTheBatch(Brightness):
    def score(self, batch: Tensor) -> Tensor:
        return (batch[:, 0] - batch.mean()).sigmoid()


class Random(Brightness):
    def score(self, batch: Tensor) -> Tensor:
        return torch.tensor([random.random() for _ in batch])


class Reverses(Brightness):
    def score(self, batch: Tensor) -> Tensor:
        return batch[:, 0].flip(0)


class NeedsLargeImages(Brightness):
    def prepare(self, image: Image.Image) -> Tensor:
        if image.width < 32:
            raise ValueError("image too small")
        return super().prepare(image)


class DrawsOnItsInput(Brightness):
    def prepare(self, image: Image.Image) -> Tensor:
        image.putpixel((0, 0), (1, 2, 3))
        return super().prepare(image)


class NotANumber(Brightness):
    def score(self, batch: Tensor) -> Tensor:
        return batch[:, 0] * torch.nan


class NoThreshold(Brightness):
    threshold = float("nan")


class ReusesItsTensor(Brightness):
    def __init__(self) -> None:
        self.tensor = torch.empty(1)

    def prepare(self, image: Image.Image) -> Tensor:
        return self.tensor.copy_(super().prepare(image))


class WritesIntoItsBatch(Brightness):
    def score(self, batch: Tensor) -> Tensor:
        return torch.from_numpy(batch.numpy()).mul_(0.5)[:, 0] * 2


class ReusesItsFeatures(Brightness):
    """An encoder, too."""

    def __init__(self) -> None:
        self.encoder, self.features = self, torch.empty(99, 1)

    def encode(self, batch: Tensor) -> Tensor:
        return self.features[: len(batch)].copy_(batch)


class WritesIntoItsImages(ReusesItsFeatures):
    def encode(self, batch: Tensor) -> Tensor:
        return batch.mul_(0.5).clone()


class ReusesItsScores(ReusesItsTensor):
    def prepare(self, image: Image.Image) -> Tensor:
        return Brightness.prepare(self, image)

    def score(self, batch: Tensor) -> Tensor:
        self.tensor.resize_(max(len(self.tensor), len(batch)))
        return self.tensor[: len(batch)].copy_(batch[:, 0])


class Leaves(Brightness):
    def score(self, batch: Tensor) -> Tensor:
        raise SystemExit(0)


class Inverted(LogitDetector):
    """CNNDetection with the labels mixed up."""

    name, version, threshold = "inverted", "1", 0.5

    def __init__(self) -> None:
        self._right = load("cnndetection:small", Weights("sample"))[0].detector
        self.prepare = self._right.prepare  # type: ignore[method-assign]

    def logit(self, batch: Tensor) -> Tensor:
        assert isinstance(self._right, LogitDetector)
        return -self._right.logit(batch)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("detector", "check"),
    [
        (NoThreshold(), "name, version and threshold"),
        (NeedsLargeImages(), "one finite score for an image of any size"),
        (NotANumber(), "one finite score for grey, palette, alpha and 1-bit images"),
        (Reverses(), "order is kept"),
        (CouplesTheBatch(), "a batch gives what single images give"),
        (Random(), "the same input gives the same score"),
        (DrawsOnItsInput(), "the input image is left untouched"),
        (WritesIntoItsBatch(), "batches are left untouched"),
        (WritesIntoItsImages(), "batches are left untouched"),
        (ReusesItsTensor(), "what is returned is new memory each time"),
        (ReusesItsFeatures(), "what is returned is new memory each time"),
        (ReusesItsScores(), "what is returned is new memory each time"),
        (Leaves(), "order is kept"),
        (Inverted(), "higher means more likely generated"),
    ],
)
def test_each_check_fails_for_the_detector_it_is_meant_for(detector: Brightness, check: str) -> None:
    problems = {result.check: result.problem for result in check_detector(detector)}
    assert problems[check]


@pytest.mark.slow
def test_a_sound_detector_passes() -> None:
    results = check_detector(Brightness())
    assert [result.check for result in results] == list(CHECKS)
    assert [result.problem for result in results] == [""] * len(CHECKS)
