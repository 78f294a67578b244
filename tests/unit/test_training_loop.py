"""Killed at any moment and started again, or shared by two processes: the result is the same."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score
from torch import nn
from training_jobs import (
    RECIPE,
    TinyNetwork,
    examples_of,
    finish,
    run_training,
    start,
    tiny_learner,
    write_images,
)

from forenbench.detectors._nets.pixels import IMAGENET, normalise
from forenbench.detectors._nets.small import small_resnet
from forenbench.errors import BenchError
from forenbench.training import starts
from forenbench.training.examples import Examples
from forenbench.training.learners import Learner, fake_over_real
from forenbench.training.processes import Processes
from forenbench.training.randomness import TRAIN, draws
from forenbench.training.recipes import LGRAD, Augmentation
from forenbench.training.request import TrainingData, TrainingRequest
from forenbench.training.schedules import Constant, EarlyStopping, Plateau
from forenbench.training.session import Running
from forenbench.training.supervised import Training, train
from forenbench.weights import Weights

State = dict[str, torch.Tensor]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_images(tmp_path / "train", ("cat", "horse"), number=6)  # 24 images: three batches of 8
    write_images(tmp_path / "val", ("cat", "horse"), number=2, start=50)
    return tmp_path


def published(out: Path) -> dict[str, object]:
    content: dict[str, object] = torch.load(out / "state/kept.pth", weights_only=True)
    return content


def last(out: Path) -> dict[str, object]:
    content: dict[str, object] = torch.load(out / "state/last.pt", weights_only=True)
    return content


def assert_equal(one: object, other: object) -> None:
    """Compare nested containers of tensors bit for bit."""
    if isinstance(one, dict) and isinstance(other, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_equal(one[key], other[key])
    elif isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        assert torch.equal(one, other)
    else:
        assert one == other


@pytest.mark.slow
def test_killed_three_times_it_ends_with_the_very_weights_of_an_uninterrupted_training(folder: Path) -> None:
    finish(start(folder, folder / "whole", save_every=2))
    delays = random.Random(3)
    steps = folder / "killed/steps0"
    for more in (4, 3, 5):  # in the first, second and third epoch, before and after a state is written
        seen = len(steps.read_text().splitlines()) if steps.is_file() else 0
        process = start(folder, folder / "killed", pause=0.05, save_every=2)
        deadline = time.monotonic() + 60
        while not steps.is_file() or len(steps.read_text().splitlines()) < seen + more:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(delays.uniform(0, 0.06))
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    finish(start(folder, folder / "killed", save_every=2))
    lines = steps.read_text().splitlines()
    assert len(lines) > len((folder / "whole/steps0").read_text().splitlines())  # some steps were done again
    assert lines.count("epoch 1 1") == 1  # but not all
    one, other = (folder / name / "state/kept.pth" for name in ("killed", "whole"))
    assert one.read_bytes() == other.read_bytes()
    killed, whole = last(folder / "killed"), last(folder / "whole")
    killed["position"].pop("seconds"), whole["position"].pop("seconds")  # type: ignore[attr-defined]
    assert_equal(killed, whole)


class Stop(Exception):
    """Ends a training as suddenly as a kill."""


@pytest.mark.slow
def test_stopped_at_every_third_report_it_still_ends_with_the_same_weights(folder: Path) -> None:
    """With batch normalisation, whose statistics are state too; the state is written after each step."""
    recipe = replace(RECIPE, epochs=2)
    whole = run_training(folder, folder / "whole", recipe, learner=learner(small_resnet), save_every=1)
    settings = replace(whole.settings, folder=folder / "cut")
    calls = 0

    def stop(what: str, step: int, number: int, losses: object) -> None:
        nonlocal calls
        calls += 1
        if calls % 3 == 0:
            raise Stop

    for _ in range(9):
        training = Training(learner(small_resnet), recipe, data_of(whole), settings, whole.processes)
        with suppress(Stop):
            training.run(stop)
    assert calls > 2 * 4  # more than the reports of one run: some steps were done twice
    assert_equal(training.learner.network.state_dict(), whole.learner.network.state_dict())
    assert training.position.history == whole.position.history


class Forgetful(TinyNetwork):
    """Drops half of what it sees: a draw of a layer's own."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(nn.functional.dropout(images, 0.5, self.training))


