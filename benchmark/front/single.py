"""Scores of single images or folders, without labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.data.sources.folder import Folder, list_files, read_labels
from forenbench.errors import BenchError, hint_at
from forenbench.plugins.loaded import LoadedDetector
from forenbench.printable import readable
from forenbench.types import REAL, Sample, TestSet

from .telling import Say

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["path", "detector", "weights", "score", "logit", "verdict", "status", "error"]


def score_images(
    images: Sequence[Path], loaded: Sequence[LoadedDetector], device: str, say: Say
) -> pd.DataFrame:
    """Score files, those in folders included, as one unlabelled test set.

    Returns:
        One row an image and detector, with `COLUMNS`; ``verdict`` is "fake" or "real" at the detector's own
        threshold, and empty where nothing was scored.

    Raises:
        BenchError: An image is not there, a folder is empty, or two detectors have one name.
    """
    for one in loaded:  # rows are told apart by the detector's name alone
        if [other.name for other in loaded].count(one.name) > 1:
            raise BenchError(f"'{one.name}' is asked for with two kinds of checkpoints; score one at a time")
    check_images(images)
    # Only now, for they bring pandas and PyTorch: what is refused is refused at once.
    import pandas as pd

    from forenbench.perturbations import parse
    from forenbench.scoring.batches import BATCH
    from forenbench.scoring.pipeline import score_testset
    from forenbench.scoring.reading import reader_processes

    found: list[Path] = []
    for path in images:
        found += list_images(path, say) if path.is_dir() else [path]
    if not found:
        raise BenchError(f"'{images[0]}' is empty: there is no file to score")
    # One test set without a name, all of it "real": nothing here looks at labels.
    samples = [Sample(str(path), REAL) for path in found]
    none = parse("none")
    testset = TestSet("", "", tuple(samples), Folder(Path()), "")
    chosen = [one.detector for one in loaded]
    # A process that reads takes a second to start: for less than a batch each, this one reads faster.
    readers = min(reader_processes(device), len(samples) // BATCH)
    results = score_testset(testset, [(none, chosen)], seed=0, device=device, readers=readers)
    rows = []
    for one in loaded:
        for sample, result in zip(samples, results[none.name, one.name], strict=True):
            verdict = ""
            if result.status == "ok":
                verdict = "fake" if result.score > one.detector.threshold else "real"
            scored = (result.score, result.logit, verdict, result.status, result.error)
            rows.append((readable(sample.path), one.name, one.weights, *scored))
    return pd.DataFrame(rows, columns=COLUMNS)


def check_images(images: Sequence[Path]) -> None:
    """Refuse paths that lead nowhere.

    Raises:
        BenchError: One does.
    """
    for path in images:
        if not path.exists():
            hint = hint_at(str(path))
            raise BenchError(f"no file or folder at '{path}'{hint and f'; {hint}'}")


def list_images(folder: Path, say: Say) -> list[Path]:
    """List a folder's files, but for texts beside images of the same name, which are counted."""
    # As in datasets: photo.txt beside photo.png is a caption, and no image that cannot be read.
    findings = read_labels(list_files(folder), "", REAL)
    for note in findings.notes:
        say(readable(f"{folder}: {note}"), "yellow")
    return [folder / sample.path for sample in findings.samples]
