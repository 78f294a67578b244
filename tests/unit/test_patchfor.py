"""Patch forensics: how its networks start and are trained, and what the detector makes of patches."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from formula import he_weights, shapes_of
from PIL import Image
from torch import Tensor, nn
from training_jobs import examples_of, run_in_pieces, write_images

from forenbench.detectors._nets.patch_networks import after_softmax, before_softmax, vote
from forenbench.detectors._nets.pixels import PLAIN, Preprocess
from forenbench.detectors.patchfor import FILES, PatchForensics, network_of
from forenbench.errors import BenchError
from forenbench.pictures.patch_maps import patch_map, patch_picture
from forenbench.testing import CHECKS, Brightness, check_detector, tiny_image
from forenbench.training.card import recipe_of
from forenbench.training.loader import paired
from forenbench.training.patchfor import patch_learner, patch_recipe
from forenbench.training.processes import Processes
from forenbench.training.recipes import CNNDETECTION, TrainingRecipe
from forenbench.training.schedules import Plateau, Stage
from forenbench.training.state import TrainingSettings
from forenbench.training.supervised import Training
from forenbench.weights import Weights

BLOCK, LAYER, SIDE = "xception-block1", "resnet18-layer1", 32
SMALL = replace(patch_recipe(LAYER), resize=SIDE, crop=SIDE, batch=4, epochs=2)


@pytest.mark.parametrize(
    ("name", "waited", "side"),
    [
        ("xception-block1", 250, 299),
        ("xception-block2", 100, 299),
        ("xception-block5", 50, 299),
        ("resnet18-layer1", 50, 224),
    ],
)
def test_the_recipe_is_that_of_the_authors_scripts(name: str, waited: int, side: int) -> None:
    recipe = patch_recipe(name)
    assert (recipe.rate, recipe.betas, recipe.batch, recipe.decay) == (1e-3, (0.9, 0.999), 32, 0)
    assert (recipe.resize, recipe.crop, recipe.flip, recipe.pairs) == (side, side, 0.5, True)
    stages = [Stage(recipe.rate)]
    assert isinstance(recipe.schedule, Plateau)
    while not stages[-1].stop:  # the first epoch is the best
        stages.append(recipe.schedule.after(stages[-1], len(stages) - 1, 0.75))
    # `epoch > best + 5 * patience`: the first epoch, as many more, and the one that is too much.
    assert len(stages) - 1 == 1 + waited + 1
    assert recipe.schedule.after(stages[0], 0, 1.0).stop
    assert {stage.rate for stage in stages} == {1e-3}


def test_an_unknown_network_is_named() -> None:
    with pytest.raises(BenchError, match="unknown network of patches 'xception-block6'"):
        patch_recipe("xception-block6")


def test_cards_of_trainings_without_pairs_stay_as_they_were() -> None:
    assert "pairs" not in recipe_of(CNNDETECTION)
    assert recipe_of(SMALL)["pairs"] is True


def test_networks_start_as_the_authors_initialise_them() -> None:
    network, again, other = (
        patch_learner(SMALL, LAYER, "random", seed, Weights()).network for seed in (3, 3, 4)
    )
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            _, _, height, width = layer.weight.shape
            fans = (layer.weight.shape[0] + layer.weight.shape[1]) * height * width
            assert layer.weight.std().item() == pytest.approx(0.02 * math.sqrt(2 / fans), rel=0.15)
            assert layer.bias is None or not layer.bias.any()
        elif isinstance(layer, nn.BatchNorm2d):
            assert layer.weight.mean().item() == pytest.approx(1, abs=0.02)
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.3)
            assert not layer.bias.any()
    assert torch.equal(network.get_parameter("convout.weight"), again.get_parameter("convout.weight"))
    assert not torch.equal(network.get_parameter("convout.weight"), other.get_parameter("convout.weight"))


@pytest.mark.parametrize(("reals", "fakes"), [(5, 12), (12, 5), (8, 8)])
def test_each_batch_has_as_many_reals_as_fakes(reals: int, fakes: int) -> None:
    labels = np.array([0, 1] * min(reals, fakes) + [int(fakes > reals)] * abs(reals - fakes))
    groups = paired(3, 1, labels, 6)
    pairs = max(reals, fakes)
    assert [len(group) for group in groups] == [6] * (pairs // 3) + [2 * (pairs % 3)] * (pairs % 3 > 0)
    for group in groups:
        half = len(group) // 2
        assert labels[group].tolist() == [0] * half + [1] * half
    seen = np.bincount([index for group in groups for index in group], minlength=len(labels))
    assert {*seen[labels == 0]} <= {pairs // reals, -(-pairs // reals)}  # reals take turns
    assert seen[labels == 1].sum() == pairs
    assert seen[labels == 1].max() > 1  # fakes are drawn with replacement
    assert groups == paired(3, 1, labels, 6)
    assert groups != paired(3, 2, labels, 6) != paired(4, 2, labels, 6)


def test_the_smallest_batch_is_one_pair() -> None:
    assert [len(group) for group in paired(0, 0, np.array([0, 1, 1]), 1)] == [2, 2]


def training(folder: Path, out: str, recipe: TrainingRecipe = SMALL) -> Training:
    learner = patch_learner(recipe, LAYER, "random", 0, Weights())
    data = examples_of(folder / "train"), examples_of(folder / "val")
    settings = TrainingSettings(folder / out, {"is": 1}, save_every=1)
    return Training(learner, recipe, data, settings, Processes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_images(tmp_path / "train", number=4)
    write_images(tmp_path / "val", number=2, start=50)
    next((tmp_path / "train").rglob("0_real/*.png")).unlink()  # 3 reals, 4 fakes: two batches of 4
    return tmp_path


@pytest.mark.slow
def test_stopped_at_every_third_report_it_ends_with_the_same_bytes(folder: Path) -> None:
    whole = training(folder, "whole")
    whole.run(lambda *_: None)
    cut, calls = run_in_pieces(lambda: training(folder, "cut"), tries=4, every=3)
    assert calls > 2 * 3  # two steps and a validation in each of two epochs; some were done twice
    assert cut.result_file.read_bytes() == whole.result_file.read_bytes()
    assert cut.position.history == whole.position.history


def test_an_epochs_loss_is_the_mean_over_its_pairs(folder: Path) -> None:
    """At rate zero, of a head of zeros: every patch is in doubt, and so is any mean of them."""
    still = training(folder, "out", replace(SMALL, rate=0.0, epochs=1))
    nn.init.zeros_(still.learner.network.get_parameter("convout.weight"))
    still.run(lambda *_: None)
    assert still.position.history[0]["loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert len(still.examples.items) == 7
    assert still.position.steps == 2


@pytest.mark.slow
def test_it_learns_what_tells_patches_apart_and_stops_when_all_are_right(tmp_path: Path) -> None:
    """Fakes have doubled pixels."""
    write_images(tmp_path / "train", number=16)
    write_images(tmp_path / "val", number=4, start=500)
    learnt = training(tmp_path, "out", replace(SMALL, batch=8, epochs=60))
    learnt.run(lambda *_: None)
    *before, end = (row["accuracy"] for row in learnt.position.history)
    assert end == 1
    assert max(before) < 1
    assert learnt.position.kept == len(learnt.position.history)


def test_class_one_is_real() -> None:
    learner = patch_learner(SMALL, LAYER, "random", 0, Weights())
    output = torch.zeros(2, 2, 3, 3)
    output[:, 0] = 2.0
    assert learner.logits(output).tolist() == [[2.0] * 9] * 2
    assert after_softmax(output)[0].item() == pytest.approx(1 / (1 + math.exp(-2)))


def test_what_is_trained_sees_a_picture_as_the_detector_does_or_its_mirror_image(folder: Path) -> None:
    learner = patch_learner(SMALL, LAYER, "random", 0, Weights())
    data = next((folder / "train").rglob("*.png")).read_bytes()
    plain = learner.read_validation(data, np.random.default_rng(0))
    seen = [learner.read_train(data, np.random.default_rng(seed)) for seed in range(20)]
    mirrored = [torch.equal(one, plain.flip(2)) for one in seen]
    assert plain.shape == (3, SIDE, SIDE)
    assert 0 < sum(mirrored) < 20
    assert all(torch.equal(one, plain) for one, other in zip(seen, mirrored, strict=True) if not other)


def detector(folder: Path, variant: str) -> PatchForensics:
    """Load a detector with weights by formula, under the key of the authors' files."""
    network, checkpoint = network_of(variant).build, FILES[variant]
    with torch.device("meta"):
        shapes = shapes_of(network())
    path = folder / "bestval_net_D.pth"
    torch.save({"state_dict": he_weights(shapes), "epoch": 3}, path)
    return PatchForensics(variant, Weights(paths={checkpoint.name: path}, unverified=True))


