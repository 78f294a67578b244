"""Codecs: the libraries' own results with their defaults, and what is said where one is absent."""

from __future__ import annotations

import io
import sys

import cv2
import numpy as np
import pytest
from PIL import Image, features

from forenbench.errors import BenchError
from forenbench.perturbations import draw_generator, parse


def picture() -> Image.Image:
    coarse = np.random.default_rng(4).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((61, 43), Image.Resampling.BICUBIC)


def perturbed(name: str) -> np.ndarray:
    return np.asarray(parse(name).apply(picture(), draw_generator(0, name, "f" * 64)))


@pytest.mark.parametrize("quality", [1, 30, 95, 100])
def test_opencv_compresses_as_in_cnndetection(quality: int) -> None:
    bgr = cv2.cvtColor(np.asarray(picture()), cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [int(cv2.IMWRITE_JPEG_QUALITY), quality])
    assert np.array_equal(
        perturbed(f"jpeg-cv2:{quality}"), cv2.cvtColor(cv2.imdecode(data, 1), cv2.COLOR_BGR2RGB)
    )


@pytest.mark.parametrize("codec", ["webp", "avif"])
def test_newer_codecs_are_pillows_at_this_quality(codec: str) -> None:
    file = io.BytesIO()
    picture().save(file, codec, quality=40)
    assert np.array_equal(perturbed(f"{codec}:40"), np.asarray(Image.open(file).convert("RGB")))


@pytest.mark.parametrize("codec", ["jpeg", "jpeg-cv2", "webp", "avif"])
def test_lower_quality_is_further_from_the_picture(codec: str) -> None:
    errors = [np.abs(perturbed(f"{codec}:{q}").astype(int) - picture()).mean() for q in (90, 50, 10)]
    assert errors == sorted(set(errors))
    assert errors[-1] < 40


def test_a_pillow_without_avif_is_named_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda feature: feature != "avif")
    with pytest.raises(BenchError, match="perturbation 'avif:40' needs a Pillow that was built with AVIF"):
        parse("jpeg:30+avif:40")
    assert parse("webp:40").name == "webp:40"


def test_absent_opencv_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(BenchError, match=r"'jpeg-cv2:40' needs OpenCV: pip install 'forenbench\[opencv\]'"):
        parse("jpeg-cv2:40")
