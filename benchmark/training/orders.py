"""What is asked of a training, and the images it gets: opened, chosen, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from forenbench.data.catalogue import open_dataset
from forenbench.data.sources.splits import TRAINED, VALIDATED
from forenbench.errors import BenchError
from forenbench.files.atomic import read_json, write_json

from .examples import Advance, Examples, check_readable, collect, limited, only_classes, without
from .processes import Processes

DEFAULT_VALIDATION = {"forensynths-train": "forensynths-val"}


@dataclass(frozen=True)
class Order:
    """What a user asks of any training.

    Attributes:
        name: Of the checkpoint; its file is ``<name>.pth``.
        out: Folder for it, its card, and the state meanwhile.
        data: Training images: a dataset's name or a path; a folder with ``train`` and ``val`` in it has both.
        validation: Validation images, in the same way; empty for those that belong to `data`.
        data_root: Where downloaded datasets lie.
        classes: Only these; empty for all.
        limit: Number of training images, half of them real; None for all.
        seed: Of every draw.
        skip_unreadable: Leave broken files out rather than refuse to start.
    """

    name: str
    out: Path
    data: str
    validation: str = ""
    data_root: Path = Path("data")
    classes: tuple[str, ...] = ()
    limit: int | None = None
    seed: int = 0
    skip_unreadable: bool = False

    @property
    def folder(self) -> Path:
        """Where a training that is not finished keeps its state."""
        return self.out / f"{self.name}.training"


@dataclass(frozen=True)
class Data:
    """Images to train on, and those to validate with, where there are any."""

    train: Examples
    validation: Examples | None = None

    def describe(self) -> dict[str, Any]:
        """Return what a card says of them."""
        parts = {"train": self.train, "validation": self.validation}
        return {use: examples.describe() for use, examples in parts.items() if examples is not None}

    def digests(self) -> dict[str, str]:
        """Return what identifies them."""
        return {use: facts["digest"] for use, facts in self.describe().items()}


def gather(order: Order, processes: Processes, advance: Advance, *, validate: bool = True) -> Data:
    """Open, choose and check the images of a training.

    Args:
        order: What is asked.
        processes: The first of them looks at the files; the others find what it noted.
        advance: Told of progress.
        validate: Whether validation images are of any use.

    Raises:
        BenchError: No such data, class or number of images, unreadable files, or images on both sides.
    """
    train, validation = _requests(order)
    with processes.in_turn():
        chosen = only_classes(_open(train, TRAINED, order, advance), order.classes)
        data = Data(_checked(limited(chosen, order.limit, order.seed), order, advance))
        if validation and validate:
            others = only_classes(_open(validation, VALIDATED, order, advance), order.classes)
            data = replace(data, validation=_checked(others, order, advance))
            _refuse_shared(data.train, others)
    return data


def _requests(order: Order) -> tuple[str, str]:
    """Say what to open for training and for validation."""
    root = Path(order.data)
    halves = [root / "train", root / "val"]
    if all(half.is_dir() for half in halves):
        return str(halves[0]), order.validation or str(halves[1])
    return order.data, order.validation or DEFAULT_VALIDATION.get(order.data, "")


def _open(request: str, splits: Sequence[str], order: Order, advance: Advance) -> Examples:
    opened = open_dataset(request, data_root=order.data_root, splits=splits, advance=advance)
    return collect(request, opened)


def _checked(examples: Examples, order: Order, advance: Advance) -> Examples:
    """Check that every image can be read, once for all attempts at this training."""
    note = order.out / f".{order.name}.readable-{examples.digest[:16]}.json"
    found = read_json(note)
    if found is None or (found and not order.skip_unreadable):
        checked = check_readable(examples, skip=order.skip_unreadable, advance=advance)
        write_json(note, dict(checked.skipped))
        return checked
    return without(examples, found)


def _refuse_shared(train: Examples, validation: Examples) -> None:
    shared = {item.sha256 for item in train.items} & {item.sha256 for item in validation.items}
    if shared:
        raise BenchError(
            f"{len(shared)} images of '{validation.request}' are training images too; "
            "choose other images for --val"
        )
