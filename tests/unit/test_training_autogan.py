"""AutoGAN's training: the official losses and views, and stops that change nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional
from training_jobs import examples_of, run_in_pieces, write_images

from forenbench.detectors._nets.autogan_features import AutoGANView, feature_of
from forenbench.detectors._nets.autogan_generators import auto_encoder
from forenbench.detectors._nets.cyclegan import Discriminator
from forenbench.training import simulator
from forenbench.training.autogan import AUTOGAN, CroppedFeature
from forenbench.training.examples import only_real
from forenbench.training.learners import fake_over_real
from forenbench.training.processes import Processes
from forenbench.training.request import TrainingData, TrainingRequest
from forenbench.training.rivals import Contest
from forenbench.training.session import Running
from forenbench.training.simulator import (
    POOL,
    SIMULATOR,
    Simulator,
    SimulatorView,
    beside_simulated,
    shortened,
    simulators,
)
from forenbench.training.state import TrainingSettings
from forenbench.types import FAKE, REAL

TINY = replace(SIMULATOR, epochs=2, batch=3, resize=40, crop=32)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the networks of trainings small: full ones take seconds a step."""
    monkeypatch.setattr(simulator, "SIZE", {"width": 4, "blocks": 1})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_images(tmp_path / "faces", number=4)
    return tmp_path


def running() -> Running:
    return Running(TINY, Processes(), lambda *_: None, lambda *_: None, keep="last")


def test_a_step_lowers_the_official_losses_of_each_side() -> None:
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    rivals = Simulator("transposed", TINY, seed=1)
    maker, judge = auto_encoder("transposed", 4, 1), Discriminator(width=4)
    maker.load_state_dict(rivals.maker.state_dict())
    judge.load_state_dict(rivals.judge.state_dict())
    losses = rivals.step(images, torch.zeros(2), np.random.default_rng(0))
    real = images / 255 * 2 - 1
    made = maker(real)
    fooling, difference = ((judge(made) - 1) ** 2).mean(), (made - real).abs().mean()
    assert losses["fooling"] == pytest.approx(fooling.item(), rel=1e-4)
    assert losses["difference"] == pytest.approx(difference.item(), rel=1e-4)
    optimiser = torch.optim.Adam(maker.parameters(), lr=2e-4, betas=(0.5, 0.999))
    (fooling + 0.5 * difference).backward()  # no lambda of 10 before the half
    optimiser.step()
    optimiser = torch.optim.Adam(judge.parameters(), lr=2e-4, betas=(0.5, 0.999))
    optimiser.zero_grad()
    judging = ((judge(real) - 1) ** 2).mean() / 2 + (judge(made.detach()) ** 2).mean() / 2
    judging.backward()
    optimiser.step()
    assert losses["judging"] == pytest.approx(judging.item(), rel=1e-4)
    for ours, expected in ((rivals.maker, maker), (rivals.judge, judge)):
        for one, other in zip(ours.parameters(), expected.parameters(), strict=True):
            # Adam's first step has one length whatever the gradient: where
            # that is rounding noise (biases before a norm), so is its sign.
            assert (one - other).abs().median() < 1e-6