@pytest.mark.slow
def test_each_variant_reduces_patches_in_its_own_way(tmp_path: Path) -> None:
    one = detector(tmp_path, f"{BLOCK}-celebahq")
    batch = torch.stack([one.prepare(tiny_image(seed, 90, 70)) for seed in range(2)])
    logits = one.network(batch)
    for ending, reduce in (("", after_softmax), ("-before-softmax", before_softmax), ("-vote", vote)):
        found = detector(tmp_path, f"{BLOCK}-celebahq{ending}")
        assert found.reduced is reduce
        assert found.trained_on == ("progan", "celebahq")
    assert torch.equal(one.score(batch), after_softmax(logits))
    assert one.patches(batch).shape == (2, 74, 74)
    torch.testing.assert_close(one.patches(batch).mean((1, 2)), one.score(batch))


def test_the_authors_unzipped_folder_is_a_folder_of_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scripts of theirs name the run, and `save_networks` the file."""
    runs = {"xception-block1": 50, "xception-block2": 20, "xception-block5": 10}
    for name, patience in runs.items():
        run = f"gp1-gan-winversion_seed0_{name.replace('-', '_')}_constant_p{patience}"
        (tmp_path / "checkpoints" / run).mkdir(parents=True)
        (tmp_path / "checkpoints" / run / "bestval_net_D.pth").touch()
    monkeypatch.setenv("FORENBENCH_WEIGHTS", str(tmp_path / "checkpoints"))
    found = [Weights().path(FILES[f"{name}-celebahq"]) for name in runs]
    assert [path.parent.name.split("_constant_p")[1] for path in found] == ["50", "20", "10"]


@pytest.mark.slow
def test_it_keeps_the_contract(tmp_path: Path) -> None:
    results = {
        result.check: result.problem for result in check_detector(detector(tmp_path, f"{LAYER}-progan"))
    }
    assert results == dict.fromkeys(CHECKS, "")


class Halves(Brightness):
    """Says 0.9 of the left half of an image, 0.2 of the right."""

    name = "halves"
    prepare = Preprocess(PLAIN)  # type: ignore[assignment]
    said = (0.9, 0.2)

    def patches(self, batch: Tensor) -> Tensor:
        return torch.tensor(self.said).repeat(len(batch), 4, 1)


def test_the_patch_map_lies_over_the_image_on_a_fixed_scale() -> None:
    grey = Image.new("RGB", (64, 48), (128, 128, 128))
    np.testing.assert_allclose(patch_map(Halves(), grey), [[0.9, 0.2]] * 4, rtol=1e-6)
    pixels = np.asarray(patch_picture(Halves(), grey)).astype(int)
    assert (pixels[:, :8, 0] - pixels[:, :8, 2]).min() > 50  # red
    assert (pixels[:, -8:, 0] - pixels[:, -8:, 2]).max() < -50  # blue

    class Surer(Halves):
        said = (1.0, 0.2)

    surer = np.asarray(patch_picture(Surer(), grey)).astype(int)
    # The right half stays as blue as it was: colours compare between images.
    assert np.array_equal(surer[:, -8:], pixels[:, -8:])
    assert surer[0, 0, 0] - surer[0, 0, 2] > pixels[0, 0, 0] - pixels[0, 0, 2]


def test_what_are_no_probabilities_of_patches_is_not_drawn() -> None:
    class Logits(Halves):
        said = (3.0, -0.5)

    with pytest.raises(BenchError, match=r"'halves' must be probabilities .* from -0\.5 to 3"):
        patch_map(Logits(), Image.new("RGB", (8, 8)))
    with pytest.raises(BenchError, match="'brightness' judges no patches; patchfor does"):
        patch_map(Brightness(), Image.new("RGB", (8, 8)))
