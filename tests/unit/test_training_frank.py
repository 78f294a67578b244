"""Frank et al.'s classifiers and FreDect: networks, recipes, and statistics of training images."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from training_jobs import examples_of, write_images

from forenbench.detectors._nets.cosines import LogCosines, Strip, unfilled
from forenbench.detectors._nets.frank_networks import CLASSIFIERS, start_as_keras
from forenbench.detectors._nets.pixels import PLAIN, Preprocess
from forenbench.detectors.frank import Frank
from forenbench.detectors.fredect import FreDect
from forenbench.errors import BenchError
from forenbench.testing import check_detector
from forenbench.training.optimisers import make_optimiser, penalty
from forenbench.training.processes import Processes
from forenbench.training.recipes import TrainingRecipe
from forenbench.training.request import TrainingData, TrainingRequest
from forenbench.training.schedules import EarlyStopping, Plateau
from forenbench.training.session import Running
from forenbench.training.standardised import FREDECT, Standardising, frank, frank_recipe, fredect, moments
from forenbench.training.supervised import train
from forenbench.weights import Weights, WrongWeights

SIDE = 16
VIEW = LogCosines(Preprocess(PLAIN, resize=SIDE))
RECIPE = replace(frank_recipe("ridge", "dct"), batch=4, epochs=2)


def running(
    recipe: TrainingRecipe = RECIPE, report: Callable[..., None] = lambda *_: None, workers: int = 0
) -> Running:
    return Running(recipe, Processes(), report, lambda *_: None, workers=workers, save_every=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_images(tmp_path / "train", number=5)
    write_images(tmp_path / "val", number=2, start=50)
    return tmp_path


def data(folder: Path) -> TrainingData:
    return TrainingData(examples_of(folder / "train"), examples_of(folder / "val"))


def tiny(dropout: float = 0.5) -> Standardising:
    """A regression that forgets half of what it sees."""
    layers = nn.Sequential(nn.Flatten(), nn.Dropout(dropout), nn.Linear(3 * SIDE * SIDE, 1))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        start_as_keras(layers)
    return Standardising(unfilled(layers, SIDE), VIEW, {}, computed=True)


def fit(folder: Path, out: str, what: Standardising, run: Running) -> Path:
    request, images = TrainingRequest("tiny", folder / out, "train"), data(folder)
    return train(request, what.learner(), images, partial(what.shown, request, images, run), run)


# --- networks


@pytest.mark.parametrize(
    ("name", "parameters"),
    # By Keras's own counting: each convolution k·k·in·out + out, each dense layer in·out + out, each
    # normalisation 2 a channel (beside the 2 that are not trained).
    [
        ("ridge", 3 * 128 * 128 + 1),
        ("cnn", (81 + 3) + (216 + 8) + (1152 + 16) + (4608 + 32) + (32 * 32 * 32 + 1)),
        (
            "resnet",
            (864 + 32) + (18432 + 64) + 20 * (36864 + 64 + 128) + (36864 + 64) + (64 * 256 + 256) + (256 + 1),
        ),
    ],
)
def test_networks_have_the_layers_of_the_official_ones(name: str, parameters: int) -> None:
    with torch.device("meta"):
        network = CLASSIFIERS[name](128)
        assert network(torch.zeros(2, 3, 128, 128)).shape == (2, 1)
    assert sum(one.numel() for one in network.parameters()) == parameters


def test_a_block_is_normalised_after_its_first_relu_and_before_its_last() -> None:
    """By Keras's constants: with zero weights, the first convolution's bias alone is left to follow."""
    block = next(one for one in CLASSIFIERS["resnet"](16) if type(one).__name__ == "_Block").eval()
    for weight in block.parameters():
        nn.init.zeros_(weight)
    nn.init.ones_(block.bn1.weight)
    nn.init.ones_(block.bn2.weight)
    nn.init.dirac_(block.conv2.weight)
    block.conv1.bias.data = torch.tensor([2.0, -2.0] * 32)
    seen = torch.full((1, 64, 3, 3), 0.25)
    made = block(seen)[0, :2, 1, 1].tolist()
    # 2 becomes 2 / sqrt(1 + 0.001), twice; -2 becomes 0 in the ReLU and stays it; the shortcut adds 0.25.
    assert made == pytest.approx([2 / 1.001 + 0.25, 0.25])
    block.train()
    block(torch.zeros(2, 64, 3, 3))
    assert block.bn1.running_var[0].item() == pytest.approx(0.99)  # 1 % of a variance of 0
    assert block.bn1.running_mean[0].item() == pytest.approx(0.02)


def test_weights_start_as_kerass_do() -> None:
    network = CLASSIFIERS["cnn"](64)
    start_as_keras(network)
    convolution, last = network[2], network[-1]
    limit = (6 / (9 * 3 + 9 * 8)) ** 0.5  # Glorot: what goes in and what comes out, each times the kernel
    assert 0.9 * limit < convolution.weight.abs().max() <= limit
    assert 0.9 * (6 / (8192 + 1)) ** 0.5 < last.weight.abs().max() <= (6 / (8192 + 1)) ** 0.5
    assert not convolution.bias.any()
    assert not last.bias.any()


def test_lsun_pictures_of_the_right_size_stay_and_no_picture_is_too_square() -> None:
    """The official script takes no row at all of pictures whose sides differ by one pixel, and fails."""
    right = Image.effect_noise((128, 128), 90).convert("RGB")
    assert np.array_equal(np.asarray(Strip().pixels(right)), np.asarray(right))
    almost = Image.new("RGB", (201, 200), (90, 120, 30))
    assert np.abs(np.asarray(Strip().pixels(almost)) - np.array([90, 120, 30])).max() <= 1
    assert LogCosines(Strip())(almost).shape == (3, 128, 128)


# --- recipes


def test_hyper_parameters_are_the_published_ones() -> None:
    ridge, cnn = frank_recipe("ridge", "dct"), frank_recipe("cnn", "lsun")
    for recipe in (ridge, cnn):
        assert (recipe.optimiser, recipe.rate, recipe.betas, recipe.eps) == ("adam", 1e-3, (0.9, 0.999), 1e-7)
        assert (recipe.batch, recipe.epochs, recipe.schedule) == (32, 50, Plateau(5))
        assert (recipe.keep, recipe.watch, recipe.flip) == ("best", "objective", 0)
    assert (ridge.decay, ridge.decayed, ridge.crop) == (0.02, "kernels", 256)
    assert (cnn.decay, cnn.crop) == (0, 128)
    assert (FREDECT.optimiser, FREDECT.rate, FREDECT.betas, FREDECT.eps) == ("adam", 1e-4, (0.9, 0.999), 1e-8)
    assert (FREDECT.batch, FREDECT.schedule, FREDECT.keep) == (64, EarlyStopping(), "best")
    assert (FREDECT.resize, FREDECT.crop, FREDECT.flip, FREDECT.augmentation.jpeg) == (256, 224, 0, 0)


@pytest.mark.parametrize(("classifier", "seen"), [("tree", "dct"), ("ridge", "fft")])
def test_unknown_words_are_refused(classifier: str, seen: str) -> None:
    with pytest.raises(BenchError, match=r"'tree'|'fft'"):
        frank_recipe(classifier, seen)


def test_the_penalty_is_kerass_and_its_gradient_the_decay() -> None:
    """Keras's l2(0.01): 0.01 times the sum of squares of the kernel, without the bias."""
    layer = nn.Linear(3, 1)
    layer.weight.data = torch.tensor([[1.0, -2.0, 3.0]])
    optimiser = make_optimiser(layer, frank_recipe("ridge", "dct"))
    assert penalty(optimiser) == pytest.approx(0.14)
    (0.01 * layer.weight.square().sum()).backward()  # type: ignore[no-untyped-call]
    assert layer.weight.grad is not None
    assert torch.allclose(layer.weight.grad, 0.02 * layer.weight)
    assert {group["eps"] for group in optimiser.param_groups} == {1e-7}


