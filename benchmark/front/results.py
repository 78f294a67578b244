"""What runs gave: rows, tables, comparisons, a report.

Each imports what it needs when it is asked for: commands take their results from here, and one that is asked
for its help should not load pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from forenbench.errors import BenchError
from forenbench.records.coverage import APART, MISSING
from forenbench.records.finished import newest
from forenbench.records.store import Store

from .arguments import PathName, WeightFiles, pairs, several, taking
from .bars import Quiet, RunProgress
from .plot_request import PlotOptions, PlotRequest
from .result_tables import ResultTables

if TYPE_CHECKING:
    import pandas as pd

RUNS = Path("results/runs")
"""Where runs are that nobody names."""


class Results(ResultTables):
    """The finished cells of one or more run folders; where two hold one cell, the newer one counts.

    Made by `evaluate` and `load_results`. A notebook shows the table of accuracies and average precisions.
    """

    def __repr__(self) -> str:
        return f"Results({', '.join(repr(str(store.root)) for store in self._stores)})"

    def _repr_html_(self) -> str:
        """Show the first of all tables."""
        return self.table("acc-ap")._repr_html_()

    @property
    def out(self) -> Path:
        """The run folder; of several, the first."""
        return self._stores[0].root

    def rows(self) -> pd.DataFrame:
        """Read every row.

        Returns:
            One row an image, detector and perturbation: ``dataset``, ``testset``, ``generator``, ``class``,
            ``real_source``, ``origin``, ``path``, ``label`` (0 real, 1 fake, 2 tampered), ``detector``,
            ``weights`` (whose: published, sample, own, unverified or foreign), ``perturbation``, ``drawn``,
            ``score`` (higher: more likely generated) and ``logit`` (float32; NaN where there is none),
            ``status`` (ok, unreadable, failed or nonfinite) and ``error``.

        Raises:
            BenchError: There is no finished cell, or one is damaged.
        """
        from pandas import concat

        cells = [one.store.rows(one.record).assign(weights=one.detector[1]) for one in newest(self._stores)]
        rows = concat(cells, ignore_index=True)
        # Whose weights made a row is no column of stored rows, but part of the cell: pandas appends it.
        names = list(rows.columns)
        names.insert(names.index("detector") + 1, names.pop())
        return rows[names]

    def report(  # noqa: PLR0913 - all that may be asked of a report
        self,
        path: PathName | None = None,
        *,
        dataset: str | Sequence[str] = (),
        data_root: PathName = "data",
        worst: int = 4,
        audit: bool = False,
        explain: bool = False,
        weights: WeightFiles = (),
        protocol: str = "",
        failed_as: str = MISSING,
        tampered_as: str = APART,
        progress: bool = True,
    ) -> Path:
        """Write everything on one HTML page that needs no other file and no network.

        Args:
            path: The file; by default ``report.html`` in the run folder, of several runs in ``results``.
            dataset: Where images are, for thumbnails: names or paths; by default where the runs found them.
            data_root: Where downloaded datasets lie.
            worst: How many images are shown of each detector and label: those it got most wrong.
            audit: Audit the images' files, too.
            explain: Load the detectors, and draw what they see in these images.
            weights: For `explain`: the files of checkpoints, by name, or as NAME=PATH.
            protocol: See `table`.
            failed_as: See `table`.
            tampered_as: See `table`.
            progress: Show progress, and what could not be shown on the page.

        Returns:
            The file.

        Raises:
            BenchError: There is nothing to show, or the file cannot be written.
        """
        from .reporting import ReportRequest, write_report

        request = ReportRequest(
            several(dataset),
            Path(data_root),
            worst,
            audit,
            explain,
            pairs(weights),
            protocol,
            failed_as,
            tampered_as,
        )
        target = None if path is None else Path(path)
        return write_report(self._stores, target, request, RunProgress() if progress else Quiet())

    @taking(PlotOptions, PlotRequest)
    def plot(
        self, kind: str, out: PathName, *, progress: bool = True, **options: Unpack[PlotOptions]
    ) -> Path:
        """Draw a figure for a paper, as ``bench plot`` does.

        Args:
            kind: "roc", "pr" (precision and recall), "robustness" (means by level of perturbation) or "heat"
                (AUROC of detectors on test sets).
            out: The file: ``.pdf``, ``.svg`` or ``.png``.
            progress: Say, on stderr, what a reader must know of the figure; the file has it, too.
            options: See `PlotOptions`: which detectors and images, and what they are called.

        Returns:
            The file.

        Raises:
            BenchError: Another kind, an unknown name, or there is nothing to draw.
        """
        from .plotting import plot

        told = RunProgress() if progress else Quiet()
        for note in plot(self._stores, kind, Path(out), PlotRequest(**options)):
            told.say(note)
        return Path(out)


def load_results(runs: PathName | Sequence[PathName] = ()) -> Results:
    """Open run folders, of `evaluate` or of ``bench run`` and ``bench import``.

    Args:
        runs: One or more; none: all below ``results/runs``.

    Returns:
        What they hold; where two hold one cell, the newer one counts.

    Raises:
        BenchError: There is none, or one is no run folder.
    """
    return Results(open_stores(several(runs)))


def open_stores(runs: Sequence[PathName]) -> list[Store]:
    """Open run folders; without any, all below `RUNS`.

    Raises:
        BenchError: There is none, or one is no run folder.
    """
    # Sorted: systems list folders in any order, and tables name detectors in the order of runs.
    folders = [Path(run) for run in runs] or sorted(path for path in RUNS.glob("*") if path.is_dir())
    if not folders:
        raise BenchError(f"there is no run below '{RUNS}'; name a run folder, or make one with 'bench run'")
    for folder in folders:
        if not (folder / "scores").is_dir():
            raise BenchError(f"'{folder}' is no run folder: it has no 'scores' in it")
    return [Store(folder) for folder in folders]
