"""What the files of a dataset give away, found and kept beside the rows of detectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from forenbench.audit import DISTANCE, Audit, TrainingFiles, metadata_only, open_training
from forenbench.audit import audit as audit_datasets
from forenbench.data.sources.rules import Rules
from forenbench.errors import BenchError
from forenbench.printable import printable
from forenbench.records.store import Store
from forenbench.scoring.run_request import joint_name
from forenbench.types import Advance

from .arguments import ImageChoice, ImageOptions, PathName, several
from .bars import Quiet, RunProgress
from .keywords import taking
from .talk import short


@taking(ImageOptions, ImageChoice)
def audit_dataset(  # noqa: PLR0913 - all that says what is compared, and how
    dataset: PathName | Sequence[PathName] = "sample",
    *,
    against: PathName | Sequence[PathName] = (),
    against_rules: Mapping[str, Any] | None = None,
    distance: int = DISTANCE,
    seed: int = 0,
    out: PathName | None = None,
    progress: bool = True,
    **options: Unpack[ImageOptions],
) -> Audit:
    """Compare the files of real and fake images, as ``bench audit`` does: format, quality, size, duplicates.

    What a classifier makes of these properties, without a pixel, is stored as rows of a detector
    metadata-only: tables and leaderboards of the run folder show it beside the others.

    Args:
        dataset: Names of datasets or suites, folders, archives or manifests.
        against: Training data to look for the same pictures in: as the dataset, or files without labels.
        against_rules: Of these, if they are paths: ``columns``, ``labels``, ``leave`` (see `ImageOptions`).
        distance: Bits of 64 by which hashes of pictures that look alike may differ.
        seed: Of the metadata-only baseline.
        out: The run folder of its rows; by default ``results/runs/<dataset>``, below the working folder.
        progress: Say what is found and how far the work is, on stderr.
        options: See `ImageOptions`: which images count, and where datasets are.

    Returns:
        What was found: the frames ``files`` (one row a file), ``properties``, ``broken``, ``baseline``,
        ``twins.counts`` and ``twins.members``; and ``warnings`` in words.

    Raises:
        BenchError: A dataset is not there, the distance is out of range, or two test sets have one name.
    """
    choice, told = ImageChoice(**options), RunProgress() if progress else Quiet()
    names = [str(one) for one in several(dataset)]
    with told:
        training = _open_training(several(against), against_rules or {}, Path(choice.data_root), told.files)
        opened = [one for name in names for one in choice.open(name, told.files)]
        notes = [(one.name, note) for one in opened for note in one.notes]
        notes += [(one.name, note) for one in training for note in one.notes]
        for name, note in notes:
            told.say(printable(f"note: {name}: {note}"), "yellow")
        found = audit_datasets(opened, training, distance=distance, seed=seed, advance=told.files)
    store = Store(Path(out) if out else choice.folder(joint_name(names)))
    store.open()
    defined = found.baseline[found.baseline["undefined"] == ""]
    scored = set(zip(defined["dataset"], defined["testset"], strict=True))
    for position, one in enumerate(opened):
        for testset in one.testsets:
            if testset.reencoded:  # rows of files as they are would stand beside scores of others
                scored.discard((one.name, testset.name))
                told.say(
                    f"note: {one.name}/{testset.name}: no rows of {metadata_only.NAME}, which sees files as "
                    f"they are, and protocol {testset.protocol} re-encodes them",
                    "yellow",
                )
            elif (one.name, testset.name) in scored:
                metadata_only.keep(store, testset, found.of(one.name, testset.name), seed, position)
    told.say(f"In {short(store.root)}/scores/: rows of {metadata_only.NAME} on {len(scored)} test sets")
    return found


def _open_training(
    names: Sequence[PathName], said: Mapping[str, Any], data_root: Path, advance: Advance
) -> list[TrainingFiles]:
    """Open training data, by rules of their own.

    Raises:
        BenchError: See `open_training`; or rules are given for nothing.
    """
    rules = Rules.parse(said)
    if rules and not names:
        raise BenchError("rules of training data are given, and no training data to look into")
    if rules.reals:
        raise BenchError("training data borrow no reals: name both places to look into")
    return [one for name in names for one in open_training(str(name), data_root, advance, rules)]
