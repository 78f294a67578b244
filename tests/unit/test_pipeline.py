"""One pass: shared work is done once, order is kept, and each failure stays with the rows it belongs to."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from forenbench.data.sources.folder import Folder
from forenbench.perturbations import parse
from forenbench.scoring.batches import BATCH
from forenbench.scoring.pipeline import TestSetResults, score_testset
from forenbench.testing import Brightness, MemorySource, tiny_image
from forenbench.types import Detector, LogitDetector, Sample, TestSet

NONE = parse("none")


def in_memory(images: list[Image.Image]) -> TestSet:
    return TestSet(
        "d", "t", tuple(Sample(str(i), i % 2) for i in range(len(images))), MemorySource(images), ""
    )


def run(images: list[Image.Image], *detectors: Detector) -> TestSetResults:
    return score_testset(in_memory(images), [(NONE, detectors)], seed=0, device="cpu")


class Width(Brightness):
    """Tensors of as many shapes as there are widths; the score tells the image."""

    name = "width"

    def prepare(self, image: Image.Image) -> Tensor:
        return torch.full((image.width,), float(image.width))

    def score(self, batch: Tensor) -> Tensor:
        return batch[:, 0]


def test_order_is_kept_over_mixed_shapes_and_batches() -> None:
    widths = [3 + (7 * i) % 5 for i in range(2 * BATCH + 3)]
    results = run([tiny_image(i, width) for i, width in enumerate(widths)], Width())["none", "width"]
    assert [result.score for result in results] == widths


class Counting:
    """An encoder that counts its calls."""

    def __init__(self) -> None:
        self.prepared = self.encoded = 0

    def prepare(self, image: Image.Image) -> Tensor:
        self.prepared += 1
        return torch.tensor([float(image.width)])

    def encode(self, batch: Tensor) -> Tensor:
        self.encoded += len(batch)
        return batch * 2


class Head:
    version, threshold = "1", 0.5

    def __init__(self, name: str, encoder: Counting, factor: float) -> None:
        self.name, self.encoder, self.factor = name, encoder, factor
        self.prepare = encoder.prepare

    def score(self, batch: Tensor) -> Tensor:
        return batch[:, 0] * self.factor


def test_a_shared_encoder_runs_once_per_image() -> None:
    encoder = Counting()
    heads = [Head("one", encoder, 1.0), Head("ten", encoder, 10.0)]
    results = run([tiny_image(i, 5) for i in range(6)], *heads)
    assert (encoder.prepared, encoder.encoded) == (6, 6)
    assert [r.score for r in results["none", "one"]] == [10.0] * 6
    assert [r.score for r in results["none", "ten"]] == [100.0] * 6


def test_each_file_is_decoded_once_for_all_perturbations(monkeypatch: pytest.MonkeyPatch) -> None:
    from forenbench.scoring import preparing

    calls: list[int] = []
    decode = preparing.decode
    monkeypatch.setattr(preparing, "decode", lambda *given: calls.append(1) or decode(*given))
    perturbations = [parse(text) for text in ("none", "jpeg:50", "blur:1.0")]
    todo = [(perturbation, [Brightness(), Width()]) for perturbation in perturbations]
    score_testset(in_memory([tiny_image(i) for i in range(4)]), todo, seed=0, device="cpu")
    assert len(calls) == 4


class Raises(Brightness):
    name = "raises"

    def score(self, batch: Tensor) -> Tensor:
        raise RuntimeError("no such layer")


class WrongCount(Brightness):
    name = "wrong-count"

    def score(self, batch: Tensor) -> Tensor:
        return batch[:-1, 0]


class WrongShape(Brightness):
    name = "wrong-shape"

    def score(self, batch: Tensor) -> Tensor:
        return batch


class Nan(Brightness):
    name = "nan"

    def score(self, batch: Tensor) -> Tensor:
        return torch.where(torch.arange(len(batch)) == 1, torch.nan, batch[:, 0])


class BadPrepare(Brightness):
    name = "bad-prepare"

    def prepare(self, image: Image.Image) -> Tensor:
        if image.width == 7:
            raise ValueError("too narrow")
        return super().prepare(image)


@pytest.mark.parametrize(
    ("bad", "status", "reason"),
    [
        (Raises(), "failed", "raises: RuntimeError: no such layer"),
        (
            WrongCount(),
            "failed",
            "returned a tensor of shape (2,), float32; return 3 numbers for 3 images",
        ),
        (
            WrongShape(),
            "failed",
            "returned a tensor of shape (3, 1), float32; return 3 numbers for 3 images",
        ),
    ],
)
def test_a_broken_detector_fails_its_own_rows_only(bad: Detector, status: str, reason: str) -> None:
    results = run([tiny_image(i) for i in range(3)], bad, Brightness())
    assert {r.status for r in results["none", "brightness"]} == {"ok"}
    for result in results["none", bad.name]:
        assert result.status == status
        assert reason in result.error
        assert math.isnan(result.score)


def test_nan_is_its_own_status_for_its_own_image() -> None:
    results = run([tiny_image(i) for i in range(3)], Nan())["none", "nan"]
    assert [r.status for r in results] == ["ok", "nonfinite", "ok"]
    assert results[1].error == "nan returned nan; a score is a finite number"


def test_prepare_that_raises_fails_one_image() -> None:
    results = run([tiny_image(0, 9), tiny_image(1, 7), tiny_image(2, 9)], BadPrepare())["none", "bad-prepare"]
    assert [r.status for r in results] == ["ok", "failed", "ok"]
    assert results[1].error == "prepare: ValueError: too narrow"


def test_files_that_hold_no_image_are_unreadable_for_every_detector(tmp_path: Path) -> None:
    tiny_image(0).save(tmp_path / "good.png")
    (tmp_path / "empty.png").write_bytes(b"")
    samples = tuple(Sample(name, 0) for name in ("empty.png", "good.png", "gone.png"))
    testset = TestSet("d", "t", samples, Folder(tmp_path), "")
    results = score_testset(testset, [(NONE, [Brightness(), Width()])], seed=0, device="cpu")
    for rows in results.values():
        assert [r.status for r in rows] == ["unreadable", "ok", "unreadable"]
        assert "gone.png" in rows[2].error


class Scribbles(Brightness):
    name = "scribbles"

    def prepare(self, image: Image.Image) -> Tensor:
        image.paste((255, 255, 255), (0, 0, *image.size))
        return super().prepare(image)


def test_a_detector_that_draws_on_its_input_harms_no_other() -> None:
    images = [tiny_image(i) for i in range(2)]
    alone = run(images, Brightness())["none", "brightness"]
    beside = run(images, Scribbles(), Brightness())["none", "brightness"]
    assert [r.score for r in beside] == [r.score for r in alone]


class Saturated(LogitDetector):
    name, version, threshold = "saturated", "1", 0.5

    def prepare(self, image: Image.Image) -> Tensor:
        return torch.tensor([float(image.width)])

    def logit(self, batch: Tensor) -> Tensor:
        return batch[:, 0].double()


def test_score_is_the_float32_sigmoid_and_the_logit_is_kept() -> None:
    """float32 saturates near a logit of 17: the ties that make AP what the papers report."""
    results = run([tiny_image(0, 16), tiny_image(1, 17), tiny_image(2, 40)], Saturated())["none", "saturated"]
    assert [r.logit for r in results] == [16.0, 17.0, 40.0]
    assert results[0].score < results[1].score == results[2].score == 1.0


def test_random_perturbations_depend_on_the_image_not_on_its_place() -> None:
    images = [tiny_image(i) for i in range(3)]
    noise = parse("noise:20")

    def scores(order: list[Image.Image], seed: int) -> list[float]:
        results = score_testset(in_memory(order), [(noise, [Brightness()])], seed=seed, device="cpu")
        return [r.score for r in results["noise:20.0", "brightness"]]

    assert scores(images, 0) == scores(images[::-1], 0)[::-1]
    assert scores(images, 0) != scores(images, 1)