def test_what_layers_draw_is_the_same_after_a_stop(folder: Path) -> None:
    recipe = replace(RECIPE, epochs=1)
    whole = run_training(folder, folder / "whole", recipe, learner=learner(Forgetful), save_every=1)
    torch.rand(7)  # another process has drawn other numbers by now
    again = run_training(folder, folder / "again", recipe, learner=learner(Forgetful))
    assert_equal(again.learner.network.state_dict(), whole.learner.network.state_dict())
    calls = 0

    def stop(*_: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Stop

    for _ in range(2):
        settings = replace(whole.settings, folder=folder / "cut")
        cut = Training(learner(Forgetful), recipe, data_of(whole), settings, whole.processes)
        with suppress(Stop):
            cut.run(stop)
        torch.rand(3)
    assert_equal(cut.learner.network.state_dict(), whole.learner.network.state_dict())
    other = run_training(folder, folder / "other", recipe, learner=learner(Forgetful), seed=1)
    plain = run_training(folder, folder / "plain", recipe, learner=learner(TinyNetwork))
    for different in (other, plain):
        assert not torch.equal(
            different.learner.network.get_parameter("fc.weight"),
            whole.learner.network.get_parameter("fc.weight"),
        )


def test_killed_before_the_kept_epoch_is_written_it_writes_it_when_started_again(folder: Path) -> None:
    recipe = replace(RECIPE, epochs=1)
    written = run_training(folder, folder / "out", recipe).result_file
    whole = written.read_bytes()
    written.write_bytes(b"of an earlier epoch")
    run_training(folder, folder / "out", recipe)
    assert written.read_bytes() == whole


def learner(build: Callable[[], nn.Module]) -> Learner:
    return tiny_learner(RECIPE, build)


def data_of(training: Training) -> tuple[Examples, Examples | None]:
    return training.examples, training.validation


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # torch's loader forks, which is its choice
def test_the_number_of_decoding_processes_changes_nothing(folder: Path) -> None:
    recipe = replace(RECIPE, epochs=1)
    alone = run_training(folder, folder / "alone", recipe)
    helped = run_training(folder, folder / "helped", recipe, workers=2)
    assert_equal(alone.learner.network.state_dict(), helped.learner.network.state_dict())


def test_another_seed_gives_another_network(folder: Path) -> None:
    recipe = replace(RECIPE, epochs=1)
    one, other = (run_training(folder, folder / str(seed), recipe, seed=seed) for seed in (0, 1))
    assert not torch.equal(one.learner.network.fc.weight, other.learner.network.fc.weight)  # type: ignore[union-attr,arg-type]


def test_a_state_of_another_training_is_refused(folder: Path) -> None:
    recipe = replace(RECIPE, epochs=1)
    whole = run_training(folder, folder / "whole", recipe)
    settings = replace(whole.settings, identity={"is": 2})
    with pytest.raises(BenchError, match="belongs to another training: its is is 1, not 2"):
        Training(tiny_learner(), recipe, data_of(whole), settings, whole.processes)


@pytest.mark.slow
def test_it_learns_what_tells_the_images_apart(folder: Path) -> None:
    """Fakes have doubled pixels: a network of 700 weights must find that."""
    write_images(folder / "more/train", number=40, start=100)
    write_images(folder / "more/val", number=20, start=500)
    schedule = EarlyStopping()
    recipe = replace(RECIPE, epochs=12, rate=1e-2, augmentation=Augmentation(), schedule=schedule)
    training = run_training(folder / "more", folder / "out", recipe)
    assert max(row["accuracy"] for row in training.position.history) > 0.9


@pytest.mark.slow
def test_the_best_epoch_is_kept_and_the_official_rule_may_keep_a_worse_one(folder: Path) -> None:
    """Rates are absurd, so that accuracy jumps about: what is kept must follow the two rules as written."""
    recipe = replace(RECIPE, epochs=10, rate=0.3, augmentation=Augmentation())
    for keep in ("best", "official"):
        out = folder / keep
        training = run_training(folder, out, recipe, keep=keep)
        history = training.position.history
        accuracies = [row["accuracy"] for row in history]
        if keep == "best":
            expected = 1 + int(np.argmax(accuracies))
        else:
            expected = official_epoch(accuracies, patience=1)
        assert training.position.kept == expected
        assert published(out)["total_steps"] == 3 * expected


def official_epoch(accuracies: list[float], patience: int) -> int:
    """Replay the official rule: a fresh object after each drop saves whatever comes first."""
    best, waited, demand, kept = None, 0, 0.001, 0
    for epoch, accuracy in enumerate(accuracies, start=1):
        if best is None or accuracy >= best + demand:
            best, waited, kept = accuracy, 0, epoch
        else:
            waited += 1
        if waited == patience:
            best, waited, demand = None, 0, 0.002
    return kept


class Patches(nn.Module):
    """Two classes at each of some places; the first is "generated"."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 5, stride=4), nn.Tanh(), nn.Conv2d(4, 2, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps: torch.Tensor = self.body(images)
        return maps


def test_patches_are_trained_as_images_of_their_own_and_validated_together(folder: Path) -> None:
    """Against cross-entropy over patches, the rule written out; the loss that is watched decides."""
    recipe = replace(
        RECIPE, epochs=3, rate=0.05, augmentation=Augmentation(), flip=0.0, watch="loss", schedule=Plateau(9)
    )
    one = replace(tiny_learner(recipe, Patches), logits=partial(fake_over_real, fake=0))
    training = run_training(folder, folder / "out", recipe, learner=one)
    network, history = Patches(), training.position.history
    kept = 1 + int(np.argmin([row["validation_loss"] for row in history]))
    assert training.position.kept == kept
    network.load_state_dict(published(folder / "out")["model"])  # type: ignore[arg-type]
    assert training.validation is not None
    read = training.learner.read_validation
    random = np.random.default_rng(0)
    shown = torch.stack([read(item.source.read(item.path), random) for item in training.validation.items])
    truth = torch.tensor([item.label for item in training.validation.items])
    with torch.no_grad():
        outputs = network(training.learner.inputs(shown, None))
    classes = (1 - truth)[:, None, None].expand(-1, *outputs.shape[2:])
    row = history[kept - 1]
    loss = nn.functional.cross_entropy(outputs, classes)
    assert row["validation_loss"] == pytest.approx(float(loss), rel=1e-5)
    right = (outputs.argmax(1) == classes).float().mean()
    assert row["accuracy"] == pytest.approx(float(right), abs=1e-6)
    means = outputs.softmax(1)[:, 0].mean((1, 2))
    assert row["ap"] == pytest.approx(average_precision_score(truth, means), abs=1e-6)


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        ("best", "the best epoch is kept by what validation says, and there are no validation images"),
        ("official", "a Constant takes no epoch for an improvement"),
    ],
)
def test_a_training_without_a_result_does_not_begin(folder: Path, keep: str, message: str) -> None:
    recipe = replace(RECIPE, schedule=Constant(), epochs=1)
    run = Running(recipe, Processes(), lambda *_: None, lambda *_: None, keep=keep)
    request = TrainingRequest("mine", folder / "out", str(folder / "train"))
    data = TrainingData(examples_of(folder / "train"))
    with pytest.raises(BenchError, match=message):
        train(request, tiny_learner(recipe), data, lambda: data, run)
    assert not (folder / "out").exists()


def test_in_bf16_two_classes_are_compared_in_full_precision(folder: Path) -> None:
    """The difference of 256 and -1 is 256 in bfloat16."""

    class Even(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.classes = nn.Parameter(torch.tensor([256.0, -1.0]))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.classes.expand(len(images), 2).bfloat16()

    one = replace(tiny_learner(RECIPE, Even), logits=partial(fake_over_real, fake=0))
    recipe = replace(RECIPE, epochs=1, rate=0.0)
    training = run_training(folder, folder / "out", recipe, precision="bf16", learner=one)
    # Half of the images are real: each costs the difference, and a fake nothing.
    assert training.position.history[0]["loss"] == pytest.approx(257 / 2)


@pytest.mark.slow
def test_lgrad_keeps_the_last_epoch_and_validates_when_the_rate_drops(folder: Path) -> None:
    recipe = replace(LGRAD, rate=1e-3, batch=8, epochs=12, crop=16)
    training = run_training(folder, folder / "out", recipe, keep="last", learner=tiny_learner(recipe))
    history = training.position.history
    assert [row["epoch"] for row in history if "accuracy" in row] == [1, 11, 12]
    assert [row["rate"] for row in history] == [1e-3] * 11 + [pytest.approx(8e-4)]
    assert training.position.kept == 12
    assert_equal(published(folder / "out")["model"], training.learner.network.state_dict())


def test_an_epochs_loss_is_the_mean_over_its_images(folder: Path) -> None:
    """At rate zero the network stays as it is: every image's loss can be worked out by itself."""
    for path in sorted((folder / "train").rglob("*.png"))[21:]:
        path.unlink()  # 21 images: batches of 8, 8 and 5
    training = run_training(folder, folder / "out", replace(RECIPE, epochs=1, rate=0.0))
    network, items = training.learner.network.eval(), training.examples.items
    losses = []
    for index, item in enumerate(items):
        picture = training.learner.read_train(item.source.read(item.path), draws(0, TRAIN, 0, index))
        with torch.no_grad():
            logit = float(network(normalise(picture[None], IMAGENET)))
        losses.append(np.log1p(np.exp(-logit if item.label else logit)))
    assert len(losses) == 21
    assert training.position.history[0]["loss"] == pytest.approx(np.mean(losses), abs=1e-6)


def test_a_loss_that_is_no_number_ends_training_with_a_word(folder: Path) -> None:
    broken = tiny_learner()
    nn.init.constant_(broken.network.get_parameter("fc.bias"), float("nan"))
    with pytest.raises(BenchError, match="loss of step 1 in epoch 1 is nan"):
        run_training(folder, folder / "out", learner=broken)


@pytest.mark.slow
def test_a_continued_training_counts_on_and_a_kill_does_not_begin_it_anew(folder: Path) -> None:
    once = replace(RECIPE, epochs=1)
    run_training(folder, folder / "first", once)
    file = str(folder / "first/state/kept.pth")

    def continued(out: str, epochs: int) -> Training:
        learner = tiny_learner()
        learner.begun = starts.fill(learner.network, file, Weights()).begun()
        return run_training(
            folder, folder / out, replace(RECIPE, epochs=epochs), learner=learner, keep="last"
        )

    continued("one", 2)
    continued("two", 1)  # ends early, as if killed between epochs
    continued("two", 2)
    assert published(folder / "one")["total_steps"] == 3 + 2 * 3
    assert last(folder / "one")["optimiser"]["state"][0]["step"] == 3 + 2 * 3  # type: ignore[index]
    assert_equal(last(folder / "one")["network"], last(folder / "two")["network"])


def test_bf16_only_when_asked(folder: Path) -> None:
    recipe = replace(RECIPE, epochs=1)
    seen: set[torch.dtype] = set()

    class Watched(TinyNetwork):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            logits = super().forward(images)
            seen.add(logits.dtype)
            return logits

    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        seen.clear()
        run_training(folder, folder / precision, recipe, precision=precision, learner=learner(Watched))
        assert seen == {dtype}


@pytest.mark.slow
def test_two_processes_train_the_network_that_one_trains(folder: Path) -> None:
    """Seventeen images: the last batch of each epoch has one, so that one process is idle."""
    for path in [*sorted((folder / "train").rglob("*.png"))][17:]:
        path.unlink()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    ranks = [
        start(folder, folder / "two", {**common, "RANK": str(rank), "LOCAL_RANK": str(rank)})
        for rank in range(2)
    ]
    one = start(folder, folder / "one")
    finish(one, *ranks)
    ours, theirs = (published(folder / name)["model"] for name in ("one", "two"))
    for key, value in ours.items():  # type: ignore[attr-defined]
        torch.testing.assert_close(theirs[key], value, rtol=0, atol=1e-5)  # type: ignore[index]
    one_state, two_state = (last(folder / name)["optimiser"]["state"] for name in ("one", "two"))  # type: ignore[index]
    for mine, other in zip(one_state.values(), two_state.values(), strict=True):
        # Adam forgives a wrong scale of the gradients, their running means do not.
        torch.testing.assert_close(other["exp_avg"], mine["exp_avg"], rtol=1e-3, atol=1e-6)
    histories = [last(folder / name)["position"]["history"] for name in ("one", "two")]  # type: ignore[index]
    for mine, other in zip(*histories, strict=True):
        assert mine == pytest.approx(other, abs=1e-5)
