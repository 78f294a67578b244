"""What goes into a report besides rows: pictures, what detectors see in them, the audit of their files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.data.catalogue import reopen
from forenbench.data.testsets import Selection, splits_in
from forenbench.errors import BenchError
from forenbench.records.coverage import APART, MISSING
from forenbench.records.dataset_paths import DATA_ROOT, find_datasets
from forenbench.records.record import Record
from forenbench.records.store import Store
from forenbench.report.contents import Wishes
from forenbench.report.thumbnails import Explain, open_pictures
from forenbench.scoring.requested import Files, load_detectors
from forenbench.types import FOREIGN
from forenbench.weights import KINDS

from .packed import is_unpacked

if TYPE_CHECKING:
    from .bars import Quiet, RunProgress
    from .telling import Say


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What is asked of a report, as ``bench report`` takes it.

    Attributes:
        datasets: Where images are: names or paths; none: where the runs found them.
        data_root: Where downloaded datasets lie.
        worst: How many images are shown of each detector and label.
        audit: Audit the images' files, too.
        explain: Load the detectors, and draw what they see in these images.
        weights: For that: the user's files, as NAME=PATH.
        protocol: Cells run under this one; empty: "all", or the only one there is.
        failed_as: One of `forenbench.records.coverage.FAILED_AS`.
        tampered_as: One of `forenbench.records.coverage.TAMPERED_AS`.
    """

    datasets: Sequence[str] = ()
    data_root: Path = DATA_ROOT
    worst: int = 4
    audit: bool = False
    explain: bool = False
    weights: Sequence[str] = ()
    protocol: str = ""
    failed_as: str = MISSING
    tampered_as: str = APART


def write_report(
    stores: Sequence[Store], out: Path | None, request: ReportRequest, progress: RunProgress | Quiet
) -> Path:
    """Write the report of runs, and say what could not be shown.

    Args:
        stores: The runs.
        out: The HTML file; None: ``report.html`` in the run folder, of several in ``results``.
        request: What it holds.
        progress: Told of it.

    Returns:
        The file.

    Raises:
        BenchError: There is nothing to show, or the file cannot be written.
    """
    # Not at the top: the page brings Jinja and pandas, of which a report that is refused needs none.
    from forenbench.report.page import write

    # beside the rows of one run, unless these are gone when the program ends
    own = len(stores) == 1 and not is_unpacked(stores[0].root)
    target = out or (stores[0].root if own else Path("results")) / "report.html"
    records = [record for store in stores for record in store.records()]
    found = find_datasets(records, request.datasets, request.data_root)
    with progress:
        # Without pictures no file is opened: a report of numbers needs none of the data.
        names = [record.cell.dataset for record in records] if request.worst else []
        pictures = open_pictures(names, found, progress.files)
        if request.explain and request.worst:
            pictures.explain = dict(_explainers(records, request.weights, progress.say))
        audited = None
        if request.audit and found:
            from forenbench.audit import audit as audit_files

            # What was scored, and no more: some of a dataset's test sets, and of these the same split.
            testsets: dict[str, list[str]] = {}
            splits: dict[str, tuple[str, ...]] = {}
            for record in records:
                testsets.setdefault(record.cell.dataset, []).append(record.cell.testset)
                splits[record.cell.dataset] = splits_in(record.protocol)
            opened = []
            for name, where in found.items():
                selection = Selection(tuple(dict.fromkeys(testsets[name])), splits=splits[name])
                opened.append(reopen(*where, selection, progress.files))
            audited = audit_files(opened, advance=progress.files)
    counted = (request.failed_as, request.tampered_as)
    wishes = Wishes(pictures, request.worst, request.protocol or None, audited, *counted)
    try:
        write(stores, target, wishes)
    except OSError as error:
        raise BenchError(f"cannot write '{target}': {error.strerror}") from error
    for lack in dict.fromkeys(pictures.lacks.values()):  # once, of several datasets with the same lack
        progress.say(f"no thumbnails: {lack}", "yellow")
    return target


def _explainers(
    records: Sequence[Record], weights: Sequence[str], say: Say
) -> Iterator[tuple[tuple[str, str], Explain]]:
    """Load the detectors that made records, as far as that can be done here."""
    # Both bring PyTorch, of which a report of numbers needs nothing.
    from forenbench.report.explained import explainer
    from forenbench.scoring.devices import choose_device

    device = choose_device("auto")
    # One record each: a detector is loaded once, however many cells it has.
    made_by = {record.detector: record for record in records}
    for (name, kind), record in made_by.items():
        try:
            if kind == FOREIGN:
                raise BenchError("its scores were imported")
            # Own and unverified files are given by name in place of published ones, and cannot be asked for.
            wanted = kind if kind in KINDS else "published"
            # Any file may stand in, for what it is compared with below is what made the rows.
            (loaded,) = load_detectors([name], wanted, Files(weights, unverified=True), device)
            if loaded.checkpoints != record.identity.checkpoints:
                raise BenchError("its rows were made with other weights than are here; name those files")
            yield (name, kind), explainer(loaded.detector, device)
        except BenchError as error:
            say(f"nothing drawn of {name}: {str(error).splitlines()[0]}", "yellow")