def test_early_stopping_watches_the_loss_with_its_penalty(folder: Path) -> None:
    path = fit(folder, "out", tiny(), running(replace(RECIPE, epochs=1)))
    card = json.loads(path.with_name("tiny.card.json").read_text())
    weight = torch.load(path, weights_only=True)["network.2.weight"]
    (row,) = card["epochs"]
    added = row["validation_objective"] - row["validation_loss"]
    assert added == pytest.approx(0.01 * weight.square().sum().item(), rel=1e-5)
    assert card["identity"]["recipe"]["watch"] == "objective"


# --- statistics


def seen_of(folder: Path) -> Tensor:
    files = sorted((folder / "train").rglob("*.png"))
    return torch.stack([VIEW.exact(Image.open(file).convert("RGB")) for file in files])


@pytest.mark.parametrize("workers", [0, 2])
def test_moments_are_the_mean_and_the_population_deviation(folder: Path, workers: int) -> None:
    mean, deviation = moments(data(folder).train, VIEW, running(workers=workers))
    every = seen_of(folder)
    assert torch.allclose(mean, every.mean(0), rtol=1e-12)
    assert torch.allclose(deviation, every.std(0, correction=0), rtol=1e-12)
    assert mean.dtype == torch.float64
    assert all(map(torch.equal, (mean, deviation), moments(data(folder).train, VIEW, running())))


def test_where_all_images_agree_nothing_is_divided_by_zero(tmp_path: Path) -> None:
    for label, grey in (("0_real", 10), ("1_fake", 60)):
        (tmp_path / "train" / label).mkdir(parents=True)
        Image.new("RGB", (SIDE, SIDE), (grey, grey, grey)).save(tmp_path / "train" / label / "0.png")
    what, images = tiny(), TrainingData(examples_of(tmp_path / "train"))
    what.shown(TrainingRequest("tiny", tmp_path / "out", "train"), images, running())
    assert what.network.deviation[0, 0, 0].item() == pytest.approx(np.log(6) / 2)
    assert (what.network.deviation > 0).all()
    assert what.network(what.view(Image.new("RGB", (SIDE, SIDE)))[None]).isfinite().all()


