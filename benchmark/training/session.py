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
from .loop import STATE, Loop, Report
from .processes import Processes
from .recipes import TrainingRecipe
from .schedules import VALIDATED
from .state import TrainingSettings

if TYPE_CHECKING:
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


def finish(
    request: TrainingRequest,
    data: TrainingData,
    run: Running,
    facts: Mapping[str, Any],
    make: Callable[[TrainingSettings], Loop],
) -> Path:
    """Train to the end, or finish a training that was stopped; return the checkpoint's path.

    Args:
        request: What is asked.
        data: The images.
        run: How to train.
        facts: What a card tells of what is trained.
        make: Makes the training, resumed where it stood; not called if it is finished already.

    Raises:
        BenchError: The recipe needs validation images; or the folder has another training, or one that runs.
    """
    recipe = run.recipe
    if isinstance(recipe.schedule, VALIDATED) and data.validation is None:
        raise BenchError("this recipe stops by what validation says and has no validation images: name some")
    path = request.out / f"{request.name}.pth"
    # Workers and devices are no part of it: a training that was stopped may go on with others.
    identity = identity_of(
        data.digests(),
        name=request.name,
        recipe=recipe_of(recipe),
        seed=request.seed,
        keep=run.keep,
        precision=run.precision,
        start=facts,
    )
    begun = (request.folder / STATE).is_file()
    with claimed(request, path, identity, run.processes, begun=begun) as made:
        if not made:
            rest = (run.keep, run.precision, run.workers, run.save_every)
            training = make(TrainingSettings(request.folder, identity, request.seed, *rest))
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
    request: TrainingRequest, path: Path, identity: Mapping[str, Any], processes: Processes, *, begun: bool
) -> Iterator[bool]:
    """Hold the lock of a training; yields whether it is finished already.

    Args:
        request: What is asked.
        path: Where the result will be.
        identity: Of the training.
        processes: This process among those that train together.
        begun: There is a state of it (see `forenbench.training.card.refuse_another`).

    Raises:
        BenchError: Another process trains there, or what is there is another training.
    """
    if not (made := is_made(path, identity)):
        refuse_another(path, identity, begun=begun)
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
            f"another process trains '{request.name}' in '{request.out}'; wait, or choose another folder"
        ) from None
