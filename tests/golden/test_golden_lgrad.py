"""LGrad against the official code: gradient pictures (stage A) and the classifier on them (stage B).

In float64 the official numbers come out exactly, so pictures, scores and wrong variants are compared there,
of two pictures: each takes seconds, and what tells pictures apart, how they are read and prepared, is
compared of all. What float32 makes of the same network is one machine's: between processors, or instruction
sets of one, 0.3 to 19 % of a picture's values change by a level, and a few, where an activation is about to
change its sign, by more. So float32 is asserted to stay near float64 by levels alone, and the official
float32 pictures, which were made on one machine, to be as near to ours as they are to the official float64
ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from formula import gan_weights, he_weights, shapes_of
from formula_images import IMAGES
from golden import (
    AVAILABLE,
    EXAMPLES,
    FOLDER,
    NUMBERS,
    PICTURES,
    SHARED,
    assert_input,
    card,
    needs_shared,
    outputs_of,
    picture,
)
from numpy.typing import NDArray
from PIL import Image

from forenbench.detectors._nets.gan_discriminators import activate, fold, pggan_256, stylegan_256
from forenbench.detectors._nets.gradients import gradients, to_pictures
from forenbench.detectors._nets.networks import resnet_50
from forenbench.detectors._nets.pixels import IMAGENET, SYMMETRIC, Preprocess, normalise
from forenbench.detectors.lgrad import LGrad
from forenbench.scoring.kept_memory import keeping_memory
from forenbench.weights import Weights

pytestmark = pytest.mark.slow


WRONG = ("rgb256a", "rgb256b")
"""Two pictures with which the official code was run the wrong way too."""
FLAT = ("gray256", "pal256")
"""Those that float32 changes most."""


class Model(NamedTuple):
    """A transformation model, its variant, and how far float32 took the official extremes, relatively."""

    build: Callable[[], torch.nn.Module]
    variant: str
    checkpoints: tuple[str, str]
    extremes: float
    exact: Sequence[str]
    rounded: Sequence[str]


# Of either, those of every kind that go wrong by themselves: squashed, flat, photographed and generated.
MODELS = {
    "stylegan": Model(
        *(stylegan_256, "stylegan-bedroom", ("stylegan-bedroom", "lgrad-4class"), 1e-3),
        *(WRONG, ("rgb301x257", *FLAT, *EXAMPLES)),
    ),
    "pggan": Model(
        *(pggan_256, "progan-bedroom-1class", ("progan-bedroom", "lgrad-progan-bedroom-1class"), 5e-3),
        *(("rgb256a", "rgb301x257"), ("rgb301x257", *FLAT)),
    ),
}


def cases(pictures: Callable[[Model], Sequence[str]]) -> list[Any]:
    """List each model with each of its pictures, as parameters of a test."""
    return [
        pytest.param(name, of, marks=[needs_shared] if of in EXAMPLES else [])
        for name, model in MODELS.items()
        for of in pictures(model)
    ]


EXACT, ROUNDED = cases(lambda model: model.exact), cases(lambda model: model.rounded)
LEVELS = 6
"""By how much float32 may change a value of the gradient picture, at most."""
CHANGED = 0.3
"""The share of a picture's values that float32 may change by a level.

Where a picture's extremes move, all its values do: by a level in 18.4 % of `pal256` on a processor with AVX2
alone, which moves the logit by 0.005. Truncation, which is wrong, lowers half of them.
"""
LOGIT = card("lgrad").within
"""How far float32 may take the classifier's logit for one and the same picture."""


class Gradients(NamedTuple):
    """A network's gradient and output for every picture, and the (512, 4, 4) that its last layers see."""

    network: torch.nn.Module
    gradient: dict[str, torch.Tensor]
    output: dict[str, float]
    deepest: dict[str, torch.Tensor]

    def picture(self, name: str) -> NDArray[np.int_]:
        """Return the gradient picture as (256, 256, 3) integers."""
        return to_pictures(self.gradient[name][None])[0].permute(1, 2, 0).numpy().astype(int)


class Run(NamedTuple):
    """One model's detector, and its stage A in either precision."""

    name: str
    model: Model
    detector: LGrad
    rounded: Gradients
    exact: Gradients

    def golden(self, name: str, stage: str) -> dict[str, Any]:
        return NUMBERS["lgrad"][self.name][name][stage]


@pytest.fixture(scope="module")
def classifier_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("lgrad") / "classifier.pth"
    torch.save(he_weights(shapes_of(resnet_50())), path)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    """Each model's run, once it is made. As a parameter, a module's fixture is made again for every case."""
    return {}


