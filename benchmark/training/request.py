"""What is asked of a training, and the images it gets: opened, chosen, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from forenbench.data.sources.rules import NO_RULES, Rules
from forenbench.data.sources.splits import TRAINED, VALIDATED
from forenbench.errors import BenchError
from forenbench.files.atomic import read_json, write_json
from forenbench.types import FAKE, REAL, Advance

from .examples import Examples, check_readable, collect, limited, only_classes, only_real, without
from .processes import Processes

DEFAULT_VALIDATION = {"forensynths-train": "forensynths-val"}


@dataclass(frozen=True)
class TrainingRequest:
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
        rules: How the files of paths say what they are, where names of folders do not.
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
    rules: Rules = NO_RULES

    @property
    def folder(self) -> Path:
        """Where a training that is not finished keeps its state."""
        return self.out / f"{self.name}.training"


@dataclass(frozen=True)
class TrainingData:
    """Images to train on, and those to validate with, where there are any."""

    train: Examples
    validation: Examples | None = None

    def describe(self) -> dict[str, Any]:
        """Return the summary that a card has."""
        used = {"train": self.train, "validation": self.validation}
        return {use: examples.describe() for use, examples in used.items() if examples is not None}

    def digests(self) -> dict[str, str]:
        """Return what identifies them."""
        return {use: facts["digest"] for use, facts in self.describe().items()}


def gather(
    request: TrainingRequest,
    processes: Processes,
    advance: Advance,
    *,
    validate: bool = True,
    reals_only: bool = False,
) -> TrainingData:
    """Open, choose and check the images of a training.

    Args:
        request: What is asked.
        processes: The first of them looks at the files; the others find what it noted.
        advance: Told of progress.
        validate: Whether validation images are of any use.
        reals_only: Whether training images are the real ones alone; fakes may lie beside them.

    Raises:
        BenchError: No such data, class or number of images, unreadable files, or images on both sides.
    """
    train, validation = places(request)
    with processes.in_turn():
        wanted = (REAL,) if reals_only else (REAL, FAKE)
        chosen = only_classes(_open(train, TRAINED, request, advance, wanted), request.classes)
        chosen = only_real(chosen) if reals_only else chosen
        data = TrainingData(_checked(limited(chosen, request.limit, request.seed), request, advance))
        if validation and validate:
            others = only_classes(_open(validation, VALIDATED, request, advance), request.classes)
            data = replace(data, validation=_checked(others, request, advance))
            # By content: a copy under another name is the same
            # image, and would praise the network for memory.
            shared = {item.sha256 for item in data.train.items} & {item.sha256 for item in others.items}
            if shared:
                raise BenchError(
                    f"{len(shared)} images of '{others.request}' are training images too; "
                    "choose other images for validation"
                )
    return data


def places(request: TrainingRequest) -> tuple[str, str]:
    """Say where the images to train on are, and those to validate with: empty where there are none."""
    halves = [Path(request.data) / half for half in ("train", "val")]
    # The layout of CNNDetection's own --dataroot, which holds both; patterns begin above these folders.
    if not request.rules and all(half.is_dir() for half in halves):
        return str(halves[0]), request.validation or str(halves[1])
    return request.data, request.validation or DEFAULT_VALIDATION.get(request.data, "")


def _open(
    dataset: str,
    splits: Sequence[str],
    request: TrainingRequest,
    advance: Advance,
    wanted: tuple[int, ...] = (REAL, FAKE),
) -> Examples:
    from forenbench.data.catalogue import open_dataset

    root, rules = request.data_root, request.rules
    opened = open_dataset(dataset, data_root=root, splits=splits, rules=rules, advance=advance)
    return collect(dataset, opened, wanted)


def _checked(examples: Examples, request: TrainingRequest, advance: Advance) -> Examples:
    """Check that every image can be read, once for all attempts at this training."""
    # By the digest of the examples: other images, or other content under the same names, are looked at anew.
    note = request.out / f".{request.name}.readable-{examples.digest[:16]}.json"
    found = read_json(note)
    # With bad files noted and no leave to skip them, they are looked at again: somebody may have mended them.
    if found is None or (found and not request.skip_unreadable):
        checked = check_readable(examples, skip=request.skip_unreadable, advance=advance)
        write_json(note, dict(checked.skipped))
        return checked
    return without(examples, found)
