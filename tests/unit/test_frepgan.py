"""FrePGAN, reimplemented: its maps, what each side learns from, a training in pieces, and the detector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rival_jobs import trained, trained_in_pieces
from torch import Tensor, nn
from training_jobs import TinyNetwork, examples_of, write_images

from forenbench.detectors import frepgan
from forenbench.detectors._nets.cyclegan import Discriminator
from forenbench.detectors._nets.frequency_maps import PerturbationMap, PerturbedClassifier
from forenbench.detectors._nets.pixels import IMAGENET, normalise
from forenbench.testing import CHECKS, check_detector, tiny_image
from forenbench.training.frepgan import FREPGAN, RESTRAINT, FrePGANTraining
from forenbench.training.loader import Loader
from forenbench.training.randomness import VALIDATE
from forenbench.training.schedules import LinearDecay
from forenbench.weights import Weights, WrongWeights

RECIPE = replace(FREPGAN, rate=1e-2, resize=None, batch=8, epochs=2, crop=32, schedule=LinearDecay(1, 1))


def tiny() -> FrePGANTraining:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        judge = PerturbedClassifier(PerturbationMap(4, 1), TinyNetwork())
        return FrePGANTraining(RECIPE, judge, Discriminator(width=4), seed=3, facts={"kind": "tiny"})


def batch(reals: int, fakes: int) -> tuple[Tensor, Tensor]:
    pictures = np.random.RandomState(1).randint(0, 256, (reals + fakes, 3, 32, 32)).astype(np.uint8)
    return torch.from_numpy(pictures), torch.tensor([0.0] * reals + [1.0] * fakes)


def step(training: FrePGANTraining, images: Tensor, labels: Tensor) -> dict[str, float]:
    return dict(training.step(images, labels, np.random.default_rng(0)))


class Halved(nn.Module):
    """Undoes the logarithm and halves the coefficients."""

    def forward(self, parts: Tensor) -> Tensor:
        return parts.sign() * parts.abs().expm1() / 2


def test_a_map_is_the_inverse_transform_of_what_the_network_makes_of_the_spectrum() -> None:
    maps = PerturbationMap(4, 1).double()
    pictures = torch.randn(2, 3, 16, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    given: list[Tensor] = []
    maps.network.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    made = maps(pictures).detach().numpy()
    spectrum = np.fft.fft2(pictures.numpy(), norm="ortho")
    parts = np.concatenate([spectrum.real, spectrum.imag], 1)
    assert given[0].numpy() == pytest.approx(np.sign(parts) * np.log1p(np.abs(parts)))
    out = maps.network(given[0]).detach().numpy()
    assert made == pytest.approx(np.fft.ifft2(out[:, :3] + 1j * out[:, 3:], norm="ortho").real)
    maps.network = Halved()  # type: ignore[assignment]
    assert maps(pictures).numpy() == pytest.approx(pictures.numpy() / 2)


def test_it_begins_without_maps_and_each_side_learns_from_its_own_loss() -> None:
    images, labels = batch(3, 5)
    training = tiny()
    pictures = normalise(images, IMAGENET)
    with torch.no_grad():
        assert not training.judge.perturbation(pictures).any()
        plain = training.discriminator(pictures).double().numpy()
        logits = training.judge.classifier(pictures)[:, 0].double().numpy()
    losses = step(training, images, labels)
    # Maps are zero: the discriminator saw the three reals as they are, then all eight pictures as fakes.
    entropies = np.concatenate([np.log1p(np.exp(plain[:3])), np.log1p(np.exp(-plain))])
    assert losses["discriminator"] == pytest.approx(entropies.mean(), rel=1e-5)
    assert losses["added"] == 0
    # The generator was trained meanwhile, so that the classifier saw new maps: nearly those of before.
    assert losses["classifier"] == pytest.approx(
        np.log1p(np.exp(-logits * (2 * labels.numpy() - 1))).mean(), abs=0.05
    )
    assert step(training, images, labels)["added"] > 0


def test_the_classifier_has_no_say_in_the_maps_and_no_side_moves_another() -> None:
    images, labels = batch(4, 4)
    for moved in ("discriminator", "generator", "classifier"):
        training = tiny()
        parts = {
            "discriminator": training.discriminator,
            "generator": training.judge.perturbation,
            "classifier": training.judge.classifier,
        }
        before = {
            name: nn.utils.parameters_to_vector(one.parameters()).clone() for name, one in parts.items()
        }
        for name, optimiser in training.optimisers.items():
            optimiser.param_groups[0]["lr"] *= name == moved
        step(training, images, labels)
        after = {name: nn.utils.parameters_to_vector(one.parameters()) for name, one in parts.items()}
        assert [name for name in parts if not torch.equal(before[name], after[name])] == [moved]


def test_the_generator_learns_to_make_the_discriminator_call_its_pictures_real() -> None:
    images, labels = batch(4, 4)
    training = tiny()
    for name in ("discriminator", "classifier"):
        training.optimisers[name].param_groups[0]["lr"] = 0.0
    hidden = [step(training, images, labels) for _ in range(8)]
    total = [one["generator"] + RESTRAINT * one["added"] ** 2 for one in hidden]
    assert total[-1] < total[0]


@pytest.mark.parametrize("label", [0, 1])
def test_a_batch_of_one_label_is_a_batch_like_any_other(label: int) -> None:
    images, _ = batch(2, 0)
    losses = step(tiny(), images, torch.full((2,), float(label)))
    assert all(np.isfinite(value) for value in losses.values())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_images(tmp_path / "train", number=6)  # 12 images: batches of 8 and 4
    return tmp_path


@pytest.mark.slow
def test_a_training_in_pieces_gives_the_file_of_a_whole_one(folder: Path) -> None:
    examples = examples_of(folder / "train")
    whole = trained(tiny(), RECIPE, examples, folder / "whole")
    pieces = trained_in_pieces(tiny, RECIPE, examples, folder / "pieces")
    assert pieces.result_file.read_bytes() == whole.result_file.read_bytes()
    assert pieces.position.history == whole.position.history
    state = torch.load(whole.result_file, weights_only=True)
    assert {key.partition(".")[0] for key in state} == {"perturbation", "classifier"}


@pytest.mark.slow
def test_it_learns_what_tells_pictures_apart_with_their_maps(tmp_path: Path) -> None:
    """Fakes have doubled pixels; the pictures asked about are others than those learned from."""
    write_images(tmp_path / "train", number=20)
    write_images(tmp_path / "test", number=20, start=500)
    recipe = replace(RECIPE, batch=5, epochs=6, schedule=LinearDecay(3, 3))
    training = tiny()
    history = trained(training, recipe, examples_of(tmp_path / "train"), tmp_path / "out").position.history
    test = examples_of(tmp_path / "test")
    ((seen, truth, _),) = Loader(test, training.read, 0, VALIDATE).batches(0, [list(range(len(test.items)))])
    with torch.no_grad():
        logits = training.judge.eval()(normalise(seen, IMAGENET))[:, 0]
    assert history[-1]["added"] > 0
    assert float(((logits > 0) == truth.bool()).float().mean()) > 0.8


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Write what a training writes, of networks of full size as they start, with maps of some size."""
    path = tmp_path_factory.mktemp("frepgan") / "frepgan-reimplemented-1class.pth"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        judge = frepgan.network()
    torch.save(judge.state_dict(), path)
    yield path
    path.unlink()