@pytest.fixture(params=MODELS)
def run(request: pytest.FixtureRequest, runs: dict[str, Run], tmp_path: Path, classifier_file: Path) -> Run:
    if request.param not in runs:
        runs[request.param] = make(request.param, tmp_path / "discriminator.pth", classifier_file)
    return runs[request.param]


def make(name: str, path: Path, classifier_file: Path) -> Run:
    """Load a model's detector from files of formula weights, and do stage A."""
    model = MODELS[name]
    wide = model.build()
    entries = gan_weights(shapes_of(wide))
    torch.save({"discriminator": entries}, path)
    weights = Weights(paths=dict(zip(model.checkpoints, (path, classifier_file), strict=True)))
    detector = LGrad(model.variant, weights)
    path.unlink()
    network = detector.encoder.network
    assert network is not None
    # Not the detector's, widened: its weights were multiplied in float32. Nor are channels
    # last as they are there, which is slower in float64.
    wide.load_state_dict(entries)
    wide.double().eval().requires_grad_(False)
    fold(wide)
    exact = run_of(wide, detector, [name for name in model.exact if name in AVAILABLE])
    rounded = run_of(network, detector, [name for name in model.rounded if name in AVAILABLE])
    return Run(name, model, detector, rounded, exact)


def run_of(network: torch.nn.Module, detector: LGrad, names: Sequence[str]) -> Gradients:
    """Differentiate pictures in the network's own precision."""
    batch = torch.stack([detector.prepare(picture(name)) for name in names])
    # As a run does: double precision alone takes new memory of gigabytes.
    with keeping_memory("cpu"), outputs_of(network) as outputs, outputs_of(network.layer11) as deepest:
        gradient = gradients(network, batch.to(next(network.parameters()).dtype))
    each = (gradient, torch.cat(outputs).flatten().tolist(), torch.cat(deepest).detach())
    return Gradients(network, *(dict(zip(names, one, strict=True)) for one in each))


def official_rounding(run: Run, name: str) -> int:
    """Return how far the official float32 picture's sums may be from the official float64 one's."""
    golden = run.golden(name, "stage_a")["float64"]
    return golden["values_differing_from_float32"] * golden["largest_difference"]


def every_eighth(run: Run, name: str) -> NDArray[np.int_]:
    """Return every eighth pixel of the official gradient picture."""
    if name in IMAGES:
        with Image.open(FOLDER / f"lgrad_{run.name}.png") as strip:
            tiles = np.asarray(strip).astype(int)
        at = [name for name in NUMBERS["lgrad"][run.name] if name in IMAGES].index(name)
        return tiles[:, 32 * at : 32 * (at + 1)]
    with Image.open(SHARED / run.golden(name, "stage_a")["every8_png"]) as tile:
        return np.asarray(tile).astype(int)


@pytest.mark.parametrize(("run", "name"), EXACT, indirect=["run"])
def test_double_precision_gives_the_official_numbers(run: Run, name: str) -> None:
    golden, gradient = run.golden(name, "stage_a")["float64"], run.exact.gradient[name]
    assert run.exact.output[name] == pytest.approx(golden["d_output"], rel=1e-9)
    assert gradient.min().item() == pytest.approx(golden["grad_min"], rel=1e-9)
    assert gradient.max().item() == pytest.approx(golden["grad_max"], rel=1e-9)
    # a level for each channel: a value on the border between two may fall on either side
    assert abs(run.exact.picture(name).sum((0, 1)) - golden["channel_sums"]).max() <= 1


@pytest.mark.parametrize("name", PICTURES)
def test_stage_a_sees_the_official_input(run: Run, name: str) -> None:
    golden, prepared = run.golden(name, "stage_a")["input"], run.detector.prepare(picture(name))
    assert_input(prepared, golden)
    assert prepared.double().sum().item() == pytest.approx(golden["sum"], abs=0.1)


@pytest.mark.parametrize(("run", "name"), EXACT, indirect=["run"])
def test_stage_a_gives_the_official_gradient_picture(run: Run, name: str) -> None:
    golden = run.golden(name, "stage_a")
    gradient, ours = run.exact.gradient[name], run.exact.picture(name)
    extremes = [golden["grad_min"], golden["grad_max"], golden["grad_abs_mean"]]
    found = [gradient.min().item(), gradient.max().item(), gradient.abs().mean().item()]
    assert found == pytest.approx(extremes, rel=run.model.extremes)
    assert list(ours.shape) == golden["gradient_image"]["shape"]
    grid = abs(ours[::8, ::8] - every_eighth(run, name))
    assert max(pixels_off(run, name, ours), grid.max()) <= golden["float64"]["largest_difference"]
    assert (grid > 0).sum() <= golden["float64"]["values_differing_from_float32"]
    away = abs(ours.sum((0, 1)) - golden["gradient_image"]["channel_sums"]).max()
    assert away <= official_rounding(run, name)


