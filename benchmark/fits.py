"""What was fitted for a run's detectors on other images, kept beside its rows as ``fits.json``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .atomic import write_text
from .fitting import FITS, Map, as_map, fit_threshold, raw_scores
from .metrics import why_undefined
from .store import Store
from .types import FAKE, REAL, BenchError

if TYPE_CHECKING:
    pass

_FILE = "fits.json"
Key = tuple[str, str]
"""Detector and kind of weights."""
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fit:
    """What was fitted for one detector.

    Attributes:
        threshold: With the best balanced accuracy.
        maps: From raw scores to probabilities, by name; temperature only where scores are probabilities.
        images: How many real and fake ones it rests on.
        testsets: Where these are from.
    """

    threshold: float
    maps: Mapping[str, Map]
    images: tuple[int, int]
    testsets: tuple[str, ...]


def read(root: Path) -> dict[Key, dict[str, Any]]:
    """Return a run's fits as they are stored; of a damaged file or none, nothing."""
    with suppress(OSError, ValueError):
        stored = json.loads((root / _FILE).read_text(encoding="utf-8"))
        return {(one["detector"], one["weights"]): one for one in stored}
    return {}


def maps_of(stored: Mapping[str, Any]) -> dict[str, Map]:
    """Return the maps of one stored fit, by name."""
    return {name: as_map(fields) for name, fields in stored["maps"].items()}


def write(root: Path, fits: Mapping[Key, Fit]) -> Path:
    """Keep fits in a run folder, in place of earlier ones; return the file."""
    stored = [
        {"detector": detector, "weights": weights, **asdict(fit)}
        | {"maps": {name: asdict(made) for name, made in fit.maps.items()}}
        for (detector, weights), fit in fits.items()
    ]
    path = root / _FILE
    write_text(path, json.dumps(stored, indent=1))
    return path


def fit(validation: Sequence[Store], tested: Sequence[Store], perturbation: str = "none") -> dict[Key, Fit]:
    """Fit a threshold and maps for every detector of the tested runs.

    Args:
        validation: Runs over the images to fit on.
        tested: Runs whose results are to use the fits.
        perturbation: Which rows of the validation runs are taken.

    Raises:
        BenchError: An image is in both; or a detector was not run on validation images, with other weights
            or another version, or on images of one label only.
    """
    _refuse_overlap(validation, tested, perturbation)
    wanted = {_key(record): record for store in tested for record in store.records()}
    found: dict[Key, list[tuple[Store, Record]]] = {}
    for store in validation:
        for record in _chosen(store, perturbation):
            if _key(record) in wanted:
                _refuse_other_detector(record, wanted[_key(record)])
                found.setdefault(_key(record), []).append((store, record))
    missing = [f"{detector} ({kind})" for detector, kind in wanted if (detector, kind) not in found]
    if missing:
        raise BenchError(f"not run on the validation images under '{perturbation}': {', '.join(missing)}")
    return {key: _fit_one(key, records) for key, records in found.items()}


def _fit_one(key: Key, records: Sequence[tuple[Store, Record]]) -> Fit:
    """Fit one detector to all its validation rows, each image once."""
    import pandas as pd

    columns = ["dataset", "path", "label", "score", "logit", "status"]
    rows = pd.concat([store.rows(record, columns) for store, record in records])
    rows = rows[rows["status"] == "ok"].drop_duplicates(["dataset", "path"])
    labels, scores = rows["label"].to_numpy(np.int64), rows["score"].to_numpy(np.float64)
    if reason := why_undefined(labels):
        raise BenchError(f"cannot fit {key[0]} ({key[1]}): {reason} among the validation images")
    threshold = float(records[0][1]["identity"]["threshold"])
    logits = rows["logit"].to_numpy(np.float64)
    raw = raw_scores(scores, logits if np.isfinite(logits).all() else None, threshold)
    chosen = {name: make for name, make in FITS.items() if name != "temperature" or threshold == 0.5}
    return Fit(
        fit_threshold(labels, scores),
        {name: make(labels, raw) for name, make in chosen.items()},
        (int((labels == REAL).sum()), int((labels == FAKE).sum())),
        tuple(dict.fromkeys(_place(record) for _, record in records)),
    )


def _refuse_overlap(validation: Sequence[Store], tested: Sequence[Store], perturbation: str) -> None:
    """Stop if a fit would rest on images that results rest on."""
    ours = {name: place for store in tested for name, place in _images(store, None)}
    for store in validation:
        for name, place in _images(store, perturbation):
            if name in ours:
                raise BenchError(
                    f"the splits overlap: '{name[1]}' of {place} is also in {ours[name]}. What is fitted on "
                    "images that are tested promises too much; take other images"
                )


def _images(store: Store, perturbation: str | None) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield every image of a run, by dataset and path, with its test set; each test set is read once."""
    seen = set()
    for record in _chosen(store, perturbation):
        if _place(record) not in seen:
            seen.add(_place(record))
            for path in store.rows(record, ["path"])["path"]:
                yield (record["cell"]["dataset"], path), _place(record)


def _chosen(store: Store, perturbation: str | None) -> Iterator[Record]:
    for record in store.records():
        if perturbation is None or record["cell"]["perturbation"] == perturbation:
            yield record


def _refuse_other_detector(validation: Record, tested: Record) -> None:
    """Stop if a detector changed between the runs."""
    for name in ("detector_version", "checkpoints"):
        if validation["identity"][name] != tested["identity"][name]:
            raise BenchError(
                f"{validation['cell']['detector']} differs between the validation run and the tested one: "
                f"{name} is {validation['identity'][name]} there, {tested['identity'][name]} here"
            )


def _key(record: Record) -> Key:
    return record["cell"]["detector"], record["identity"]["kind"]


def _place(record: Record) -> str:
    return f"{record['cell']['dataset']}/{record['cell']['testset']}"
