"""FingerprintNet, reimplemented: its spectra and up-samplers, a training on reals alone, and the detector."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rival_jobs import trained, trained_in_pieces
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional
from training_jobs import TinyNetwork, examples_of, write_images

from forenbench.detectors import fingerprintnet
from forenbench.detectors._nets.fingerprints import (
    DEPTH,
    KERNELS,
    UPSAMPLERS,
    FingerprintGenerator,
    Upsampling,
    doubled,
    log_spectrum,
)
from forenbench.detectors._nets.networks import resnet_50
from forenbench.detectors._nets.small import small_resnet
from forenbench.testing import CHECKS, check_detector, tiny_image
from forenbench.training.examples import only_real
from forenbench.training.fingerprintnet import FINGERPRINTNET, FingerprintTraining, drawn
from forenbench.training.loader import Loader
from forenbench.training.processes import Processes
from forenbench.training.randomness import STEP, VALIDATE, draws
from forenbench.training.request import TrainingRequest, gather
from forenbench.training.rivals import train_rivals
from forenbench.training.schedules import LinearDecay
from forenbench.training.session import Running
from forenbench.weights import Weights

RECIPE = replace(
    FINGERPRINTNET, rate=1e-3, resize=None, batch=4, epochs=2, crop=16, schedule=LinearDecay(1, 1)
)


def tiny() -> FingerprintTraining:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return FingerprintTraining(RECIPE, TinyNetwork(), seed=3, facts={"kind": "tiny"}, width=4)


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


def test_a_spectrum_is_the_standardised_logarithm_of_magnitudes_with_zero_in_the_middle() -> None:
    pictures = noise(2, 3, 16, 24)
    expected = np.log(np.abs(np.fft.fft2(pictures.double().numpy(), norm="ortho")) + 0.5 / 255)
    expected = np.fft.fftshift(expected, axes=(2, 3))
    expected -= expected.mean((2, 3), keepdims=True)
    expected /= expected.std((2, 3), keepdims=True)
    seen = log_spectrum(pictures)
    assert seen.numpy() == pytest.approx(expected, abs=1e-3)
    assert seen[0, 0].argmax() == 8 * 24 + 12
    assert log_spectrum(torch.full((1, 3, 8, 8), 0.5)).isfinite().all()


def test_up_samplers_are_those_that_generators_have() -> None:
    """Zeros between pixels before a convolution are a transposed convolution, by torch's own."""
    maps, kernel = noise(2, 3, 5, 6), noise(4, 3, 3, 3)
    made = functional.conv2d(doubled(maps, "zeros"), kernel, padding=1)
    turned = kernel.flip(2, 3).transpose(0, 1)
    transposed = functional.conv_transpose2d(maps, turned, stride=2, padding=1, output_padding=1)
    assert torch.allclose(made, transposed, atol=1e-5)
    assert torch.equal(doubled(maps, "nearest"), maps.repeat_interleave(2, 2).repeat_interleave(2, 3))
    assert doubled(maps, "bilinear")[0, 0, 0, 1] == pytest.approx(
        float(0.75 * maps[0, 0, 0, 0] + 0.25 * maps[0, 0, 0, 1])
    )


def test_every_depth_kind_and_kernel_is_drawn_as_often_and_by_the_generator_alone() -> None:
    random = np.random.default_rng(0)
    chosen = [drawn(random) for _ in range(900)]
    depths = Counter(map(len, chosen))
    assert sorted(depths) == list(range(1, DEPTH + 1))
    assert min(depths.values()) > 240
    pairs = Counter(one for several in chosen for one in several)
    assert {(kind, kernel) for kind in UPSAMPLERS for kernel in KERNELS} == set(pairs)
    assert min(pairs.values()) > 120  # of 1800, among nine
    assert drawn(draws(0, STEP, 1, 2)) == drawn(draws(0, STEP, 1, 2))


def test_each_choice_begins_with_the_picture_halved_and_doubled_and_has_weights_of_its_own() -> None:
    generator, pictures = FingerprintGenerator(4), noise(1, 3, 16, 24)
    for bias in (one for name, one in generator.named_parameters() if name.endswith("bias")):
        nn.init.zeros_(bias)
    for kind in UPSAMPLERS:
        # Ones on two by two pixels repeat what stands between zeros.
        expected = doubled(functional.avg_pool2d(pictures, 2), "nearest" if kind == "zeros" else kind)
        for kernel in KERNELS:
            assert torch.allclose(generator(pictures, [Upsampling(kind, kernel)]), expected, atol=1e-6)
            generator(pictures, [Upsampling(kind, kernel)] * DEPTH).square().mean().backward()
    assert all(one.grad is not None for one in generator.parameters())


