"""``bench score``: scores of single images or folders, without labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forenbench.errors import BenchError
from forenbench.types import REAL

from .console import say, show, split
from .loading import UNVERIFIED, Files, choose_device, load_detectors

if TYPE_CHECKING:
    import pandas as pd

    from forenbench.plugins.loaded import LoadedDetector
    from forenbench.types import Sample

_COLUMNS = ["path", "detector", "weights", "score", "logit", "verdict", "status", "error"]


def score(  # noqa: PLR0913 - a command's options are its arguments
    images: Annotated[list[Path], typer.Argument(help="Image files or folders.")],
    detectors: Annotated[
        str, typer.Option(help="Detectors, comma-separated: lgrad,tiny-ladeda@published.")
    ] = "lgrad,univfd",
    checkpoints: Annotated[str, typer.Option(help="published or sample.")] = "published",
    weights: Annotated[list[str] | None, typer.Option(help="A checkpoint file, as NAME=PATH.")] = None,
    unverified: Annotated[bool, typer.Option("--unverified", help=UNVERIFIED)] = False,
    style: Annotated[str, typer.Option("--format", help="text, csv or json.")] = "text",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
) -> None:
    """Score images: one row per image and detector; a higher score means more likely generated."""
    if style not in ("text", "csv", "json"):
        raise BenchError(f"--format '{style}' is none of text, csv, json")
    device = choose_device(device)
    loaded = load_detectors(split(detectors), checkpoints, Files(weights or [], unverified), device)
    for one in loaded:
        if [other.name for other in loaded].count(one.name) > 1:
            raise BenchError(f"'{one.name}' is asked for with two kinds of checkpoints; score one at a time")
    rows = _score(_samples(images), loaded, device)
    if style == "json":
        show(json.dumps(json.loads(rows.to_json(orient="records")), indent=1, ensure_ascii=False))
    else:
        show(rows.to_csv(index=False) if style == "csv" else rows.fillna("").to_string(index=False))
    bad = int((rows["status"] != "ok").sum())
    if bad:
        say(f"{bad} of {len(rows)} rows are not scored; column 'error' says why", "yellow")
        raise typer.Exit(1)


def _samples(images: list[Path]) -> list[Sample]:
    """List files, those in folders included."""
    from forenbench.types import Sample

    found: list[Path] = []
    for path in images:
        if not path.exists():
            raise BenchError(f"no file or folder at '{path}'")
        found += list_images(path) if path.is_dir() else [path]
    if not found:
        raise BenchError(f"'{images[0]}' is empty: there is no file to score")
    return [Sample(str(path), 0) for path in found]


def list_images(folder: Path) -> list[Path]:
    """List a folder's files, but for texts beside images of the same name, which are counted."""
    from forenbench.data.sources.folder import list_files, read_labels
    from forenbench.printable import readable

    findings = read_labels(list_files(folder), "", REAL)
    for note in findings.notes:
        say(readable(f"{folder}: {note}"), "yellow")
    return [folder / sample.path for sample in findings.samples]


def _score(samples: list[Sample], loaded: list[LoadedDetector], device: str) -> pd.DataFrame:
    """Run the pipeline over the files, as one unlabelled test set."""
    import pandas as pd

    from forenbench.data.sources.folder import Folder
    from forenbench.perturbations import parse
    from forenbench.printable import readable
    from forenbench.scoring.batches import BATCH
    from forenbench.scoring.pipeline import score_testset
    from forenbench.scoring.reading import reader_processes
    from forenbench.types import TestSet

    none = parse("none")
    testset = TestSet("", "", tuple(samples), Folder(Path()), "")
    chosen = [one.detector for one in loaded]
    readers = min(reader_processes(device), len(samples) // BATCH)
    results = score_testset(testset, [(none, chosen)], seed=0, device=device, readers=readers)
    rows = [
        (
            readable(sample.path),
            one.name,
            one.kind,
            result.score,
            result.logit,
            _verdict(result.score, one.detector.threshold) if result.status == "ok" else "",
            result.status,
            result.error,
        )
        for one in loaded
        for sample, result in zip(samples, results[none.name, one.name], strict=True)
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _verdict(score: float, threshold: float) -> str:
    """Word the decision at the detector's own threshold."""
    return "fake" if score > threshold else "real"
