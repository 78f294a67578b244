"""LGrad against the official code: gradient pictures (stage A) and the classifier on them (stage B).

The tolerances are those that rounding explains (the same network in float64 differs as much). Only the
digests of the float32 pictures are not asserted: rounding changes them. In float64 the sums agree to 1 level.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from formula import gan_weights, he_weights, shapes_of
from formula_images import IMAGES
from golden import AVAILABLE, FOLDER, NUMBERS, PICTURES, SHARED, assert_input, needs_shared, picture
from numpy.typing import NDArray
from PIL import Image

from forenbench.detectors._nets.gan_discriminators import pggan_256, stylegan_256
from forenbench.detectors._nets.gradients import gradients, to_pictures
from forenbench.detectors._nets.networks import resnet_50
from forenbench.detectors._nets.pixels import IMAGENET, SYMMETRIC, Preprocess, normalise
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
    "pggan": Model(
        pggan_256,
        "progan-bedroom-1class",
        ("progan-bedroom", "lgrad-progan-bedroom-1class"),
        5e-3,
        0.10,
        2e-2,
    ),
}
LEVELS = 6
"""By how much rounding may change a value of the gradient picture, at most."""


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
    network = detector.encoder.network
    assert network is not None
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


def values_changed(run: Run) -> float:
    """Return how many of a picture's values rounding may change."""
    return run.model.changed * 3 * 256 * 256


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
    prepared = run.detector.prepare(picture(name))
    assert_input(prepared, golden["input"])
    assert prepared.double().sum().item() == pytest.approx(golden["input"]["sum"], abs=0.1)
    assert run.output[name] == pytest.approx(golden["d_output"], abs=1e-4)
    assert gradient.min().item() == pytest.approx(golden["grad_min"], rel=run.model.extremes)
    assert gradient.max().item() == pytest.approx(golden["grad_max"], rel=run.model.extremes)
    assert gradient.abs().mean().item() == pytest.approx(golden["grad_abs_mean"], rel=run.model.extremes)
    ours, differences = picture_of(run, name), []
    assert list(ours.shape) == golden["gradient_image"]["shape"]
    for place, pixel in golden["gradient_image"]["pixels"].items():
        row, column = map(int, place.split(","))
        differences.append(abs(ours[row, column] - pixel).max())
    grid = abs(ours[::8, ::8] - every_eighth(run, name))
    assert max(*differences, grid.max()) <= LEVELS
    assert (grid > 0).mean() <= run.model.changed
    few = run.model.changed * 256 * 256  # that many values, each by one level
    assert abs(ours.sum((0, 1)) - golden["gradient_image"]["channel_sums"]).max() <= few


@pytest.mark.parametrize("name", PICTURES)
def test_official_double_precision_is_as_near(run: Run, name: str) -> None:
    golden, gradient = run.golden(name, "stage_a")["float64"], run.gradient[name]
    assert run.output[name] == pytest.approx(golden["d_output"], abs=1e-4)
    assert gradient.min().item() == pytest.approx(golden["grad_min"], rel=run.model.extremes)
    assert gradient.max().item() == pytest.approx(golden["grad_max"], rel=run.model.extremes)
    sums = picture_of(run, name).sum((0, 1))
    assert abs(sums - golden["channel_sums"]).max() <= run.model.changed * 256 * 256
    assert golden["values_differing_from_float32"] <= values_changed(run)
    assert golden["largest_difference"] <= LEVELS


@pytest.mark.parametrize("name", ["pal256", "rgb301x257"])
def test_double_precision_gives_the_official_numbers_without_rounding(run: Run, name: str) -> None:
    golden = run.golden(name, "stage_a")["float64"]
    network = run.model.build().double().requires_grad_(False)
    network.load_state_dict(run.detector.encoder.network.state_dict())
    image = run.detector.prepare(picture(name))[None].double()
    gradient = gradients(network, image)
    assert network(image).item() == pytest.approx(golden["d_output"], rel=1e-9)
    assert gradient.min().item() == pytest.approx(golden["grad_min"], rel=1e-9)
    assert gradient.max().item() == pytest.approx(golden["grad_max"], rel=1e-9)
    pixels = to_pictures(gradient)[0].long()
    assert abs(pixels.sum((1, 2)) - torch.tensor(golden["channel_sums"])).max() <= 1
    difference = abs(pixels.permute(1, 2, 0).numpy() - picture_of(run, name))
    assert 0 < (difference > 0).sum() <= values_changed(run)
    assert difference.max() <= LEVELS


