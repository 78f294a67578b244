"""The front door: what ``import forenbench`` offers to programs and notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from forenbench.data.descriptions import check_places
from forenbench.errors import BenchError
from forenbench.plugins.own import OwnDetector
from forenbench.scoring.devices import choose_device
from forenbench.scoring.gathering import Means, Request, joint_name, run_folder
from forenbench.scoring.requested import Files, load_detectors
from forenbench.scoring.working import EngineChoice
from forenbench.types import Detector

from .bars import Quiet, RunProgress
from .evaluation import Evaluation
from .frames import Pairs, as_listed, keeping
from .results import Results, WeightFiles, pairs
from .single import score_images

PathName: TypeAlias = str | PathLike[str]
DetectorLike: TypeAlias = str | Detector | type[Any]
"""A name (``univfd:lc``), a file (``./mine.py``), an object, or a class that is called without arguments."""
Listed: TypeAlias = pd.DataFrame | Pairs
DatasetLike: TypeAlias = PathName | Listed
"""A name, a folder, archive or manifest; or images that a frame, or a list of (path, label), lists."""


def evaluate(  # noqa: PLR0913 - all that may be asked of a run
    detectors: DetectorLike | Sequence[DetectorLike] = ("lgrad", "univfd"),
    dataset: DatasetLike | Sequence[PathName] | Mapping[str, Listed] = "sample",
    *,
    perturbations: str | Sequence[str] = "none",
    equalise: str | Sequence[str] = (),
    generators: str | Sequence[str] = (),
    protocol: str = "all",
    split: str = "",
    limit: int | None = None,
    seed: int = 0,
    checkpoints: str = "",
    weights: WeightFiles = (),
    unverified: bool = False,
    trained_on: str | Sequence[str] = (),
    data_root: PathName = "data",
    places: Mapping[str, PathName] | None = None,
    out: PathName | None = None,
    device: str = "auto",
    precision: str = "fp32",
    keep_going: bool = False,
    readers: int | None = None,
    feature_cache: str = "",
    progress: bool = True,
) -> Results:
    """Score every image with every detector, as ``bench run`` does; what is done already is not done again.

    Rows, tables and leaderboard are written to the run folder, where every ``bench`` command finds them.

    Args:
        detectors: Names, variants (``univfd:nn-k9@sample``), files (``./mine.py``), objects with the methods
            of `Detector`, or classes. Rows of an object are made anew when the source file of its class
            changes, or, in a notebook, its methods, or what the object holds; see ``docs/api.md``.
        dataset: Names of datasets or suites, folders, archives, manifests; a frame with columns ``path`` and
            ``label`` (also generator, class, real_source, origin, split), a list of (path, label), or, to
            name such images, ``{"mine": frame}``. A label is 0, 1, "real" or "fake"; paths begin in the
            working folder.
        perturbations: ``["none", "jpeg:75+blur:1.0"]``, suites included; see `list_perturbations`.
        equalise: Also re-encode all images alike: ``["jpeg:96", "size"]``.
        generators: Only these test sets.
        protocol: Which files count: all, univfd-official, cnndetection-official, lgrad-official.
        split: Which split counts: test, val, train or all; by default test, else val, else train.
        limit: At most so many images of each label and test set.
        seed: Of random perturbations.
        checkpoints: "published" or "sample", of detectors without an @; by default sample on the sample
            dataset, else published.
        weights: The user's checkpoint files, by name, or as NAME=PATH.
        unverified: Take weights of another sha256 than the published one; tables say so.
        trained_on: What weights that are not the published ones have seen, as test sets are called.
        data_root: Where downloaded datasets lie.
        places: Where datasets lie that are not there, by name.
        out: The run folder; by default ``results/runs/<dataset>``, below the working folder.
        device: "auto" (a GPU if there is one), "cpu", "cuda:1", "mps"; or several with commas between, each
            with a process of its own: a script then needs ``if __name__ == "__main__":``.
        precision: "fp32", "tf32" or "bf16".
        keep_going: Try detectors that fail on everything on the rest, too.
        readers: Processes that read files; by default as many as help.
        feature_cache: Room for features of encoders: "20GB"; "0": keep none.
        progress: Say what is found and how far the run is, on stderr.

    Returns:
        The run's results. Images that were not scored have rows that say why; tables mark what lacks them.

    Raises:
        BenchError: The request cannot be carried out.
        RunFailed: The work broke off: a full disk, say. What is finished is kept.
    """
    listed = as_listed(dataset)
    names = list(listed) or [
        str(Path(one)) if isinstance(one, PathLike) else one for one in _several(dataset)
    ]
    means = Means(
        Path(data_root),
        Files(pairs(weights), unverified, tuple(_several(trained_on))),
        checkpoints,
        "",
        limit,
        protocol,
        split,
        check_places({name: Path(path) for name, path in (places or {}).items()}),
    )
    joint = "+".join(names) if listed else joint_name(names)
    folder = Path(out) if out else run_folder(joint, protocol, limit, split, precision)
    choice = EngineChoice("local", _device(device, detectors), readers, feature_cache)
    told = RunProgress() if progress else Quiet()
    with keeping(listed, folder) as manifests:
        datasets = dict.fromkeys(manifests or names, _several(generators))
        request = Request(requested(detectors), datasets, _several(perturbations))
        asked = Evaluation(request, means, choice, _several(equalise), folder, seed, precision, keep_going)
        done = asked.carry_out(told)
    _, written = done.write_tables()
    done.describe(written, told.say)
    return Results([done.store])


def score(  # noqa: PLR0913 - all that may be asked
    images: PathName | Sequence[PathName],
    detectors: DetectorLike | Sequence[DetectorLike] = ("lgrad", "univfd"),
    *,
    checkpoints: str = "published",
    weights: WeightFiles = (),
    unverified: bool = False,
    device: str = "auto",
    progress: bool = True,
) -> pd.DataFrame:
    """Score single images, or all in a folder, without labels, as ``bench score`` does.

    Args:
        images: Image files or folders.
        detectors: See `evaluate`.
        checkpoints: See `evaluate`; the published ones by default.
        weights: See `evaluate`.
        unverified: See `evaluate`.
        device: "auto" (a GPU if there is one), "cpu", "cuda:1", "mps".
        progress: Say, on stderr, what of a folder is left aside.

    Returns:
        One row an image and detector: path, detector, weights, score (higher: more likely generated), logit,
        verdict ("fake" or "real" at the detector's own threshold), status, error.

    Raises:
        BenchError: An image, a detector or its weights are not there.
    """
    place = choose_device(device)
    loaded = load_detectors(requested(detectors), checkpoints, Files(pairs(weights), unverified), place)
    told = RunProgress() if progress else Quiet()
    return score_images([Path(one) for one in _several(images)], loaded, place, told.say)


def requested(detectors: DetectorLike | Sequence[DetectorLike]) -> list[str | OwnDetector]:
    """Tell names from objects, and take each thing once."""
    several: Sequence[DetectorLike] = (
        detectors if isinstance(detectors, Sequence) and not isinstance(detectors, str) else [detectors]
    )
    found: dict[object, str | OwnDetector] = {}
    for one in several:
        is_name = isinstance(one, str | PathLike)
        found.setdefault(str(one) if is_name else id(one), str(one) if is_name else OwnDetector(one))
    return list(found.values())


def _several(values: Any) -> list[Any]:  # noqa: ANN401 - of one type, whichever
    """Take one value for a list of one."""
    return [values] if isinstance(values, str | PathLike) else list(values)


def _device(device: str, detectors: DetectorLike | Sequence[DetectorLike]) -> str:
    """Choose the device, or refuse several for what other processes cannot load.

    Raises:
        BenchError: They cannot.
    """
    if "," in device and any(isinstance(one, OwnDetector) for one in requested(detectors)):
        raise BenchError(
            f"device '{device}' means a process for each, which loads detectors by name: put your own into a "
            "file and ask for './file.py', or name one device"
        )
    return choose_device("auto") if device == "auto" else device
