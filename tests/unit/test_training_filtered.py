"""Pictures of high frequencies and filtered spectra: what they are, and that training sees what is scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from formula import he_weights, rgb, shapes_of
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn
from training_jobs import RECIPE, TinyNetwork, examples_of, write_images

from forenbench.detectors import bihpf, highpass
from forenbench.detectors._nets.bilateral_filters import classifier_input, filtered_spectra
from forenbench.detectors._nets.high_frequencies import high_frequencies, high_frequency_pictures
from forenbench.detectors._nets.networks import Network
from forenbench.detectors._nets.pixels import IMAGENET, normalise
from forenbench.detectors._nets.small import small_resnet
from forenbench.testing import CHECKS, run_check
from forenbench.training import filtered
from forenbench.training.learners import Learner
from forenbench.training.loop import Report
from forenbench.training.processes import Processes
from forenbench.training.randomness import VALIDATE, draws
from forenbench.training.recipes import BIHPF, LGRAD, Augmentation, TrainingRecipe
from forenbench.training.request import TrainingData, TrainingRequest
from forenbench.training.schedules import StepDecay
from forenbench.training.session import Running
from forenbench.training.supervised import train
from forenbench.types import LogitDetector
from forenbench.weights import Weights

MakeLearner = Callable[[TrainingRecipe, nn.Module, dict[str, object]], Learner]


def noise(height: int = 40, width: int = 50) -> Tensor:
    return torch.from_numpy(
        np.random.default_rng(4).integers(0, 256, (2, 3, height, width)).astype(np.float32)
    )


def test_high_frequencies_are_what_a_gaussian_of_one_pixel_takes() -> None:
    pixels = noise()
    blurred = gaussian_filter(pixels.double().numpy(), (0, 0, 1, 1), mode="mirror", truncate=4)
    assert torch.allclose(high_frequencies(pixels).double(), pixels - torch.from_numpy(blurred), atol=1e-3)
    wave = 100 * torch.cos(2 * torch.pi * 0.1874 * torch.arange(96)).expand(1, 3, 96, 96)
    kept = high_frequencies(wave)[..., 8:-8] / wave[..., 8:-8]
    assert kept.median().item() == pytest.approx(0.5, abs=0.01)


def test_an_even_picture_has_no_high_frequencies_to_be_stretched() -> None:
    even = (torch.arange(256) / 255)[:, None, None, None].expand(-1, 3, 16, 16)
    assert not high_frequency_pictures(even).any()
    rounded = even + 1e-6 * noise(16, 16)[:1] / 255  # as convolutions on other machines may leave it
    assert not high_frequency_pictures(rounded).any()
    spotted = even[:1].clone()
    spotted[..., 8, 8] = 1
    assert high_frequency_pictures(spotted).unique().tolist()[-1] == 255


def test_spectra_are_filtered_over_pixels_and_frequencies() -> None:
    levels = noise()
    height, width = levels.shape[-2:]
    y, x = np.mgrid[:height, :width]
    background = 1 - np.exp(-8 * (((y + 0.5) / height - 0.5) ** 2 + ((x + 0.5) / width - 0.5) ** 2))
    cycles = np.hypot((y - height // 2) / height, (x - width // 2) / width)
    spectrum = np.abs(np.fft.fftshift(np.fft.fft2(levels.double().numpy() * background), axes=(-2, -1)))
    expected = 4 * spectrum / np.sqrt(height * width) * (1 - np.exp(-32 * cycles**2))
    found = filtered_spectra(levels)
    assert np.allclose(found.numpy(), expected, rtol=1e-4, atol=1e-3)
    assert not found[..., height // 2, width // 2].any()


def test_the_background_counts_more_than_the_middle() -> None:
    dark = torch.zeros(2, 3, 64, 64)
    dark[0, :, 28:36, 28:36] = dark[1, :, :8, :8] = noise(8, 8)[0]
    middle, corner = filtered_spectra(dark).square().mean((1, 2, 3))
    assert corner > 100 * middle


def test_the_classifier_of_spectra_sees_standardised_logarithms_and_black_is_no_trouble() -> None:
    seen = classifier_input(filtered_spectra(torch.cat([noise(), torch.zeros(1, 3, 40, 50)])))
    assert seen[:2].mean((1, 2, 3)).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert seen[:2].std((1, 2, 3)).tolist() == pytest.approx([1, 1], abs=1e-3)
    assert not seen[2].any()


class Watching(torch.nn.Module):
    """Keeps what a classifier is shown."""

    def forward(self, seen: Tensor) -> Tensor:
        self.seen = seen
        return seen.mean((1, 2, 3))[:, None]


@pytest.mark.parametrize(
    ("learner", "plugin"),
    [
        (filtered.highpass(replace(LGRAD, crop=256), TinyNetwork(), {}), highpass.HighPass),
        (filtered.bihpf(BIHPF, TinyNetwork(), {}), bihpf.BiHPF),
    ],
)
def test_training_sees_what_is_scored(learner: Learner, plugin: Callable[..., LogitDetector]) -> None:
    file, image = BytesIO(), rgb("rgb301x257")
    image.save(file, "PNG")
    read = learner.read_validation(file.getvalue(), draws(0, VALIDATE))
    detector = object.__new__(plugin)  # type: ignore[call-overload]  # without a file of a ResNet-50
    detector.classifier = Watching()
    detector.logit(detector.prepare(image)[None])
    assert torch.equal(learner.inputs(read[None], None), detector.classifier.seen)


def test_cards_say_which_filters_are_ours() -> None:
    high, both = filtered.highpass(LGRAD, TinyNetwork(), {}), filtered.bihpf(BIHPF, TinyNetwork(), {"a": 1})
    assert "Gaussian blur of 1.0 pixels" in high.facts["filter"]
    assert both.facts["filters"].keys() == {"pixel_filter", "frequency_filter", "input"}
    assert both.facts["a"] == 1
    assert (BIHPF.rate, BIHPF.batch, BIHPF.epochs, BIHPF.crop) == (5e-4, 16, 100, 256)


def test_training_cuts_pictures_of_high_frequencies_as_lgrads() -> None:
    learner = filtered.highpass(replace(LGRAD, crop=24, flip=0.0), TinyNetwork(), {})
    batch = noise() / 255
    cut = learner.inputs(batch, None)
    whole = normalise(high_frequency_pictures(batch), IMAGENET)
    assert torch.equal(cut, whole[..., 8:32, 13:37])


class Stop(Exception):
    """Ends a training as suddenly as a kill."""


@pytest.mark.parametrize("make", [filtered.highpass, filtered.bihpf])
def test_a_training_that_was_stopped_ends_with_the_same_bytes(tmp_path: Path, make: MakeLearner) -> None:
    write_images(tmp_path / "train", number=4)
    data = TrainingData(examples_of(tmp_path / "train"))
    recipe = replace(
        RECIPE, batch=3, epochs=2, schedule=StepDecay(), keep="last", augmentation=Augmentation()
    )

    def trained(out: str, report: Report) -> bytes:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            learner = make(recipe, TinyNetwork(), {})
        request = TrainingRequest("tiny", tmp_path / out, str(tmp_path / "train"))
        run = Running(recipe, Processes(), report, lambda *_: None, keep="last", save_every=1)
        return train(request, learner, data, lambda: data, run).read_bytes()

    def stop(what: str, step: int, steps: int, losses: object) -> None:
        if (what, step) == ("epoch 2", 2):
            raise Stop

    with pytest.raises(Stop):
        trained("cut", stop)
    assert trained("cut", lambda *_: None) == trained("whole", lambda *_: None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "plugin", "name"), [(highpass, "HighPass", "highpass"), (bihpf, "BiHPF", "bihpf")]
)
def test_detectors_keep_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, plugin: str, name: str
) -> None:
    """With a narrow network in place of the ResNet-50, whose weights have seen no fakes."""
    torch.save(he_weights(shapes_of(small_resnet())), tmp_path / "own.pth")
    narrow = Network(small_resnet, replace(module.NETWORKS["reimplemented-4class"].checkpoint, marks={}))
    monkeypatch.setitem(module.NETWORKS, "reimplemented-4class", narrow)
    detector = getattr(module, plugin)(
        "reimplemented-4class", Weights(paths={f"{name}-reimplemented-4class": tmp_path / "own.pth"})
    )
    checks = [check for check in CHECKS if check != "higher means more likely generated"]
    assert {check: run_check(check, detector) for check in checks} == dict.fromkeys(checks, "")
