"""Networks that train against each other: stopped anywhere, they end as if they had not been."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL.Image import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam, Optimizer
from training_jobs import RECIPE, examples_of, run_in_pieces, write_images

from forenbench.errors import BenchError
from forenbench.training.processes import Processes
from forenbench.training.randomness import Read
from forenbench.training.request import TrainingData, TrainingRequest
from forenbench.training.rivals import Contest, train_rivals
from forenbench.training.schedules import LinearDecay
from forenbench.training.session import Running
from forenbench.training.state import TrainingSettings
from forenbench.training.views import Decoded, PlainView

EPOCHS = 3
CONTEST = replace(RECIPE, batch=5, epochs=EPOCHS, rate=1e-2, schedule=LinearDecay(1, 2), keep="last")


def pixels(image: Image) -> Tensor:
    return torch.from_numpy(np.array(image).transpose(2, 0, 1)).float() / 255


class Duel:
    """A generator of one convolution against a discriminator of one, with a memory of the last picture."""

    def __init__(self) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            self.networks: Mapping[str, nn.Module] = {
                "maker": nn.Conv2d(3, 3, 3, padding=1),
                "judge": nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.LazyLinear(1)),
            }
            self.networks["judge"](torch.zeros(2, 3, 32, 40))
        self.optimisers: Mapping[str, Optimizer] = {
            "maker": Adam(self.networks["maker"].parameters(), lr=1e-2),
            "judge": SGD(self.networks["judge"].parameters(), lr=1e-3, momentum=0.9),
        }
        self.memory: dict[str, Tensor] = {}
        self.read: Read = Decoded(PlainView(pixels))
        self.facts: dict[str, Any] = {"kind": "duel"}
        self.rates: list[tuple[float, float]] = []

    def step(self, images: Tensor, labels: Tensor, random: np.random.Generator) -> Mapping[str, float]:
        maker, judge = self.networks["maker"], self.networks["judge"]
        self.rates.append(tuple(one.param_groups[0]["lr"] for one in self.optimisers.values()))  # type: ignore[arg-type]
        made = maker(images + 0.01 * float(random.random()))
        old = self.memory.get("last", made.detach()[:1])
        losses = {
            "maker": functional.softplus(-judge(made)).mean(),
            "judge": functional.softplus(
                judge(torch.cat([made.detach(), old])) - judge(images).mean()
            ).mean(),
        }
        for name, loss in losses.items():
            self.optimisers[name].zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimisers[name].step()
        self.memory = {"last": made.detach()[:1].clone()}
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def publish(self) -> dict[str, Any]:
        return dict(self.networks["maker"].state_dict())


def contest(folder: Path, duel: Duel, out: str) -> Contest:
    settings = TrainingSettings(folder / out, {"is": 1}, keep="last", save_every=1)
    return Contest(duel, CONTEST, examples_of(folder / "train"), settings, Processes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_images(tmp_path / "train", number=4)  # 8 images: batches of 5 and 3
    return tmp_path


def weights(duel: Duel) -> dict[str, Tensor]:
    states = {name: one.state_dict() for name, one in duel.networks.items()}
    return {f"{name}.{key}": value for name, state in states.items() for key, value in state.items()}


@pytest.mark.slow
def test_stopped_at_every_second_report_they_still_end_with_the_same_weights(folder: Path) -> None:
    whole = Duel()
    training = contest(folder, whole, "whole")
    training.run(lambda *_: None)
    # Each with networks of its own, as a new process makes them.
    again, calls = run_in_pieces(lambda: contest(folder, Duel(), "cut"), tries=12)
    cut = again.rivals
    assert isinstance(cut, Duel)
    assert calls > 2 * EPOCHS  # more steps than one run has: some were done twice
    assert weights(cut).keys() == weights(whole).keys()
    assert all(torch.equal(value, weights(whole)[key]) for key, value in weights(cut).items())
    assert torch.equal(cut.memory["last"], whole.memory["last"])
    assert again.position.history == training.position.history
    assert again.result_file.read_bytes() == training.result_file.read_bytes()


def test_rates_fall_in_proportion_and_each_loss_has_its_mean(folder: Path) -> None:
    duel = Duel()
    training = contest(folder, duel, "out")
    training.run(lambda *_: None)
    makers, judges = zip(*duel.rates, strict=True)
    assert makers == pytest.approx([1e-2] * 2 + [2e-2 / 3] * 2 + [1e-2 / 3] * 2)
    assert judges == pytest.approx([1e-3] * 2 + [2e-3 / 3] * 2 + [1e-3 / 3] * 2)
    assert [sorted(row) for row in training.position.history] == [["epoch", "judge", "loss", "rate"]] * EPOCHS


def test_the_last_epoch_is_published_with_its_card(folder: Path) -> None:
    request = TrainingRequest("duel", folder / "out", str(folder / "train"))
    run = Running(CONTEST, Processes(), lambda *_: None, lambda *_: None, keep="last")
    duel = Duel()
    path = train_rivals(request, duel, TrainingData(examples_of(folder / "train")), run)
    assert path == folder / "out/duel.pth"
    assert torch.load(path, weights_only=True).keys() == {"weight", "bias"}
    assert not request.folder.exists()
    stamp = path.stat().st_mtime_ns
    train_rivals(request, Duel(), TrainingData(examples_of(folder / "train")), run)
    assert path.stat().st_mtime_ns == stamp  # it was finished


def test_several_processes_are_refused(folder: Path) -> None:
    settings = TrainingSettings(folder / "out", {})
    with pytest.raises(BenchError, match="leave torchrun out"):
        Contest(Duel(), CONTEST, examples_of(folder / "train"), settings, Processes(count=2))


def test_mixed_precision_is_refused_rather_than_left_out(folder: Path) -> None:
    settings = TrainingSettings(folder / "out", {}, precision="bf16")
    with pytest.raises(BenchError, match="full precision"):
        Contest(Duel(), CONTEST, examples_of(folder / "train"), settings, Processes())


def test_another_epoch_than_the_last_is_refused_rather_than_left_out(folder: Path) -> None:
    settings = TrainingSettings(folder / "out", {}, keep="best")
    with pytest.raises(BenchError, match="rivals keep their last epoch, not 'best'"):
        Contest(Duel(), CONTEST, examples_of(folder / "train"), settings, Processes())


def test_a_rate_of_zero_leaves_everything_as_it_is(folder: Path) -> None:
    duel, untouched = Duel(), weights(Duel())
    settings = TrainingSettings(folder / "out", {}, keep="last")
    recipe = replace(CONTEST, rate=0.0, epochs=1)
    Contest(duel, recipe, examples_of(folder / "train"), settings, Processes()).run(lambda *_: None)
    learned = {key: value for key, value in weights(duel).items() if key.endswith(("weight", "bias"))}
    assert all(torch.equal(value, untouched[key]) for key, value in learned.items())


@pytest.mark.parametrize("side", ["maker", "judge"])
def test_a_loss_that_is_no_number_ends_it(folder: Path, monkeypatch: pytest.MonkeyPatch, side: str) -> None:
    duel = Duel()
    losses = {"maker": 0.0, "judge": 0.0, side: float("nan")}
    step: Callable[..., Mapping[str, float]] = lambda *_: losses  # noqa: E731
    monkeypatch.setattr(duel, "step", step)
    with pytest.raises(BenchError, match="the loss of step 1 in epoch 1 is nan"):
        contest(folder, duel, "out").run(lambda *_: None)
