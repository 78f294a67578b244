"""Frank et al.'s transform and AIGCDetectBenchmark's detector on it, against their official code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from platform import machine
from typing import Any

import numpy as np
import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import AVAILABLE, card, keys_sha256, needs_shared, picture
from numpy.typing import NDArray
from scipy.fft import dctn
from torch import Tensor
from training_jobs import examples_of

from forenbench.detectors._nets.cosines import LogCosines, Pixels, Standardised, Strip, log_cosines
from forenbench.detectors._nets.fredect_statistics import MEAN, VARIANCE, VIEW, statistics
from forenbench.detectors._nets.networks import resnet_50
from forenbench.detectors._nets.pixels import AIGCDETECT, PLAIN, Preprocess
from forenbench.training.processes import Processes
from forenbench.training.session import Running
from forenbench.training.standardised import FRANK, moments
from forenbench.weights import Weights
from forenbench.weights.checkpoint_store import locate

FOLDER = Path(__file__).parent
NUMBERS: dict[str, Any] = json.loads((FOLDER / "features.json").read_text())["frank"]
FREDECT: dict[str, Any] = json.loads((FOLDER / "baselines.json").read_text())["fredect_resnet50"]
WHOLE = LogCosines(Preprocess(PLAIN, resize=None))
SAME_SUMS = version("scikit-image").startswith("0.26.") and machine() in ("x86_64", "AMD64")
"""As in the official environment."""
FILES = {one.name: locate(one) for one in (MEAN, VARIANCE)}
"""The published statistics where a user has them, looked for before the tests hide the user's folders."""
SMALLEST = 1e-3
"""Of a coefficient; those that should be zero are rounding noise."""


def those(names: Iterable[str]) -> list[str]:
    return [name for name in names if name in AVAILABLE]


def at(values: NDArray[Any], golden: dict[str, float]) -> dict[str, float]:
    """Look entries up by their golden names, "row,column,channel"."""
    return {place: float(values[tuple(map(int, place.split(",")))]) for place in golden}


def last(numbers: Tensor) -> NDArray[np.float64]:
    """Turn (3, H, W) into official code's order (H, W, 3)."""
    values: NDArray[np.float64] = numbers.permute(1, 2, 0).numpy()
    return values


@pytest.mark.parametrize("name", those(NUMBERS["images"]))
def test_the_transform_of_each_channel_and_its_logarithm_are_the_official_ones(name: str) -> None:
    golden, pixels = NUMBERS["images"][name], np.asarray(picture(name))
    assert list(pixels.shape) == golden["shape"]
    coefficients = dctn(pixels, type=2, axes=(0, 1), norm="ortho")
    assert at(coefficients, golden["dct"]) == pytest.approx(golden["dct"], abs=1e-9)
    found = last(WHOLE.exact(picture(name)))
    assert str(found.dtype) == golden["dtype"]
    large = {place: value for place, value in golden["log"].items() if abs(golden["dct"][place]) > SMALLEST}
    assert at(found, large) == pytest.approx(large, abs=1e-6)
    assert len(large) > 10
    assert found.sum((0, 1)).tolist() == pytest.approx(golden["log_sum"], abs=1e-3)
    assert found.max() == pytest.approx(golden["log_max"], abs=1e-9)
    # The smallest is a coefficient of 5e-6 and more, of which rounding noise of 1e-12 is a small part.
    assert found.min() == pytest.approx(golden["log_min"], abs=1e-5)
    prepared = WHOLE(picture(name))
    assert prepared.dtype == torch.float32
    assert at(last(prepared), large) == pytest.approx(large, abs=card("fredect").within)


@pytest.mark.parametrize("name", those(NUMBERS["images"]))
def test_so_is_that_of_a_grey_picture(name: str) -> None:
    golden = NUMBERS["images"][name]
    found = log_cosines(np.asarray(picture(name).convert("L")))
    assert at(found, golden["grey_log"]) == pytest.approx(golden["grey_log"], abs=1e-6)
    assert found.sum() == pytest.approx(golden["grey_log_sum"], abs=1e-3)


def test_pixels_from_0_to_1_are_another_input() -> None:
    """Official code never divides by 255: every logarithm is ln 255 larger than it would be."""
    golden = NUMBERS["images"]["rgb256a"]["log"]["0,0,0"]
    found = log_cosines(np.asarray(picture("rgb256a")) / 255)[0, 0, 0]
    assert golden - found == pytest.approx(np.log(255), abs=1e-9)


@pytest.mark.parametrize("name", those(NUMBERS["lsun128"]))
def test_lsun_pictures_are_prepared_as_officially(name: str) -> None:
    golden = NUMBERS["lsun128"][name]
    pixels = np.asarray(Strip().pixels(picture(name)))
    assert list(pixels.shape) == golden["shape"]
    assert pixels.sum((0, 1)).tolist() == pytest.approx(golden["uint8_sum"], abs=128)
    assert at(pixels, golden["pixels"]) == pytest.approx(golden["pixels"], abs=1)
    # Decimals are cut off: a last digit of a sum, which another build has otherwise, may be a grey level.
    if not SAME_SUMS:
        return
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == golden["uint8_sha256"]
    found = last(LogCosines(Strip()).exact(picture(name)))
    assert at(found, golden["log"]) == pytest.approx(golden["log"], abs=1e-6)
    assert found.sum((0, 1)).tolist() == pytest.approx(golden["log_sum"], abs=1e-3)


