"""What was fitted for a run's detectors on other images, kept beside its rows as ``fits.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from forenbench.data.sources.lent import home
from forenbench.errors import BenchError
from forenbench.files.atomic import explaining, write_text
from forenbench.files.sealed import from_json, to_json
from forenbench.metrics.calibration import why_no_probabilities
from forenbench.metrics.classification import why_undefined
from forenbench.metrics.fitting import FITS, Map, as_map, fit_threshold, raw_scores
from forenbench.types import FAKE, FOREIGN, REAL

from .coverage import judged
from .leakage import Contents, full_name, refuse_overlap
from .record import DetectorKey, Record
from .store import Store

_FILE = "fits.json"


@dataclass(frozen=True, slots=True)
class Fit:
    """What was fitted for one detector.

    Attributes:
        threshold: With the best balanced accuracy.
        maps: From raw scores to probabilities, by name; temperature only where scores are probabilities.
        probabilities: They are, on the images that the fit rests on.
        images: How many real and fake ones it rests on.
        testsets: Where these are from.
        model: What the detector was, so that a changed one does not use the fit.
    """

    threshold: float
    maps: Mapping[str, Map]
    probabilities: bool
    images: tuple[int, int]
    testsets: tuple[str, ...]
    model: Mapping[str, Any]


def read(root: Path) -> dict[DetectorKey, dict[str, Any]]:
    """Return a run's fits as they are stored, none where there is no file.

    Raises:
        BenchError: They are not what was written.
    """
    file = root / _FILE
    if not file.is_file():
        return {}
    try:
        content, sealed = from_json(file.read_bytes())
        stored = content["fits"] if sealed else content  # earlier versions wrote a mere list
        if not isinstance(stored, list):
            raise TypeError("no list")
        return {(entry["detector"], entry["weights"]): entry for entry in stored}
    except (ValueError, TypeError, KeyError) as error:
        raise BenchError(f"'{file}' is damaged; remove it, and 'bench calibrate' makes it anew") from error


def find(fits: Mapping[DetectorKey, dict[str, Any]], record: Record) -> dict[str, Any] | None:
    """Return the stored fit for the detector behind a record; one for another version of it is none."""
    stored = fits.get(record.detector)
    return stored if stored and stored.get("model") == _model(record) else None


def maps_of(stored: Mapping[str, Any]) -> dict[str, Map]:
    """Return the maps of one stored fit, by name."""
    return {name: as_map(fields) for name, fields in stored["maps"].items()}


def write(root: Path, fits: Mapping[DetectorKey, Fit]) -> Path:
    """Keep fits in a run folder, in place of earlier ones of the same detectors; return the file."""
    stored = read(root)
    for (detector, weights), fit in fits.items():
        maps = {name: asdict(fitted) for name, fitted in fit.maps.items()}
        names = {"detector": detector, "weights": weights}
        stored[detector, weights] = {**names, **asdict(fit), "maps": maps}
    path = root / _FILE
    with explaining(root):
        write_text(path, to_json({"fits": list(stored.values())}))
    return path


def copy(root: Path, target: Path) -> None:
    """Bring what is stored in one run folder into another, beside what that one has."""
    if stored := read(root):
        every = {**read(target), **stored}
        write_text(target / _FILE, to_json({"fits": list(every.values())}))


def fit(
    validation: Sequence[Store],
    tested: Sequence[Store],
    perturbation: str = "none",
    contents: Contents | None = None,
) -> dict[DetectorKey, Fit]:
    """Fit a threshold and maps for every detector of the tested runs.

    Args:
        validation: Runs over the images to fit on.
        tested: Runs whose results are to use the fits.
        perturbation: Which rows of the validation runs are taken.
        contents: Where the images' files are, so that copies under other names are found.

    Returns:
        Fits of the detectors that were run on validation images, too.

    Raises:
        BenchError: An image is in both; or no detector was run on validation images, or one with other
            weights or another version, or on images of one label only.
    """
    refuse_overlap(validation, tested, perturbation, contents or Contents())
    wanted: dict[DetectorKey, list[Record]] = {}
    for store in tested:
        for record in store.records():
            wanted.setdefault(record.detector, []).append(record)
    found: dict[DetectorKey, list[tuple[Store, Record]]] = {}
    for store in validation:
        for record in store.records():
            if record.detector not in wanted or record.cell.perturbation != perturbation:
                continue
            validated = _model(record)
            for model in map(_model, wanted[record.detector]):
                for name, value in model.items():
                    if value != validated[name]:
                        raise BenchError(
                            f"{record.cell.detector} differs between the validation run and the tested one: "
                            f"{name} is {validated[name]} there, {value} here"
                        )
            found.setdefault(record.detector, []).append((store, record))
    if not found:
        missing = ", ".join(f"{detector} ({weights})" for detector, weights in wanted)
        raise BenchError(f"not run on the validation images under '{perturbation}': {missing}")
    return {key: _fit_one(key, records) for key, records in found.items()}


def _fit_one(key: DetectorKey, records: Sequence[tuple[Store, Record]]) -> Fit:
    """Fit one detector to all its validation rows, each image once."""
    import pandas as pd

    columns = ["dataset", "path", "label", "score", "logit", "status"]
    rows = pd.concat([judged(store.rows(record, columns)) for store, record in records], ignore_index=True)
    # reals that several test sets, or datasets, share would otherwise count once for each of them
    rows = rows[rows["status"] == "ok"]
    homes = [home(*where) for where in zip(rows["dataset"], rows["path"], strict=True)]
    rows = rows[~pd.Series(homes, rows.index).duplicated()]
    labels, scores = rows["label"].to_numpy(np.int64), rows["score"].to_numpy(np.float64)
    if reason := why_undefined(labels):
        raise BenchError(f"cannot fit {key[0]} ({key[1]}): {reason} among the validation images")
    probabilities = not why_no_probabilities(scores, records[0][1].threshold)
    logits = rows["logit"].to_numpy(np.float64)
    # Logits tell scores apart that were rounded to a probability of 1; of use only if all images have one.
    raw = raw_scores(scores, logits if np.isfinite(logits).all() else None, probabilities=probabilities)
    # a temperature leaves 0.5 where it is, so that it is of no use to scores whose boundary lies elsewhere
    chosen = {name: make for name, make in FITS.items() if name != "temperature" or probabilities}
    return Fit(
        fit_threshold(labels, scores),
        {name: make(labels, raw) for name, make in chosen.items()},
        probabilities,
        (int((labels == REAL).sum()), int((labels == FAKE).sum())),
        tuple(dict.fromkeys(full_name(record) for _, record in records)),
        _model(records[0][1]),
    )


def _model(record: Record) -> dict[str, Any]:
    """Say what a detector was."""
    identity = record.identity
    # Of imported scores the "checkpoint" is the file of scores, which is another one for each set of images.
    own = {} if identity.weights == FOREIGN else {"checkpoints": identity.checkpoints}
    names = ("detector_version", "threshold", "code")
    return {name: getattr(identity, name) for name in names} | own
