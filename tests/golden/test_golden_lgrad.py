"""LGrad against the official code: gradient pictures (stage A) and the classifier on them (stage B).

The tolerances are those that rounding explains (the same network in float64 differs as much).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from formula import gan_weights, he_weights, shapes_of
from formula_images import IMAGES
from golden import AVAILABLE, FOLDER, NUMBERS, PICTURES, SHARED, assert_input, picture
from numpy.typing import NDArray
from PIL import Image

from forenbench.detectors._nets.gan_discriminators import pggan_256, stylegan_256
from forenbench.detectors._nets.gradients import gradient_images, gradients, to_pictures
from forenbench.detectors._nets.networks import resnet_50
from forenbench.detectors._nets.pixels import IMAGENET, normalise
from forenbench.detectors.lgrad import LGrad
from forenbench.weights import Weights

pytestmark = pytest.mark.slow


class Model(NamedTuple):
    """A transformation model, its variant, and how far rounding may take us from the official numbers."""

    build: Callable[[], torch.nn.Module]
    variant: str
    checkpoints: tuple[str, str]
    extremes: float
    changed: float
    logit: float


MODELS = {
    "stylegan": Model(
        stylegan_256, "stylegan-bedroom", ("stylegan-bedroom", "lgrad-4class"), 1e-3, 0.03, 5e-3
    ),
    "pggan": Model(pggan_256, "progan-bedroom", ("progan-bedroom", "lgrad-progan-bedroom"), 5e-3, 0.10, 2e-2),
}


class Run(NamedTuple):
    """One model's detector and its stage A of every picture, made as one batch."""

    name: str
    model: Model
    detector: LGrad
    gradient: dict[str, torch.Tensor]
    output: dict[str, float]

    def golden(self, name: str, stage: str) -> dict[str, Any]:
        return NUMBERS["lgrad"][self.name][name][stage]


@pytest.fixture(scope="module")
def classifier_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("lgrad") / "classifier.pth"
    torch.save(he_weights(shapes_of(resnet_50())), path)
    yield path
    path.unlink()


@pytest.fixture(scope="module", params=MODELS)
def run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, classifier_file: Path
) -> Run:
    model = MODELS[request.param]
    path = tmp_path_factory.mktemp("discriminator") / "discriminator.pth"
    torch.save({"discriminator": gan_weights(shapes_of(model.build()))}, path)
    weights = Weights(paths=dict(zip(model.checkpoints, (path, classifier_file), strict=True)))
    detector = LGrad(model.variant, weights)
    path.unlink()
    batch = torch.stack([detector.prepare(picture(name)) for name in AVAILABLE])
    network = detector.transformation
    outputs = []
    hook = network.register_forward_hook(lambda module, images, output: outputs.append(output.detach()))
    gradient = gradients(network, batch)
    hook.remove()
    return Run(
        request.param,
        model,
        detector,
        dict(zip(AVAILABLE, gradient, strict=True)),
        dict(zip(AVAILABLE, torch.cat(outputs).flatten().tolist(), strict=True)),
    )


def picture_of(run: Run, name: str) -> NDArray[np.int_]:
    """Return the gradient picture as (256, 256, 3) integers."""
    return to_pictures(run.gradient[name][None])[0].permute(1, 2, 0).numpy().astype(int)


def every_eighth(run: Run, name: str) -> NDArray[np.int_]:
    """Return every eighth pixel of the official gradient picture."""
    if name in IMAGES:
        with Image.open(FOLDER / f"lgrad_{run.name}.png") as strip:
            tiles = np.asarray(strip).astype(int)
        at = [name for name in NUMBERS["lgrad"][run.name] if name in IMAGES].index(name)
        return tiles[:, 32 * at : 32 * (at + 1)]
    with Image.open(SHARED / run.golden(name, "stage_a")["every8_png"]) as tile:
        return np.asarray(tile).astype(int)