def test_a_square_crop_or_rounding_is_another_picture() -> None:
    """Of 384 × 512 pixels Frank et al. keep 384 × 128, not 384 × 384; and they cut decimals off."""
    from skimage.transform import resize

    golden, opened = NUMBERS["lsun128"]["rgb384x512"], picture("rgb384x512")
    seen = np.asarray(opened).astype(float)
    for columns, decimals in ((slice(64, 448), np.floor), (slice(192, 320), np.round)):
        made = decimals(resize(seen[:, columns], (128, 128)).clip(0, 255)).astype(np.uint8)
        assert hashlib.sha256(made.tobytes()).hexdigest() != golden["uint8_sha256"]
    made = np.floor(resize(seen[:, 192:320], (128, 128)).clip(0, 255)).astype(np.uint8)
    assert made.sum((0, 1)).tolist() == pytest.approx(golden["uint8_sum"], abs=128)


@needs_shared
def test_the_statistics_of_a_training_set_are_the_official_ones(tmp_path: Path) -> None:
    golden = NUMBERS["normalised"]
    for name in golden["training_set"]:
        folder = tmp_path / ("1_fake" if name == "fake" else "0_real")
        folder.mkdir(exist_ok=True)
        picture(name).save(folder / f"{name}.png")
    run = Running(FRANK, Processes(), lambda *_: None, lambda *_: None)
    mean, deviation = map(last, moments(examples_of(tmp_path), WHOLE, run))
    assert at(mean, golden["mean"]) == pytest.approx(golden["mean"], abs=1e-6)
    assert at(deviation, golden["std"]) == pytest.approx(golden["std"], abs=1e-6)
    assert mean.sum((0, 1)).tolist() == pytest.approx(golden["mean_sum"], abs=1e-3)
    assert deviation.sum((0, 1)).tolist() == pytest.approx(golden["std_sum"], abs=1e-3)
    for name, numbers in golden["of"].items():
        seen = (last(WHOLE.exact(picture(name))) - mean) / deviation
        assert at(seen, numbers) == pytest.approx(numbers, abs=card("frank").within)
        assert abs(seen).sum() == pytest.approx(golden["abs_sum"][name], abs=0.1)
    assert at(deviation * (5 / 4) ** 0.5, golden["std"]) != pytest.approx(golden["std"], abs=1e-3)


@pytest.mark.parametrize("name", those(NUMBERS["raw_scaled"]))
def test_pixels_are_scaled_as_officially(name: str) -> None:
    view = Pixels(Preprocess(PLAIN, resize=256))
    assert view.scale is not None
    found = last((view(picture(name)) - view.scale) / view.scale)
    assert at(found, NUMBERS["raw_scaled"][name]) == pytest.approx(NUMBERS["raw_scaled"][name], abs=1e-6)


@pytest.mark.parametrize("name", those(FREDECT["images"]))
def test_fredect_sees_the_official_part_standardised_by_the_published_numbers(name: str) -> None:
    """Of the published statistics those at the origin of each channel are known here."""
    golden, found = FREDECT["images"][name]["input"]["at"]["0,0,0"], VIEW(picture(name))
    assert found.shape == (3, *FREDECT["statistics"]["shape"][:2])
    mean, variance = (FREDECT["statistics"][key]["0,0,0"] for key in ("mean", "var"))
    assert (found[0, 0, 0].item() - mean) / variance**0.5 == pytest.approx(golden, abs=1e-5)
    assert (found[0, 0, 0].item() - mean) / variance != pytest.approx(golden, abs=1e-2)


def test_another_part_of_the_picture_is_another_input() -> None:
    golden = FREDECT["images"]["rgb384x512"]["input"]["at"]["0,0,0"]
    mean, variance = (FREDECT["statistics"][key]["0,0,0"] for key in ("mean", "var"))
    for cut in (Preprocess(PLAIN, crop=224), Preprocess(PLAIN, resize=224), Preprocess(PLAIN, 256, 224)):
        found = LogCosines(cut)(picture("rgb384x512"))[0, 0, 0].item()
        assert (found - mean) / variance**0.5 != pytest.approx(golden, abs=1e-3)
    assert VIEW.cut == AIGCDETECT


@cache
def fredects_weights() -> dict[str, Tensor]:
    with torch.device("meta"):
        shapes = shapes_of(resnet_50())
    assert keys_sha256(shapes) == FREDECT["keys"]
    return he_weights(shapes)


@pytest.mark.slow
def test_fredects_network_has_the_official_entries() -> None:
    assert sha256_of_weights(fredects_weights()) == FREDECT["weights_sha256"]


@pytest.mark.slow
@pytest.mark.skipif(None in FILES.values(), reason="needs the published statistics")
@torch.no_grad()
def test_with_the_published_statistics_fredect_gives_the_official_logits() -> None:
    """They are not part of this repository: `bench weights fetch fredect-mean fredect-variance`."""
    mean, deviation = statistics(Weights(paths={name: path for name, path in FILES.items() if path}))
    for ours, name in ((mean, "mean"), (deviation**2, "var")):
        golden = FREDECT["statistics"][name]
        assert at(last(ours), golden) == pytest.approx(golden, abs=1e-5)
        assert ours.double().sum().item() == pytest.approx(FREDECT["statistics"][f"{name}_sum"], rel=1e-6)
    classifier = resnet_50()
    classifier.load_state_dict(fredects_weights())
    network = Standardised(classifier, mean, deviation).eval()
    for name in those(FREDECT["images"]):
        golden, numbers = FREDECT["images"][name], VIEW(picture(name))[None]
        seen = ((numbers - mean) / deviation)[0]
        places = {place: seen[tuple(map(int, place.split(",")))].item() for place in golden["input"]["at"]}
        assert places == pytest.approx(golden["input"]["at"], abs=1e-5)
        assert seen.double().sum((1, 2)).tolist() == pytest.approx(golden["input"]["sum"], abs=0.1)
        assert network(numbers).item() == pytest.approx(golden["logit"], rel=1e-4, abs=1e-4)
