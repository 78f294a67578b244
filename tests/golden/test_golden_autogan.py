"""AutoGAN's features, GRIP's, and the co-occurrence network against their official code."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from formula_images import make_array
from golden import AVAILABLE, card, keys_sha256, picture
from torch import Tensor

from forenbench.detectors._nets.autogan_features import AutoGANView, band, feature_of, spectrum
from forenbench.detectors._nets.pixel_pairs import PairNetwork, adjacent, five_apart, generated, pair_counts

FOLDER = Path(__file__).parent
FEATURES: dict[str, Any] = json.loads((FOLDER / "features.json").read_text())
AUTOGAN, GRIP = (FEATURES[code]["images"] for code in ("autogan", "grip"))
NATARAJ: dict[str, Any] = json.loads((FOLDER / "baselines.json").read_text())["nataraj2019_grip"]
MODES = {"fft": "mode0", "low": "mode1", "mid": "mode2", "high": "mode3", "image": "image"}


def of(numbers: dict[str, Any]) -> list[str]:
    return [name for name in numbers if name in AVAILABLE]


def pixels(name: str) -> Tensor:
    return torch.from_numpy(np.array(picture(name))).permute(2, 0, 1)


def assert_near(made: Tensor, golden: dict[str, Any], far: float = 1e-5) -> None:
    """Compare single values and the sum of each channel with the official ones."""
    for place, value in golden["at"].items():
        assert made[tuple(map(int, place.split(",")))].item() == pytest.approx(value, abs=far)
    axes = (0, 1) if made.shape[2] == 3 else (1, 2)
    assert made.double().sum(axes).tolist() == pytest.approx(golden["sum"], abs=1e-1)


@pytest.mark.parametrize("name", of(AUTOGAN))
def test_autogan_sees_the_official_features(name: str) -> None:
    for feature, mode in MODES.items():
        golden = AUTOGAN[name][mode]
        if name == "gray16":  # OpenCV halves the bits where Pillow, whose pictures we see, cuts off at 255
            levels = torch.from_numpy((make_array(name) >> 8).astype(np.uint8)).expand(3, -1, -1)
            made = feature_of(levels[:, 16:240, 16:240], feature)
        else:
            made = AutoGANView(feature)(picture(name))
        assert made.dtype == torch.float32
        assert list(made.shape) == AUTOGAN[name]["shape"]
        assert_near(made, golden, card("autogan").within)
        if feature != "image":
            assert made.double().abs().sum().item() == pytest.approx(golden["abs_sum"], abs=0.3)
            assert int((made == 0).sum()) == golden["zeros"]


@pytest.mark.parametrize("name", ["rgb256a", "pal256"])
def test_other_readings_of_autogans_code_make_other_features(name: str) -> None:
    golden = AUTOGAN[name]["mode0"]["sum"]
    cut = pixels(name)[:, 16:240, 16:240]
    whole = spectrum(cut.flip(0))
    for wrong in (
        spectrum(cut),  # red first
        spectrum(pixels(name).flip(0))[:, 16:240, 16:240],  # cropped after the transform
    ):
        assert wrong.double().sum((1, 2)).tolist() != pytest.approx(golden, abs=1)
    # Bands are cut out of the shifted spectrum.
    low = AUTOGAN[name]["mode1"]["sum"]
    unshifted = band(torch.fft.ifftshift(whole, dim=(1, 2)), "low")
    assert band(whole, "low").double().sum((1, 2)).tolist() == pytest.approx(low, abs=1e-1)
    assert unshifted.double().sum((1, 2)).tolist() != pytest.approx(low, abs=1)


# Of gray16, all but three pixels are white there: its spectrum is the rounding noise of float32.
@pytest.mark.parametrize("name", [name for name in of(GRIP) if name != "gray16"])
def test_grips_spectrum_is_the_same_without_a_crop(name: str) -> None:
    made = spectrum(pixels(name)).permute(1, 2, 0)
    assert list(made.shape) == GRIP[name]["spec"]["shape"]
    assert_near(made, GRIP[name]["spec"])


def test_a_picture_of_one_colour_has_a_spectrum_too() -> None:
    made = spectrum(torch.full((3, 64, 64), 200, dtype=torch.uint8))
    assert made.isfinite().all()
    assert made[0, 0, 0] == 1


@pytest.mark.parametrize("name", of(GRIP))
def test_pairs_are_counted_as_official_code_counts_them(name: str) -> None:
    golden, image = GRIP[name], picture(name)
    shares = five_apart(image)
    assert shares.dtype == torch.float32
    assert list(shares.shape) == golden["glcm5"]["shape"]
    assert_near(shares, golden["glcm5"], far=1e-7)
    assert int((shares > 0).sum()) == golden["glcm5"]["nonzero"]
    assert shares.max().item() == pytest.approx(golden["glcm5"]["max"], abs=1e-7)
    assert shares[tuple(golden["glcm5"]["argmax"])].item() == shares.max().item()
    traces = [one.double().trace().item() for one in shares]
    assert traces == pytest.approx(golden["glcm5"]["trace"], abs=1e-6)
    counts = pair_counts(np.asarray(image), (0, 1))
    assert counts.dtype == np.int64
    assert hashlib.sha256(counts.tobytes()).hexdigest() == golden["adjacent_counts"]["sha256_int64"]
    assert counts.sum((1, 2)).tolist() == golden["adjacent_counts"]["sum"]
    assert np.count_nonzero(counts) == golden["adjacent_counts"]["nonzero"]
    assert np.array_equal(adjacent(image).numpy(), counts)


@pytest.mark.parametrize("name", of(GRIP))
def test_pairs_on_the_diagonal_are_those_of_grips_other_feature(name: str) -> None:
    counts = pair_counts(np.asarray(picture(name)), (1, 1))
    golden = GRIP[name]["diagonal"]
    density = torch.from_numpy(counts / counts.sum((1, 2), keepdims=True))
    assert_near(density, golden, far=1e-12)
    assert int((density > 0).sum()) == golden["nonzero"]
    assert density[tuple(golden["argmax"])].item() == density.max().item() == pytest.approx(golden["max"])


@torch.no_grad()
def test_the_network_of_pairs_gives_grips_logits() -> None:
    network = PairNetwork(2)
    shapes = shapes_of(network)
    assert keys_sha256(shapes) == NATARAJ["keys"]
    assert sum(one.numel() for one in network.parameters()) == NATARAJ["parameters"]
    network.load_state_dict(he_weights(shapes))
    assert sha256_of_weights(network.state_dict()) == NATARAJ["weights_sha256"]
    network.eval()
    for name in of(NATARAJ["images"]):
        golden, seen = NATARAJ["images"][name], five_apart(picture(name))[None]
        within = card("cooccurrence").within
        assert network(seen)[0].tolist() == pytest.approx(golden["logits"], abs=within)
    # Pairs are counted exactly above: in double precision, one picture tells the network.
    shown, (real, fake) = picture("rgb301x257"), NATARAJ["images"]["rgb301x257"]["float64"]
    exact = network.double()(five_apart(shown)[None].double())
    assert exact[0].tolist() == pytest.approx([real, fake], rel=1e-9)
    assert generated(exact).item() == pytest.approx(fake - real, rel=1e-9)
    apart = pair_counts(np.asarray(shown), (0, 1))
    neighbours = (apart + apart.transpose(0, 2, 1)) / (2 * apart.sum((1, 2), keepdims=True))
    other = network(torch.from_numpy(neighbours)[None])[0].tolist()
    assert other != pytest.approx([real, fake], rel=1e-6)