def detector(file: Path) -> frepgan.FrePGAN:
    return frepgan.FrePGAN(
        "reimplemented-1class", Weights(paths={"frepgan-reimplemented-1class": file}, unverified=True)
    )


@pytest.mark.slow
def test_the_detector_scores_a_picture_with_its_map(file: Path) -> None:
    loaded = detector(file)
    assert loaded.prepare(tiny_image(3, 240, 230)).shape == (3, 224, 224)
    picture = loaded.prepare(tiny_image(3, 240, 230))[None, :, :64, :64]
    with torch.no_grad():
        maps, classifier = (loaded.network.get_submodule(name) for name in ("perturbation", "classifier"))
        expected, alone = classifier(picture + maps(picture)).item(), classifier(picture).item()
        assert loaded.logit(picture).item() == pytest.approx(expected, rel=1e-4)
    assert abs(expected - alone) > 1e-3


@pytest.mark.slow
def test_a_classifier_without_its_generator_is_no_file_of_frepgan(file: Path, tmp_path: Path) -> None:
    state = torch.load(file, weights_only=True)
    alone = tmp_path / "frepgan-reimplemented-1class.pth"
    torch.save({key: value for key, value in state.items() if key.startswith("classifier.")}, alone)
    with pytest.raises(WrongWeights):
        detector(alone)


class Small(frepgan.FrePGAN):
    """The detector with networks that take a tenth of the time."""

    def __init__(self) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            judge = PerturbedClassifier(PerturbationMap(4, 1), TinyNetwork())
        self.name, self.network = "small", judge.eval().requires_grad_(False)


@pytest.mark.slow
def test_the_contract_is_kept() -> None:
    found = {result.check: result.problem for result in check_detector(Small())}
    assert found == dict.fromkeys(CHECKS, "")