def pixels_off(run: Run, name: str, ours: NDArray[np.int_]) -> int:
    """Return how far the pixels are off that are listed of the official gradient picture."""
    listed = run.golden(name, "stage_a")["gradient_image"]["pixels"]
    return max(int(abs(ours[tuple(map(int, at.split(",")))] - pixel).max()) for at, pixel in listed.items())


@pytest.mark.parametrize(("run", "name"), ROUNDED, indirect=["run"])
def test_single_precision_stays_near(run: Run, name: str) -> None:
    golden, gradient = run.golden(name, "stage_a"), run.rounded.gradient[name]
    ours = run.rounded.picture(name)
    assert run.rounded.output[name] == pytest.approx(golden["d_output"], abs=1e-4)
    assert gradient.min().item() == pytest.approx(golden["float64"]["grad_min"], rel=LEVELS / 255)
    assert gradient.max().item() == pytest.approx(golden["float64"]["grad_max"], rel=LEVELS / 255)
    both = LEVELS + golden["float64"]["largest_difference"]  # the official picture is rounded, too
    assert max(pixels_off(run, name, ours), abs(ours[::8, ::8] - every_eighth(run, name)).max()) <= both
    assert abs(ours.sum((0, 1)) - golden["float64"]["channel_sums"]).max() <= CHANGED * 256**2
    if name in run.exact.gradient:
        assert abs(ours - run.exact.picture(name)).max() <= LEVELS


@pytest.mark.parametrize(("run", "name"), ROUNDED, indirect=["run"])
@torch.no_grad()
def test_stage_b_of_single_precision_stays_near(run: Run, name: str) -> None:
    prepared = normalise(to_pictures(run.rounded.gradient[name][None]), IMAGENET)
    golden = run.golden(name, "stage_b")
    assert prepared[0].double().mean((1, 2)).tolist() == pytest.approx(
        golden["input"]["channel_means"], abs=CHANGED / 255 / min(IMAGENET.std)
    )
    assert run.detector.classifier(prepared).item() == pytest.approx(golden["logit"], abs=100 * LOGIT)


@pytest.mark.parametrize(("run", "name"), EXACT, indirect=["run"])
@torch.no_grad()
def test_stage_b_gives_the_official_logit(run: Run, name: str) -> None:
    golden = run.golden(name, "stage_b")
    prepared = normalise(to_pictures(run.exact.gradient[name][None]), IMAGENET)
    assert list(prepared.shape[1:]) == golden["input"]["shape"]
    level = 1 / 255 / min(IMAGENET.std)
    slack = level * official_rounding(run, name)
    means = prepared[0].double().mean((1, 2))
    assert means.tolist() == pytest.approx(golden["input"]["channel_means"], abs=1e-6 + slack / 256**2)
    assert prepared.double().sum().item() == pytest.approx(golden["input"]["sum"], abs=0.1 + 3 * slack)
    few = 1e-6 + level * run.golden(name, "stage_a")["float64"]["largest_difference"]
    assert prepared[0, :, 0, 0].tolist() == pytest.approx(golden["input"]["first"], abs=few)
    assert prepared[0, :, 128, 128].tolist() == pytest.approx(golden["input"]["centre"], abs=few)
    logit = run.detector.classifier(prepared).item()
    assert logit == pytest.approx(golden["logit_of_float64_gradient_image"], abs=LOGIT)
    official = abs(golden["logit"] - golden["logit_of_float64_gradient_image"])
    assert logit == pytest.approx(golden["logit"], abs=LOGIT + official)
    assert torch.tensor(golden["logit"]).sigmoid().item() == pytest.approx(golden["sigmoid"], abs=1e-6)


@torch.no_grad()
def test_the_detector_does_both_stages_for_any_batch(run: Run) -> None:
    names = run.model.exact
    batch = torch.stack([run.detector.prepare(picture(name)) for name in names])
    pictures = run.detector.encoder.encode(batch)
    for name, made in zip(names, pictures.permute(0, 2, 3, 1).numpy().astype(int), strict=True):
        assert abs(made - run.exact.picture(name)).max() <= LEVELS
    logits = run.detector.classifier(normalise(pictures, IMAGENET)).flatten().tolist()
    assert run.detector.logit(pictures).tolist() == pytest.approx(logits, abs=LOGIT)