@pytest.mark.parametrize("name", PICTURES)
@torch.no_grad()
def test_stage_b_gives_the_official_logit(run: Run, name: str) -> None:
    golden = run.golden(name, "stage_b")
    prepared = normalise(to_pictures(run.gradient[name][None]), IMAGENET)
    assert list(prepared.shape[1:]) == golden["input"]["shape"]
    level = 1 / 255 / min(IMAGENET.std)
    means = prepared[0].double().mean((1, 2))
    assert means.tolist() == pytest.approx(golden["input"]["channel_means"], abs=level * run.model.changed)
    total, slack = prepared.double().sum().item(), level * values_changed(run)
    assert total == pytest.approx(golden["input"]["sum"], abs=slack)
    assert prepared[0, :, 0, 0].tolist() == pytest.approx(golden["input"]["first"], abs=LEVELS * level)
    assert prepared[0, :, 128, 128].tolist() == pytest.approx(golden["input"]["centre"], abs=LEVELS * level)
    logit = run.detector.classifier(prepared)
    assert logit.item() == pytest.approx(golden["logit"], abs=run.model.logit)
    assert logit.item() == pytest.approx(golden["logit_of_float64_gradient_image"], abs=run.model.logit)
    assert logit.sigmoid().item() == pytest.approx(golden["sigmoid"], abs=run.model.logit / 4)


@torch.no_grad()
def test_the_detector_does_both_stages_for_any_batch(run: Run) -> None:
    names = ["rgb256a", "rgb301x257"]
    batch = torch.stack([run.detector.prepare(picture(name)) for name in names])
    logits = run.detector.logit(run.detector.encoder.encode(batch))
    golden = [run.golden(name, "stage_b")["logit"] for name in names]
    assert logits.tolist() == pytest.approx(golden, abs=run.model.logit)


WRONG = ("rgb256a", "rgb256b")
"""Two pictures with which the official code was run the wrong way too."""


@pytest.mark.parametrize("run", ["stylegan"], indirect=True)
@pytest.mark.parametrize("name", WRONG)
def test_truncating_is_another_picture(run: Run, name: str) -> None:
    wrong = NUMBERS["wrong"]["lgrad_stylegan_stage_a"][name]["truncated_instead_of_rounded"]
    ours, truncated = picture_of(run, name), truncated_picture_of(run, name)
    few = run.model.changed * 256 * 256
    assert abs(truncated.sum((0, 1)) - wrong["channel_sums"]).max() < few
    assert abs(ours.sum((0, 1)) - wrong["channel_sums"]).max() > 10 * few
    assert (ours != truncated).sum() == pytest.approx(wrong["values_differing"], abs=values_changed(run))


def truncated_picture_of(run: Run, name: str) -> NDArray[np.int_]:
    shifted = run.gradient[name] - run.gradient[name].min()
    return (shifted / shifted.max() * 255).to(torch.uint8).permute(1, 2, 0).numpy().astype(int)


@needs_shared
@pytest.mark.parametrize("run", ["stylegan"], indirect=True)
@pytest.mark.parametrize(("name", "wrong"), [("real", 26_978_315), ("fake", 28_025_761)])
def test_truncating_darkens_the_released_examples(run: Run, name: str, wrong: int) -> None:
    """The sums that the official code with a truncation in it gave."""
    few = values_changed(run)
    assert abs(truncated_picture_of(run, name).sum() - wrong) < few
    assert picture_of(run, name).sum() - wrong > 10 * few