def test_samples_need_no_statistics(tmp_path: Path, folder: Path) -> None:
    what = frank("ridge", "pixels", 0)
    what.shown(TrainingRequest("tiny", tmp_path / "out", "train"), data(folder), running())
    assert not (tmp_path / "out").exists()
    assert (what.network.mean == 127.5).all()
    assert (what.network.deviation == 127.5).all()


def test_published_statistics_are_those_of_the_files(tmp_path: Path) -> None:
    mean, variance = torch.randn(3, 224, 224).double(), torch.rand(3, 224, 224).double() + 0.5
    for name, value in (("dct_mean", mean), ("dct_var", variance)):
        torch.save(value, tmp_path / name)
    paths = {"fredect-mean": tmp_path / "dct_mean", "fredect-variance": tmp_path / "dct_var"}
    what = fredect(0, Weights(paths=paths), published=True)
    assert not what.computed
    assert torch.equal(what.network.mean, mean.float())
    assert torch.allclose(what.network.deviation, variance.sqrt().float())
    assert what.facts["checkpoints"].keys() == {
        f"{name} (unverified)" for name in ("fredect-mean", "fredect-variance")
    }
    paths["fredect-variance"] = tmp_path / "other"
    torch.save(variance[:, :128], paths["fredect-variance"])
    with pytest.raises(WrongWeights, match="shape"):
        fredect(0, Weights(paths=paths), published=True)


# --- whole trainings


class Stop(Exception):
    """Ends a training as suddenly as a kill."""


def test_stopped_anywhere_a_training_ends_with_the_same_bytes(folder: Path) -> None:
    """Statistics are found again, and dropout draws what it would have drawn."""
    whole = fit(folder, "whole", tiny(), running())
    calls = count(1)

    def stop(*_: object) -> None:
        if next(calls) % 3 == 0:
            raise Stop

    with suppress(Stop):
        fit(folder, "cut", tiny(), running(report=stop))
    (kept,) = (folder / "cut/tiny.training").glob("statistics-*.safetensors")
    made = kept.stat().st_mtime_ns
    cut = folder / "cut/tiny.pth"
    while not cut.exists():
        assert kept.stat().st_mtime_ns == made
        torch.manual_seed(0)  # as whatever ran before may leave it
        with suppress(Stop):
            fit(folder, "cut", tiny(), running(report=stop))
    assert (
        next(calls) > 1 + 2 * 4
    )  # more than the three steps and one validation of each epoch: some were done twice
    assert cut.read_bytes() == whole.read_bytes()
    assert not (folder / "cut/tiny.training").exists()
    assert torch.allclose(torch.load(whole, weights_only=True)["mean"], seen_of(folder).mean(0).float())


def test_statistics_of_other_images_are_not_taken_over(folder: Path) -> None:
    """A training stopped in its first epoch leaves nothing else that says what it was of."""
    request = TrainingRequest("tiny", folder / "out", "train")
    one, other = tiny(), tiny()
    one.shown(request, data(folder), running())
    write_images(folder / "more", number=3, start=9)
    other.shown(request, TrainingData(examples_of(folder / "more")), running())
    assert not torch.equal(one.network.mean, other.network.mean)


@pytest.mark.slow
def test_what_is_trained_is_scored_by_its_detector(folder: Path) -> None:
    what = frank("ridge", "dct", 1)
    path = fit(folder, "out", what, running(replace(RECIPE, epochs=1)))
    found = Frank("ridge-1class", Weights(paths={"frank-ridge-1class": path}))
    given = Image.open(next((folder / "train").rglob("*.png"))).convert("RGB")
    numbers = found.prepare(given)[None]
    assert torch.allclose(found.logit(numbers), what.network.eval()(numbers).squeeze(1).detach())
    assert {result.check: result.problem for result in check_detector(found) if result.problem} == {}
    with pytest.raises(WrongWeights):
        Frank("cnn-1class", Weights(paths={"frank-cnn-1class": path}))


@pytest.mark.slow
@torch.no_grad()
def test_fredect_takes_three_published_files_or_one_of_ones_own(tmp_path: Path) -> None:
    what = fredect(1, Weights(), published=False)
    mean, variance = torch.randn(3, 224, 224), torch.rand(3, 224, 224) + 0.5
    what.network.fill(mean, variance.sqrt())
    state = {f"module.{key}": value for key, value in what.network.network.state_dict().items()}
    contents = {
        "fredect": {"netC": state},
        "fredect-mean": mean.double(),
        "fredect-variance": variance.double(),
    }
    contents["fredect-own-1class"] = dict(what.network.state_dict())
    for name, content in contents.items():
        torch.save(content, tmp_path / name)
    weights = Weights(paths={name: tmp_path / name for name in contents})
    numbers = FreDect.prepare(Image.effect_noise((300, 260), 90).convert("RGB"))[None]
    expected = what.network.eval()(numbers).squeeze(1)
    for variant in ("progan", "own-1class"):
        found = FreDect(variant, weights)
        assert torch.allclose(found.logit(numbers), expected, rtol=1e-4, atol=1e-5)
        assert getattr(found, "trained_on", ()) == (("progan",) if variant == "progan" else ())
