"""``bench report``: everything about one or more runs on one page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forenbench.errors import BenchError
from forenbench.types import FOREIGN

from .console import say, short
from .leaderboard import FAILED_AS, open_stores
from .loading import Files, choose_device, load_detectors
from .progress import RunProgress

if TYPE_CHECKING:
    from forenbench.audit import Audit
    from forenbench.records.dataset_paths import Found
    from forenbench.records.record import Record
    from forenbench.report.thumbnails import Explain

_DATASET = "Where images are, for thumbnails: a dataset's name or path; may be repeated."
_AUDIT = "Audit the images' files, too: 'bench audit' tells what that is."
_EXPLAIN = "Load the detectors, and draw what they see in these images: gradient pictures or CAMs."
_PROTOCOL = "Cells run under this protocol; by default 'all', or the only one there is."


def report(  # noqa: PLR0913 - a command's options are its arguments
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Run folders.", show_default="all below results/runs")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The HTML file.", show_default="report.html in the run folder; of several, in results"
        ),
    ] = None,
    dataset: Annotated[
        list[str] | None, typer.Option(help=_DATASET, show_default="where the runs found them")
    ] = None,
    data_root: Annotated[Path, typer.Option(help="Where downloaded datasets lie.")] = Path("data"),
    worst: Annotated[
        int, typer.Option(min=0, help="Images shown of each detector and label: those it got most wrong.")
    ] = 4,
    audit: Annotated[bool, typer.Option("--audit", help=_AUDIT)] = False,
    explain: Annotated[bool, typer.Option("--explain", help=_EXPLAIN)] = False,
    weights: Annotated[
        list[str] | None,
        typer.Option(help="For --explain: a checkpoint file, as NAME=PATH; may be repeated."),
    ] = None,
    protocol: Annotated[str, typer.Option(help=_PROTOCOL)] = "",
    failed_as: Annotated[str, typer.Option(help=FAILED_AS)] = "missing",
) -> None:
    """Write one HTML page about one or more runs, which needs no other file and no network.

    It holds the leaderboard and every table, curves, the images each detector got most wrong, and what made
    the numbers.
    """
    from forenbench.records.dataset_paths import find_datasets
    from forenbench.report.contents import Wishes
    from forenbench.report.page import write
    from forenbench.report.thumbnails import open_pictures

    stores = open_stores(runs or [])
    target = out or (stores[0].root if len(stores) == 1 else Path("results")) / "report.html"
    records = [record for store in stores for record in store.records()]
    found = find_datasets(records, dataset or [], data_root)
    with RunProgress() as progress:
        names = [record.cell.dataset for record in records] if worst else []
        pictures = open_pictures(names, found, progress.files)
        if explain and worst:
            pictures.explain = _explainers(records, weights or [])
        audited = _audit(records, found, progress) if audit else None
    try:
        write(stores, target, Wishes(pictures, worst, protocol or None, audited, failed_as))
    except OSError as error:
        raise BenchError(f"cannot write '{target}': {error.strerror}") from error
    for lack in dict.fromkeys(pictures.lacks.values()):
        say(f"no thumbnails: {lack}", "yellow")
    say(f"wrote {short(target)} ({target.stat().st_size / 1e6:.1f} MB)", "green")


def _explainers(records: list[Record], weights: list[str]) -> dict[tuple[str, str], Explain]:
    """Load the detectors that made records, as far as that can be done here."""
    from forenbench.report.explained import explainer
    from forenbench.weights import KINDS

    device, found = choose_device("auto"), {}
    made_by = {record.detector: record for record in records}
    for (name, kind), record in made_by.items():
        try:
            if kind == FOREIGN:
                raise BenchError("its scores were imported")
            wanted = kind if kind in KINDS else "published"
            (loaded,) = load_detectors([name], wanted, Files(weights, unverified=True), device)
            if loaded.checkpoints != record.identity.checkpoints:
                raise BenchError("its rows were made with other weights than are here; --weights names them")
            found[name, kind] = explainer(loaded.detector, device)
        except BenchError as error:
            say(f"nothing drawn of {name}: {str(error).splitlines()[0]}", "yellow")
    return found


def _audit(records: list[Record], found: Mapping[str, Found], progress: RunProgress) -> Audit | None:
    """Audit the test sets behind records, as far as they are at hand."""
    from forenbench.audit import audit
    from forenbench.data.catalogue import reopen
    from forenbench.data.testsets import Selection, splits_in

    testsets: dict[str, list[str]] = {}
    splits: dict[str, tuple[str, ...]] = {}
    for record in records:
        testsets.setdefault(record.cell.dataset, []).append(record.cell.testset)
        splits[record.cell.dataset] = splits_in(record.protocol)
    opened = []
    for name, one in found.items():
        selection = Selection(tuple(dict.fromkeys(testsets[name])), splits=splits[name])
        opened.append(reopen(*one, selection, progress.files))
    return audit(opened, advance=progress.files) if opened else None