def test_the_classifier_sees_reals_and_their_reconstructions_in_8_bits() -> None:
    training = tiny()
    images = torch.randint(
        0, 256, (3, 3, 16, 16), generator=torch.Generator().manual_seed(2), dtype=torch.uint8
    )
    given: list[Tensor] = []
    training.classifier.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    with torch.no_grad():
        made = training.generator(images / 255, drawn(draws(0, STEP, 0, 0)))
    difference = float((made - images / 255).abs().mean())
    losses = training.step(images, torch.zeros(3), draws(0, STEP, 0, 0))
    assert losses["generator"] == pytest.approx(difference, rel=1e-5)
    levels = np.rint(np.clip(made.numpy(), 0, 1) * 255).astype(np.float32) / 255
    assert given[0].numpy() == pytest.approx(
        log_spectrum(torch.cat([images / 255, torch.from_numpy(levels)])).numpy(), abs=1e-5
    )


def test_a_training_in_pieces_draws_the_same_up_samplers_and_gives_the_same_file(tmp_path: Path) -> None:
    write_images(tmp_path / "train", number=6)
    examples = only_real(examples_of(tmp_path / "train"))  # batches of 4 and 2
    whole = trained(tiny(), RECIPE, examples, tmp_path / "whole")
    pieces = trained_in_pieces(tiny, RECIPE, examples, tmp_path / "pieces")
    assert pieces.result_file.read_bytes() == whole.result_file.read_bytes()
    assert pieces.position.history == whole.position.history


def test_fakes_beside_the_reals_change_nothing_and_the_card_says_what_is_ours(tmp_path: Path) -> None:
    write_images(tmp_path / "data", number=4)
    run = Running(RECIPE, Processes(), lambda *_: None, lambda *_: None, keep="last")
    files = []
    for out in ("with", "without"):
        asked = TrainingRequest("it", tmp_path / out, str(tmp_path / "data"))
        data = gather(asked, Processes(), run.advance, validate=False, reals_only=True)
        files.append(train_rivals(asked, tiny(), data, run))
        for fake in (tmp_path / "data").glob("*/1_fake/*"):
            fake.unlink()
    assert files[0].read_bytes() == files[1].read_bytes()
    card = files[0].with_name("it.card.json").read_text()
    assert "4 fake ones left out" in card
    assert '"ours"' in card


def cloud(seed: int, side: int) -> Image.Image:
    """Make a picture whose magnitudes fall with frequency, as those of photographs do."""
    rows, columns = np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side))
    falling = 1 / np.maximum(np.hypot(rows, columns) * side, 1)
    plain = np.random.RandomState(seed).normal(size=(3, side, side))
    values = np.fft.ifft2(np.fft.fft2(plain) * falling).real
    return Image.fromarray(
        (128 + 45 * values / values.std()).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    )


def write_clouds(folder: Path, number: int, start: int) -> None:
    """Write clouds of 32 pixels, and others enlarged to that by a filter that no training here has."""
    for label, (side, small) in enumerate((("0_real", 32), ("1_fake", 16))):
        (folder / side).mkdir(parents=True)
        for i in range(number):
            picture = cloud(start + 2 * i + label, small).resize((32, 32), Image.Resampling.BICUBIC)
            picture.save(folder / side / f"{i:02d}.png")


@pytest.mark.slow
def test_it_tells_enlarged_pictures_from_whole_ones_without_having_seen_any(tmp_path: Path) -> None:
    write_clouds(tmp_path / "train", 40, 0)
    write_clouds(tmp_path / "test", 40, 1000)
    recipe = replace(RECIPE, epochs=5, crop=32, flip=0.0, schedule=LinearDecay(3, 2))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        training = FingerprintTraining(recipe, small_resnet(), seed=3, facts={}, width=4)
    trained(training, recipe, only_real(examples_of(tmp_path / "train")), tmp_path / "out")
    test = examples_of(tmp_path / "test")
    ((seen, truth, _),) = Loader(test, training.read, 0, VALIDATE).batches(0, [list(range(len(test.items)))])
    with torch.no_grad():
        logits = training.classifier.eval()(log_spectrum(seen / 255))[:, 0]
    assert roc_auc_score(truth, logits) > 0.9


@pytest.mark.slow
def test_the_detector_scores_the_spectrum(tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = resnet_50()
    torch.save(network.state_dict(), tmp_path / "it.pth")
    files = Weights(paths={"fingerprintnet-reimplemented-1class": tmp_path / "it.pth"}, unverified=True)
    detector = fingerprintnet.FingerprintNet("reimplemented-1class", files)
    assert detector.prepare(tiny_image(3, 240, 230)).shape == (3, 224, 224)
    picture = detector.prepare(tiny_image(3, 240, 230))[None, :, :64, :64]
    with torch.no_grad():
        expected = network.eval()(log_spectrum(picture)).item()
        assert detector.logit(picture).item() == pytest.approx(expected, rel=1e-4)


class Small(fingerprintnet.FingerprintNet):
    """The detector with a network that takes a hundredth of the time."""

    def __init__(self) -> None:
        self.name, self.network = "small", tiny().classifier.eval().requires_grad_(False)


@pytest.mark.slow
def test_the_contract_is_kept() -> None:
    found = {result.check: result.problem for result in check_detector(Small())}
    assert found == dict.fromkeys(CHECKS, "")