@pytest.mark.parametrize("run", ["stylegan"], indirect=True)
def test_sharing_the_deviation_between_two_images_is_another_picture(run: Run) -> None:
    """As the official discriminator does: its only part that joins the images of a batch."""
    network, shared = run.detector.encoder.network, copy.deepcopy(run.detector.encoder.network)
    assert network is not None
    shared.layer12.register_forward_pre_hook(lambda module, inputs: (_with_shared_deviation(inputs[0]),))
    batch = torch.stack([run.detector.prepare(picture(name)) for name in WRONG])
    with torch.no_grad():
        outputs = shared(batch).flatten().tolist()
    pictures = to_pictures(gradients(shared, batch)).permute(0, 2, 3, 1).numpy().astype(int)
    few = run.model.changed * 256 * 256
    for name, output, joined in zip(WRONG, outputs, pictures, strict=True):
        wrong = NUMBERS["wrong"]["lgrad_stylegan_stage_a"][name]["batch_of_two"]
        ours = picture_of(run, name)
        assert output == pytest.approx(wrong["d_output"], abs=1e-5)
        assert abs(run.output[name] - wrong["d_output"]) > 3e-5
        assert abs(joined.sum((0, 1)) - wrong["channel_sums"]).max() < few
        assert abs(ours.sum((0, 1)) - wrong["channel_sums"]).max() > 10 * few
        assert (ours != joined).sum() == pytest.approx(wrong["values_differing"], abs=values_changed(run))
        assert abs(ours - joined).max() == pytest.approx(wrong["largest_difference"], abs=2)


def _with_shared_deviation(x: torch.Tensor) -> torch.Tensor:
    """Put the deviation over the batch in the place of that of single images: the last channel."""
    features = x[:, :-1]
    deviation = (features.var(0, correction=0) + 1e-8).sqrt().mean()
    return torch.cat([features, deviation.expand(len(x), 1, 4, 4)], 1)


@pytest.mark.parametrize("run", ["stylegan"], indirect=True)
@pytest.mark.parametrize("name", ["rgb180x200", "rgb301x257", "rgb384x512", "rgb640x480"])
def test_cropping_and_padding_to_256_is_another_picture(run: Run, name: str) -> None:
    """What sidbench does with pictures that are not 256×256 gives neither the official input nor picture."""
    golden = run.golden(name, "stage_a")
    cropped = Preprocess(SYMMETRIC, crop=256)(picture(name))
    assert cropped.shape == run.detector.prepare(picture(name)).shape
    means = cropped.double().mean((1, 2)).tolist()
    assert max(abs(a - b) for a, b in zip(means, golden["input"]["channel_means"], strict=True)) > 1e-3
    wrong = to_pictures(gradients(run.detector.encoder.network, cropped[None]))[0].permute(1, 2, 0).numpy()
    assert (abs(wrong[::8, ::8].astype(int) - every_eighth(run, name)) > LEVELS).mean() > 0.1


@pytest.mark.parametrize("run", ["stylegan"], indirect=True)
@pytest.mark.parametrize("name", WRONG)
@torch.no_grad()
def test_red_and_blue_are_not_swapped(run: Run, name: str) -> None:
    wrong = NUMBERS["wrong"]["lgrad_stylegan_stage_b"][name]
    pictures = to_pictures(run.gradient[name][None])
    both = normalise(torch.cat([pictures, pictures.flip(1)]), IMAGENET)
    golden = [wrong["logit"], wrong["logit_with_red_and_blue_swapped"]]
    assert run.detector.classifier(both).flatten().tolist() == pytest.approx(golden, abs=run.model.logit)
    assert abs(golden[0] - golden[1]) > 10 * run.model.logit


def test_one_image_alone_has_the_same_gradient_picture(run: Run) -> None:
    image = run.detector.prepare(picture("rgb256b"))[None]
    alone = run.detector.encoder.encode(image)
    difference = abs(alone[0].permute(1, 2, 0).numpy().astype(int) - picture_of(run, "rgb256b"))
    assert difference.max() <= LEVELS
    assert (difference > 0).mean() <= run.model.changed
