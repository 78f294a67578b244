"""From a request to a finished checkpoint: data opened and checked, network trained, card written."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from forenbench.errors import BenchError
from forenbench.types import Advance

from .card import identity_of, is_made, outcome, recipe_of, refuse_another, write_card
from .loop import STATE, Report, Training
from .processes import Processes
from .recipes import TrainingRecipe
from .schedules import EarlyStopping
from .state import TrainingSettings

if TYPE_CHECKING:
    from .learners import Learner
    from .request import TrainingData, TrainingRequest


@dataclass(frozen=True)
class Running:
    """How a training runs.

    Attributes:
        recipe: What the paper says.
        processes: This process among those that train together.
        report: Told of each step.
        advance: Told of work before it.
        keep: Which epoch becomes the result (see `TrainingRecipe.keep`).
        precision: "fp32" or "bf16".
        workers: Processes that decode, for each that trains.
        save_every: Steps between two writings of the state.
        note: Told in words what the user must know before work begins.
    """

    recipe: TrainingRecipe
    processes: Processes
    report: Report
    advance: Advance
    keep: str = "best"
    precision: str = "fp32"
    workers: int = 0
    save_every: int = 500
    note: Callable[[str], None] = lambda text: None


def train(
    request: TrainingRequest,
    learner: Learner,
    data: TrainingData,
    shown: Callable[[], TrainingData],
    run: Running,
) -> Path:
    """Train a network, or finish a training that was stopped; return the checkpoint's path.

    Args:
        request: What is asked.
        learner: What to train.
        data: The images.
        shown: Makes what is read instead of the images, such as gradient pictures, or returns them unchanged;
            not called if the training is finished already.
        run: How to train.

    Raises:
        BenchError: The recipe needs validation images; or the folder has another training, or one that runs.
    """
    recipe = run.recipe
    if isinstance(recipe.schedule, EarlyStopping) and data.validation is None:
        raise BenchError(
            "this recipe stops by its validation accuracy and has no validation images: name some with --val"
        )
    path = request.out / f"{request.name}.pth"
    # Workers and devices are no part of it: a training that was stopped may go on with others.
    identity = identity_of(
        data.digests(),
        name=request.name,
        recipe=recipe_of(recipe),
        seed=request.seed,
        keep=run.keep,
        precision=run.precision,
        start=learner.facts,
    )
    with claimed(request, path, identity, run.processes) as made:
        if not made:
            settings = TrainingSettings(
                request.folder, identity, request.seed, run.keep, run.precision, run.workers, run.save_every
            )
            seen = shown()
            training = Training(learner, recipe, (seen.train, seen.validation), settings, run.processes)
            run.processes.wait()  # all have read the state before the first one writes or removes it
            position = training.run(run.report)
            if run.processes.first:
                # The checkpoint, then its card: a kill between the
                # two leaves the state, and both are done again.
                if training.result_file.is_file():
                    training.result_file.replace(path)
                write_card(path, identity, data.describe(), outcome(position, run.processes), run.processes)
            run.processes.wait()
        if run.processes.first and request.folder.exists():
            shutil.rmtree(request.folder)
    return path


@contextmanager
def claimed(
    request: TrainingRequest, path: Path, identity: Mapping[str, Any], processes: Processes
) -> Iterator[bool]:
    """Hold the lock of a training; yields whether it is finished already.

    Raises:
        BenchError: Another process trains there, or what is there is another training.
    """
    if not (made := is_made(path, identity)):
        refuse_another(path, identity, begun=(request.folder / STATE).is_file())
    processes.wait()  # all have looked before the first one writes
    if made or not processes.first:
        yield made
        return
    request.out.mkdir(parents=True, exist_ok=True)
    # A lock of the system, which goes with its process: after a kill nothing has to be removed by hand.
    try:
        with FileLock(request.out / f".{request.name}.lock", timeout=0):
            for left_by_a_kill in request.folder.glob(".*.part"):
                left_by_a_kill.unlink()
            yield False
    except Timeout:
        raise BenchError(
            f"another process trains '{request.name}' in '{request.out}'; wait, or choose another --out"
        ) from None