def test_the_pool_gives_half_of_the_pictures_back_later() -> None:
    rivals, random = Simulator("transposed", TINY, seed=1), np.random.default_rng(0)
    shown = []
    for number in range(400):
        pictures = torch.full((2, 1, 1, 1), float(number))
        shown.append(rivals._pooled(pictures, random)[:, 0, 0, 0])
        assert rivals.memory["pool"].shape[0] == min(POOL, 2 * number + 2)
    ages = torch.stack([number - one for number, one in enumerate(shown)])
    assert not ages[: POOL // 2].any()  # while it fills
    assert (ages[POOL // 2 :] > 0).float().mean().item() == pytest.approx(0.5, abs=0.06)
    # It waits until one of the exchanges, one a step, hits its place among fifty.
    assert ages[100:][ages[100:] > 0].mean().item() == pytest.approx(50, rel=0.25)


def test_stopped_anywhere_the_simulator_ends_with_the_same_bytes(folder: Path) -> None:
    data = only_real(examples_of(folder / "faces"))

    def contest(out: str) -> Contest:
        settings = TrainingSettings(folder / out, {"is": 1}, keep="last", save_every=1)
        return Contest(Simulator("nearest", TINY, seed=1), TINY, data, settings, Processes())

    whole = contest("whole")
    whole.run(lambda *_: None)
    cut, calls = run_in_pieces(partial(contest, "cut"), tries=8)
    assert calls > 4  # steps of one run
    assert cut.result_file.read_bytes() == whole.result_file.read_bytes()
    assert torch.equal(cut.rivals.memory["pool"], whole.rivals.memory["pool"])
    assert len(cut.rivals.memory["pool"]) == 8  # four real images in each of two epochs


def test_every_real_image_gets_a_fake_of_each_kind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "SIMULATOR", TINY)
    every = examples_of(folder / "faces")
    reals = only_real(every)
    assert {item.label for item in reals.items} == {REAL}
    request = TrainingRequest("faces", folder / "out", "")
    files = simulators(request, ["nearest", "transposed"], reals, running())
    assert [path.name for path in files.values()] == [
        f"autogan-simulator-{kind}-faces.pth" for kind in ("nearest", "transposed")
    ]
    data = TrainingData(reals, every)
    shown = beside_simulated(data, files, folder / "pictures", running())
    assert shown.validation is every
    assert [item.label for item in shown.train.items] == [REAL] * 4 + [FAKE] * 8
    network = auto_encoder("transposed", 4, 1)
    network.load_state_dict(torch.load(files["transposed"], weights_only=True))
    with Image.open(folder / "faces" / reals.items[1].path) as image:
        seen = image.convert("RGB").resize((32, 32), Image.Resampling.BICUBIC)
    real = torch.from_numpy(np.array(seen)).permute(2, 0, 1)[None] / 255 * 2 - 1
    fake = shown.train.items[4 + 4 + 1]
    (folder / "fake.png").write_bytes(fake.source.read(fake.path))
    with Image.open(folder / "fake.png") as image, torch.no_grad():
        made = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        cut_off = (network(real)[0] + 1) * 127.5
    assert (cut_off - made).min() >= -1e-3  # never rounded up
    assert (cut_off - made).max() <= 1 + 1e-3
    assert (cut_off - made).mean().item() == pytest.approx(0.5, abs=0.05)
    again = beside_simulated(data, files, folder / "pictures", replace(running(), note=pytest.fail))
    assert again.train.items == shown.train.items


def test_half_of_the_simulators_epochs_have_the_full_rate() -> None:
    assert shortened(100) == SIMULATOR
    for epochs, full in ((1, 1), (2, 1), (5, 3)):
        schedule = shortened(epochs).schedule
        assert (schedule.constant, schedule.decay) == (full, epochs - full)  # type: ignore[union-attr]


def test_views_squash_as_official_code_does(folder: Path) -> None:
    image = Image.fromarray(np.random.RandomState(0).randint(0, 256, (60, 90, 3)).astype(np.uint8))
    whole = np.array(image.resize((40, 40), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    seen = {SimulatorView(TINY)(image, np.random.default_rng(seed)).numpy().tobytes() for seed in range(300)}
    crops = {
        np.ascontiguousarray(whole[:, y : y + 32, x : x + 32][:, :, ::step]).tobytes()
        for y in range(9)
        for x in range(9)
        for step in (1, -1)
    }
    assert seen <= crops
    assert len(seen) > 100
    pixels = torch.from_numpy(np.array(image.resize((256, 256), Image.Resampling.BILINEAR))).permute(2, 0, 1)
    expected = feature_of(pixels[:, 16:240, 16:240], "image")
    assert torch.equal(AutoGANView("image")(image), expected)


def test_crops_of_training_begin_at_0_to_32_and_nothing_is_mirrored() -> None:
    rows, columns = np.mgrid[:256, :256].astype(np.uint8)
    image = Image.fromarray(np.stack([rows, columns, rows], axis=2))
    places = set()
    for seed in range(300):
        seen = (CroppedFeature("image", AUTOGAN)(image, np.random.default_rng(seed)) + 1) * 127.5
        places.add((round(seen[2, 0, 0].item()), round(seen[1, 0, 0].item())))
        assert seen[1, 0, 223] - seen[1, 0, 0] == pytest.approx(223, abs=1e-3)
    assert {y for y, _ in places} == {x for _, x in places} == set(range(33))


def test_two_classes_are_trained_by_their_cross_entropy() -> None:
    logits, real = torch.randn(5, 2), torch.tensor([1, 0, 1, 1, 0])  # 1 is real there
    ours = functional.binary_cross_entropy_with_logits(
        partial(fake_over_real, fake=0)(logits), 1 - real.float()
    )
    assert ours.item() == pytest.approx(functional.cross_entropy(logits, real).item(), rel=1e-5)