@pytest.mark.parametrize("run", ["stylegan"], indirect=True)
@pytest.mark.parametrize("name", WRONG)
def test_truncating_is_another_picture(run: Run, name: str) -> None:
    wrong = NUMBERS["wrong"]["lgrad_stylegan_stage_a"][name]["truncated_instead_of_rounded"]
    ours = run.exact.picture(name)
    few = official_rounding(run, name)
    truncated = truncated_picture_of(run.exact, name)
    assert abs(truncated.sum((0, 1)) - wrong["channel_sums"]).max() <= few
    assert abs(ours.sum((0, 1)) - wrong["channel_sums"]).max() > 100 * few
    assert (ours != truncated).sum() == pytest.approx(wrong["values_differing"], abs=2 * few)


def truncated_picture_of(made: Gradients, name: str) -> NDArray[np.int_]:
    shifted = made.gradient[name] - made.gradient[name].min()
    return (shifted / shifted.max() * 255).to(torch.uint8).permute(1, 2, 0).numpy().astype(int)


@needs_shared
@pytest.mark.parametrize("run", ["stylegan"], indirect=True)
@pytest.mark.parametrize(("name", "wrong"), [("real", 26_978_315), ("fake", 28_025_761)])
def test_truncating_darkens_the_released_examples(run: Run, name: str, wrong: int) -> None:
    """The sums that the official code with a truncation in it gave: half a level a value."""
    darker = 3 * 256**2 / 2
    # Of float32: it moves a sum by less than a third of this, whatever the processor.
    assert abs(truncated_picture_of(run.rounded, name).sum() - wrong) <= darker / 3
    assert run.rounded.picture(name).sum() - wrong == pytest.approx(darker, rel=1 / 3)


@pytest.mark.parametrize("run", ["stylegan"], indirect=True)
@torch.no_grad()
def test_sharing_the_deviation_between_two_images_is_another_picture(run: Run) -> None:
    """As the official discriminator does: its only part that joins the images of a batch."""
    network = run.exact.network
    maps = torch.stack([run.exact.deepest[name] for name in WRONG])
    deviation = (maps.var(0, correction=0) + 1e-8).sqrt().mean().expand(len(WRONG), 1, 4, 4)
    joined = activate(network.layer12(torch.cat([maps, deviation], 1))).flatten(1)
    outputs = network.layer14(activate(network.layer13(joined))).flatten().tolist()
    for name, output in zip(WRONG, outputs, strict=True):
        wrong = NUMBERS["wrong"]["lgrad_stylegan_stage_a"][name]["batch_of_two"]
        assert output == pytest.approx(wrong["d_output"], abs=1e-5)
        assert abs(run.exact.output[name] - wrong["d_output"]) > 3e-5
        # Both were differentiated in one batch: had our network joined them, the sums would be these.
        away = abs(run.exact.picture(name).sum((0, 1)) - wrong["channel_sums"])
        assert away.max() > 100 * official_rounding(run, name)


@pytest.mark.parametrize("run", ["stylegan"], indirect=True)
@pytest.mark.parametrize("name", ["rgb180x200", "rgb301x257", "rgb384x512", "rgb640x480"])
def test_cropping_and_padding_to_256_is_another_input(run: Run, name: str) -> None:
    """What sidbench does with pictures that are not 256×256 gives tensors of the right shape."""
    golden = run.golden(name, "stage_a")
    cropped = Preprocess(SYMMETRIC, crop=256)(picture(name))
    assert cropped.shape == run.detector.prepare(picture(name)).shape
    means = cropped.double().mean((1, 2)).tolist()
    assert max(abs(a - b) for a, b in zip(means, golden["input"]["channel_means"], strict=True)) > 1e-3


@pytest.mark.parametrize("run", ["stylegan"], indirect=True)
@pytest.mark.parametrize("name", WRONG)
@torch.no_grad()
def test_red_and_blue_are_not_swapped(run: Run, name: str) -> None:
    wrong = NUMBERS["wrong"]["lgrad_stylegan_stage_b"][name]
    pictures = to_pictures(run.exact.gradient[name][None])
    both = normalise(torch.cat([pictures, pictures.flip(1)]), IMAGENET)
    golden = [wrong["logit"], wrong["logit_with_red_and_blue_swapped"]]
    # the official logits are of its float32 picture
    assert run.detector.classifier(both).flatten().tolist() == pytest.approx(golden, abs=10 * LOGIT)
    assert abs(golden[0] - golden[1]) > 100 * LOGIT


@pytest.mark.parametrize("run", ["pggan"], indirect=True)
def test_one_image_alone_has_the_same_gradient_picture(run: Run) -> None:
    name = run.model.exact[0]
    image = run.detector.prepare(picture(name))[None]
    alone = run.detector.encoder.encode(image)[0].permute(1, 2, 0).numpy().astype(int)
    assert abs(alone - run.exact.picture(name)).max() <= LEVELS
