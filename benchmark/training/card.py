"""The card beside a trained checkpoint: the data, the settings and the software that it was made with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from forenbench.errors import BenchError
from forenbench.files.atomic import read_json, write_json
from forenbench.files.checksums import sha256_of
from forenbench.records.environment import environment

from .processes import Processes
from .recipes import TrainingRecipe
from .state import Position, refuse_other


def card_path(checkpoint: Path) -> Path:
    """Say where the card of a checkpoint file is."""
    return checkpoint.with_name(f"{checkpoint.stem}.card.json")


def is_made(checkpoint: Path, identity: Mapping[str, Any]) -> bool:
    """Say whether this training has been finished before."""
    # The card is written last, so that a checkpoint without one is not known to be whole.
    card = read_json(card_path(checkpoint))
    return card is not None and card["identity"] == identity and checkpoint.is_file()


def refuse_another(checkpoint: Path, identity: Mapping[str, Any], *, begun: bool) -> None:
    """Refuse to write over another training's result, or over a file that came from elsewhere.

    Args:
        checkpoint: Where the result will be.
        identity: Of the training.
        begun: There is a state of it, so that a file without a card is one that a kill left.

    Raises:
        BenchError: There is something else already.
    """
    card = read_json(card_path(checkpoint))
    if card is not None:
        refuse_other(card["identity"], identity, checkpoint)
    elif checkpoint.exists() and not begun:
        raise BenchError(
            f"'{checkpoint}' is there already, without a card that says from what training. "
            "Choose another folder or name, or remove it"
        )


def identity_of(digests: Mapping[str, str], **rest: object) -> dict[str, Any]:
    """Return what identifies a training, in JSON's values: equal ones have equal results."""
    # It is compared with one that was read from a file, where tuples have become lists.
    plain: dict[str, Any] = _plain({"data": digests, **rest})
    return plain


_SINCE_0_2 = ("watch", "momentum", "dampening", "decay", "decayed", "eps", "pairs")
"""Hyper-parameters that cards of 0.1 lack; they were trained with the defaults of these."""


def recipe_of(recipe: TrainingRecipe) -> dict[str, Any]:
    """Return every hyper-parameter, the schedule's name among them."""
    values = asdict(recipe)
    # Absent where it is the default, so that trainings from before there were these keep their identity.
    for field in fields(recipe):
        if field.name in _SINCE_0_2 and values[field.name] == field.default:
            del values[field.name]
    # `asdict` leaves only a schedule's numbers, and two kinds of schedules may have the same.
    return values | {"schedule": {"kind": type(recipe.schedule).__name__, **values["schedule"]}}


def write_card(
    checkpoint: Path,
    identity: Mapping[str, Any],
    data: Mapping[str, Any],
    training: Mapping[str, Any],
    processes: Processes,
) -> None:
    """Write the card, last of all files: it marks the training as finished.

    Args:
        checkpoint: The finished file.
        identity: What the training is (see `identity_of`).
        data: What its images are, by use: see `Examples.describe`.
        training: What came of it: epochs, duration.
        processes: Who trained.
    """
    content = {
        "checkpoint": checkpoint.name,
        "sha256": sha256_of(checkpoint),
        "identity": identity,
        "data": data,
        **training,
        "made": {**environment(processes.device), "processes": processes.count},
    }
    write_json(card_path(checkpoint), content)


def outcome(position: Position, processes: Processes) -> dict[str, Any]:
    """Return what a card records of a training: its epochs, and what batch normalisation saw."""
    # PyTorch synchronises it on GPUs alone, so that several
    # processes on CPUs are not quite the same training.
    if processes.count == 1:
        seen = "whole batch"
    else:
        on_gpu = processes.device.startswith("cuda")
        seen = "whole batch (synchronised)" if on_gpu else "each process's part"
    return {
        "kept_epoch": position.kept,
        "steps": position.steps,
        "epochs": position.history,
        "duration_seconds": round(position.seconds, 1),
        "batch_normalisation": seen,
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON's values
    """Turn tuples into lists, as they come back from a file."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value