@pytest.mark.parametrize("name", PICTURES)
def test_stage_a_gives_the_official_gradient_picture(run: Run, name: str) -> None:
    golden, gradient = run.golden(name, "stage_a"), run.gradient[name]
    assert_input(run.detector.prepare(picture(name)), golden["input"])
    assert run.output[name] == pytest.approx(golden["d_output"], abs=1e-4)
    assert gradient.min().item() == pytest.approx(golden["grad_min"], rel=run.model.extremes)
    assert gradient.max().item() == pytest.approx(golden["grad_max"], rel=run.model.extremes)
    ours, differences = picture_of(run, name), []
    for place, pixel in golden["gradient_image"]["pixels"].items():
        row, column = map(int, place.split(","))
        differences.append(abs(ours[row, column] - pixel).max())
    grid = abs(ours[::8, ::8] - every_eighth(run, name))
    assert max(*differences, grid.max()) <= 6
    assert (grid > 0).mean() <= run.model.changed
    few = run.model.changed * 256 * 256  # that many values, each by one level
    assert abs(ours.sum((0, 1)) - golden["gradient_image"]["channel_sums"]).max() <= few


@pytest.mark.parametrize("name", PICTURES)
@torch.no_grad()
def test_stage_b_gives_the_official_logit(run: Run, name: str) -> None:
    golden = run.golden(name, "stage_b")
    pictures = to_pictures(run.gradient[name][None])
    logit = run.detector.classifier(normalise(pictures, IMAGENET)).item()
    assert logit == pytest.approx(golden["logit"], abs=run.model.logit)


@torch.no_grad()
def test_the_detector_does_both_stages_for_any_batch(run: Run) -> None:
    names = ["rgb256a", "rgb301x257"]
    logits = run.detector.logit(torch.stack([run.detector.prepare(picture(name)) for name in names]))
    golden = [run.golden(name, "stage_b")["logit"] for name in names]
    assert logits.tolist() == pytest.approx(golden, abs=run.model.logit)


@pytest.mark.parametrize("run", ["stylegan"], indirect=True)
@pytest.mark.parametrize("name", ["rgb256a", "rgb256b"])
def test_common_mistakes_are_not_ours(run: Run, name: str) -> None:
    wrong = NUMBERS["wrong"]["lgrad_stylegan_stage_a"][name]
    sums = picture_of(run, name).sum((0, 1))
    right = run.golden(name, "stage_a")["gradient_image"]["channel_sums"]
    few = run.model.changed * 256 * 256
    for mistake in ("truncated_instead_of_rounded", "batch_of_two"):
        assert abs(sums - wrong[mistake]["channel_sums"]).max() > 10 * few
        assert abs(sums - right).max() < few


@pytest.mark.parametrize("run", ["stylegan"], indirect=True)
@pytest.mark.parametrize("name", ["rgb256a", "rgb256b"])
@torch.no_grad()
def test_red_and_blue_are_not_swapped(run: Run, name: str) -> None:
    wrong = NUMBERS["wrong"]["lgrad_stylegan_stage_b"][name]
    pictures = to_pictures(run.gradient[name][None])
    both = normalise(torch.cat([pictures, pictures.flip(1)]), IMAGENET)
    golden = [wrong["logit"], wrong["logit_with_red_and_blue_swapped"]]
    assert run.detector.classifier(both).flatten().tolist() == pytest.approx(golden, abs=run.model.logit)
    assert abs(golden[0] - golden[1]) > 10 * run.model.logit


def test_one_image_alone_has_the_same_gradient_picture(run: Run) -> None:
    alone = gradient_images(run.detector.transformation, run.detector.prepare(picture("rgb256b"))[None])
    difference = abs(alone[0].permute(1, 2, 0).numpy().astype(int) - picture_of(run, "rgb256b"))
    assert difference.max() <= 6
    assert (difference > 0).mean() <= run.model.changed
