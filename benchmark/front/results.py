"""What runs gave: rows, tables, comparisons, a report.

Each imports what it needs when it is asked for: commands take their results from here, and one that is asked
for its help should not load pandas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.errors import BenchError
from forenbench.records.coverage import APART, MISSING
from forenbench.records.finished import newest
from forenbench.records.store import Store

from .arguments import PathName, WeightFiles, pairs, several
from .bars import Quiet, RunProgress

if TYPE_CHECKING:
    import pandas as pd

    from forenbench.tables.table import Table

RUNS = Path("results/runs")
"""Where runs are that nobody names."""


class Results:
    """The finished cells of one or more run folders; where two hold one cell, the newer one counts.

    Made by `evaluate` and `load_results`. A notebook shows the table of accuracies and average precisions.
    """

    def __init__(self, stores: Sequence[Store]) -> None:
        self._stores = tuple(stores)

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

    def table(  # noqa: PLR0913 - all that may be asked of a table
        self,
        name: str,
        *,
        metrics: str | Sequence[str] = (),
        digits: int | None = None,
        rename: Mapping[str, str] | None = None,
        transpose: bool = False,
        intervals: bool | None = None,
        protocol: str = "",
        failed_as: str = MISSING,
        tampered_as: str = APART,
        against_published: bool = False,
    ) -> Table:
        """Make a table, as ``bench table`` does.

        Args:
            name: One of `list_tables`.
            metrics: Shown in place of its own, from `list_metrics`; those of the papers' tables,
                ``real-sources`` and ``protocol`` are fixed.
            digits: See `Table.styled`, and for the three that follow.
            rename: What names are shown as.
            transpose: Rows become columns.
            intervals: Show intervals, or leave them out.
            protocol: Cells run under this one; by default "all", or the only one there is.
            failed_as: What images without a score count as: "missing" (in no metric), or "wrong" (errors in
                each).
            tampered_as: What tampered images count as: "apart" (in a number of their own and in no other),
                "fake", "real", or "drop" (nothing).
            against_published: A paper's numbers beside the measured ones; for tables of papers.

        Raises:
            BenchError: Unknown name, metric or protocol, nothing to show, or it cannot be shown so.
        """
        from forenbench.tables import make

        asked = {"against_published": against_published, "metrics": several(metrics)}
        made = make(name, self._stores, protocol or None, failed_as, tampered_as, **asked)
        return made.styled(digits=digits, rename=rename, transpose=transpose, intervals=intervals)

    def leaderboard(
        self, rank_by: str = "ap", *, failed_as: str = MISSING, tampered_as: str = APART
    ) -> Table:
        """Rank the detectors within each dataset, protocol and perturbation.

        Args:
            rank_by: The mean that ranks: "ap", "auroc" or "bacc".
            failed_as: See `table`.
            tampered_as: See `table`.

        Raises:
            BenchError: Another metric, or no finished cell.
        """
        from forenbench.tables import measure
        from forenbench.tables.leaderboard import lay_out

        return lay_out(measure(self._stores, failed_as=failed_as, tampered_as=tampered_as), rank_by)

    def compare(
        self,
        *detectors: str,
        metrics: str | Sequence[str] = (),
        failed_as: str = MISSING,
        tampered_as: str = APART,
    ) -> Table:
        """Compare detectors image by image, with intervals and tests.

        Args:
            detectors: Only these; in one run, the first with each other one. None: each pair of a run, or, of
                two runs, the detectors they have in common.
            metrics: Of "acc", "ap", "auroc" and "bacc"; by default the first three.
            failed_as: See `table`.
            tampered_as: See `table`.

        Raises:
            BenchError: More than two runs, nothing to compare, or the images differ.
        """
        from forenbench.tables.pairs import compare

        if len(self._stores) > 2:
            raise BenchError(f"one run folder or two, not {len(self._stores)}")
        return compare(self._stores, detectors, failed_as, tampered_as, several(metrics))

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

    def plot(  # noqa: PLR0913 - all that may be asked of a figure
        self,
        kind: str,
        out: PathName,
        *,
        testset: str = "",
        perturbation: str = "",
        detectors: str | Sequence[str] = (),
        metrics: str | Sequence[str] = (),
        rename: Mapping[str, str] | None = None,
        wide: bool = False,
        protocol: str = "",
        failed_as: str = MISSING,
        tampered_as: str = APART,
        progress: bool = True,
    ) -> Path:
        """Draw a figure for a paper, as ``bench plot`` does.

        Args:
            kind: "roc", "pr" (precision and recall), "robustness" (means by level of perturbation) or "heat"
                (AUROC of detectors on test sets).
            out: The file: ``.pdf``, ``.svg`` or ``.png``.
            testset: Only this one; by default curves are means over all.
            perturbation: Of curves and heat; by default none where it was run.
            detectors: Only these, in this order.
            metrics: Of robustness, a panel each; by default "ap".
            rename: What detectors and test sets are called.
            wide: As wide as both columns of a page, not one.
            protocol: See `table`.
            failed_as: See `table`.
            tampered_as: See `table`.
            progress: Say, on stderr, what a reader must know of the figure; the file has it, too.

        Returns:
            The file.

        Raises:
            BenchError: Another kind, an unknown name, or there is nothing to draw.
        """
        from .plotting import PlotRequest, plot

        request = PlotRequest(
            testset=testset,
            perturbation=perturbation,
            detectors=several(detectors),
            metrics=several(metrics),
            rename=rename or {},
            wide=wide,
            protocol=protocol,
            failed_as=failed_as,
            tampered_as=tampered_as,
        )
        told = RunProgress() if progress else Quiet()
        for note in plot(self._stores, kind, Path(out), request):
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
