"""The front door: what ``import forenbench`` offers to programs and notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias, Unpack

import pandas as pd

from forenbench.errors import BenchError
from forenbench.plugins.own import OwnDetector
from forenbench.scoring.devices import choose_device
from forenbench.scoring.requested import check_detectors, load_detectors
from forenbench.scoring.run_request import Request
from forenbench.types import Detector, FileDetector

from .arguments import LoadChoice, LoadOptions, PathName, RunChoice, RunOptions, several
from .bars import Quiet, RunProgress
from .evaluation import Evaluation
from .experiment import of_table
from .frames import Pairs, as_listed, keeping
from .keywords import taking
from .results import Results
from .single import check_images, score_images

DetectorLike: TypeAlias = str | Detector | FileDetector | type[Any]
"""A name (``univfd:lc``), a file (``./mine.py``), an object, or a class that is called without arguments."""
Listed: TypeAlias = pd.DataFrame | Pairs
DatasetLike: TypeAlias = PathName | Listed
"""A name, a folder, archive or manifest; or images that a frame, or a list of (path, label), lists."""


@taking(RunOptions, RunChoice)
def evaluate(  # noqa: PLR0913 - all that says what is scored, and where it goes
    detectors: DetectorLike | Sequence[DetectorLike] | None = None,
    dataset: DatasetLike | Sequence[PathName] | Mapping[str, Listed] | None = None,
    *,
    perturbations: str | Sequence[str] | None = None,
    equalise: str | Sequence[str] = (),
    experiment: str = "",
    out: PathName | None = None,
    progress: bool = True,
    **options: Unpack[RunOptions],
) -> Results:
    """Score every image with every detector, as ``bench run`` does; what is done already is not done again.

    Rows, tables and leaderboard are written to the run folder, where every ``bench`` command finds them.

    Args:
        detectors: Names, variants (``univfd:nn-k9@sample``), files (``./mine.py``), objects with the methods
            of `Detector`, or classes (see ``docs/api.md``); by default "lgrad" and "univfd".
        dataset: Names of datasets or suites, folders, archives, manifests; a frame with columns ``path`` and
            ``label`` (also generator, class, real_source, origin, split), a list of (path, label), or, to
            name such images, ``{"mine": frame}``. A label is 0, 1, "real" or "fake"; paths begin in the
            working folder. By default "sample".
        perturbations: ``["none", "jpeg:75+blur:1.0"]``, suites included; see `list_perturbations`.
        equalise: Also re-encode all images alike: ``["jpeg:96", "size"]``; or single files:
            ``["fake=jpeg:96", "jpeg-like-reals"]``.
        experiment: Run what a paper's table needs, as far as it is here, in place of the three above.
        out: The run folder; by default ``results/runs/<dataset>``, below the working folder.
        progress: Say what is found and how far the run is, on stderr.
        options: See `RunOptions`: which images count, which weights, seed, precision, device, cluster.

    Returns:
        The run's results. Images that were not scored have rows that say why; tables mark what lacks them.

    Raises:
        BenchError: The request cannot be carried out.
        RunFailed: The work broke off: a full disk, say. What is finished is kept.
        RequirementMissed: A number is not as good as `fail_below` or `fail_above` says.
    """
    choice, told = RunChoice(**options), RunProgress() if progress else Quiet()
    listed = as_listed(dataset)
    folder = Path(out) if out else choice.folder("+".join(listed)) if listed else None
    with keeping(listed, folder) as manifests:
        named = manifests or ([] if dataset is None else map(str, several(dataset)))
        request = _request(detectors, list(named), perturbations, experiment, choice)
        means = choice.means(choice.files, choice.checkpoints)
        run = (folder, choice.seed, choice.precision, choice.keep_going, choice.fail_below, choice.fail_above)
        done = Evaluation(request, means, choice.scoring, several(equalise), *run).carry_out(told)
    _, written = done.write_tables()
    done.describe(written, told.say)
    done.check()
    return Results([done.store])


def _request(
    detectors: DetectorLike | Sequence[DetectorLike] | None,
    datasets: Sequence[str],
    perturbations: str | Sequence[str] | None,
    experiment: str,
    choice: RunChoice,
) -> Request:
    """Say what is to be run, with the defaults of what is not given; refuse what does not go together."""
    if experiment:
        others = {"detectors": detectors is not None, "dataset": datasets}
        others["perturbations"] = perturbations is not None
        return of_table(experiment, others, several(choice.generators))
    wanted = requested(("lgrad", "univfd") if detectors is None else detectors)
    elsewhere = "engine 'ray'" if choice.engine == "ray" else f"device '{choice.device}'"
    if (choice.engine == "ray" or "," in choice.device) and any(isinstance(o, OwnDetector) for o in wanted):
        # Another process would make an object of its own, of which nobody knows that it scores alike.
        raise BenchError(
            f"{elsewhere} means several processes, each of which loads detectors by name: put your own into "
            "a file and ask for './file.py', or name one device of this machine"
        )
    changes = several("none" if perturbations is None else perturbations)
    return Request(wanted, dict.fromkeys(datasets or ["sample"], several(choice.generators)), changes)


@taking(LoadOptions, LoadChoice)
def score(
    images: PathName | Sequence[PathName],
    detectors: DetectorLike | Sequence[DetectorLike] = ("lgrad", "univfd"),
    *,
    progress: bool = True,
    **options: Unpack[LoadOptions],
) -> pd.DataFrame:
    """Score single images, or all in a folder, without labels, as ``bench score`` does.

    Args:
        images: Image files or folders.
        detectors: See `evaluate`.
        progress: Say, on stderr, what of a folder is left aside.
        options: See `LoadOptions`; published checkpoints by default.

    Returns:
        One row an image and detector; ``verdict`` is "fake" or "real" at the detector's own threshold.

    Raises:
        BenchError: An image, a detector or its weights are not there.
    """
    choice, told = LoadChoice(**options), RunProgress() if progress else Quiet()
    paths, wanted = [Path(one) for one in several(images)], requested(detectors)
    kind = choice.checkpoints or "published"
    check_images(paths)
    check_detectors(wanted, kind, choice.files)
    device = choose_device(choice.device)
    return score_images(paths, load_detectors(wanted, kind, choice.files, device), device, told.say)


def requested(detectors: DetectorLike | Sequence[DetectorLike]) -> list[str | OwnDetector]:
    """Tell names from objects, and take each thing once."""
    asked: Sequence[DetectorLike] = (
        detectors if isinstance(detectors, Sequence) and not isinstance(detectors, str) else [detectors]
    )
    found: dict[object, str | OwnDetector] = {}
    for one in asked:
        is_name = isinstance(one, str | PathLike)
        # Objects by what they are, not by what they equal: comparing those of others may do anything.
        found.setdefault(str(one) if is_name else id(one), str(one) if is_name else OwnDetector(one))
    return list(found.values())
