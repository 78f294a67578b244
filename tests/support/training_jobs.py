"""Small trainings for tests: images by formula, tiny networks, runs in processes of their own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from forking import FORKING
from PIL import Image
from torch import Tensor, nn

from forenbench.data.catalogue import open_dataset
from forenbench.training.examples import Examples, collect
from forenbench.training.learners import Learner, cnndetection
from forenbench.training.loop import Loop
from forenbench.training.processes import joined
from forenbench.training.recipes import CNNDETECTION, Augmentation, TrainingRecipe
from forenbench.training.schedules import EarlyStopping
from forenbench.training.state import TrainingSettings
from forenbench.training.supervised import Training

Environment = dict[str, str]
L = TypeVar("L", bound=Loop)
RECIPE = replace(
    CNNDETECTION,
    rate=1e-3,
    batch=8,
    epochs=4,
    resize=None,
    crop=16,
    schedule=EarlyStopping(patience=1),
    augmentation=Augmentation(0.5, 0.5),
)


def write_images(
    folder: Path, classes: tuple[str, ...] = ("horse",), number: int = 6, start: int = 0
) -> None:
    """Write ``<class>/{0_real,1_fake}/<i>.png`` of 40×32 pixels: noise, and noise of twice the grain."""
    for c, name in enumerate(classes):
        for label, side in enumerate(("0_real", "1_fake")):
            (folder / name / side).mkdir(parents=True)
            for i in range(number):
                random = np.random.RandomState(1000 * (start + i) + 10 * c + label)
                pixels = random.randint(0, 256, (32, 40, 3)).astype(np.uint8)
                if label:
                    pixels = pixels[::2, ::2].repeat(2, 0).repeat(2, 1)
                Image.fromarray(pixels).save(folder / name / side / f"{i:02d}.png")


def examples_of(folder: Path) -> Examples:
    """Open a folder's images."""
    return collect(str(folder), open_dataset(str(folder), data_root=Path()))


class TinyNetwork(nn.Module):
    """A few thousand weights without batch normalisation: what it makes of an image needs no other image."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.Tanh(), nn.Conv2d(8, 8, 3, stride=2), nn.Tanh()
        )
        self.fc = nn.Linear(8, 1)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.body(images).mean((2, 3)))
        return logits


def tiny_learner(recipe: TrainingRecipe = RECIPE, build: Callable[[], nn.Module] = TinyNetwork) -> Learner:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return cnndetection(recipe, build(), {})


def run_training(folder: Path, out: Path, recipe: TrainingRecipe = RECIPE, **settings: Any) -> Training:  # noqa: ANN401
    """Train on ``folder/train`` with ``folder/val``, one line in ``out/steps`` a step."""
    data = examples_of(folder / "train"), examples_of(folder / "val")
    out.mkdir(parents=True, exist_ok=True)
    pause = settings.pop("pause", 0)
    with joined("cpu") as processes, (out / f"steps{processes.rank}").open("a") as steps:
        learner = settings.pop("learner", None) or tiny_learner(recipe)
        training = Training(
            learner, recipe, data, TrainingSettings(out / "state", {"is": 1}, **settings), processes
        )

        def report(what: str, step: int, number: int, losses: object) -> None:
            steps.write(f"{what} {step}\n")
            steps.flush()
            time.sleep(pause)

        training.run(report)
    return training


class Stop(Exception):
    """Ends a training as suddenly as a kill."""


def run_in_pieces(make: Callable[[], L], tries: int, every: int = 2) -> tuple[L, int]:
    """Run a training, made anew and stopped at each second report, or `every`; return it, and the reports."""
    calls = 0

    def stop(*_: object) -> None:
        nonlocal calls
        calls += 1
        if calls % every == 0:
            raise Stop

    for _ in range(tries):
        training = make()
        with suppress(Stop):
            training.run(stop)
    return training, calls


def job(arguments: tuple[Path, Path], environment: Environment, settings: dict[str, Any]) -> None:
    """Train in a process of its own."""
    torch.set_num_threads(1)
    os.environ.update(environment)
    run_training(*arguments, **settings)


def start(
    folder: Path, out: Path, environment: dict[str, str] | None = None, **settings: object
) -> BaseProcess:
    """Start `job`."""
    process = FORKING.Process(target=job, args=((folder, out), environment or {}, settings), daemon=True)
    process.start()
    return process


def finish(*processes: BaseProcess) -> None:
    """Wait for processes, which must succeed."""
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
