"""What runs gave: rows, tables, comparisons, a report.

Each imports what it needs when it is asked for: commands take their results from here, and one that is asked
for its help should not load pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from forenbench.records.coverage import APART, MISSING
from forenbench.records.finished import newest

from .arguments import PathName, WeightFiles, pairs, several
from .bars import Quiet, RunProgress
from .keywords import taking
from .plot_request import PlotOptions, PlotRequest
from .result_tables import ResultTables
from .run_folders import open_stores as open_stores

if TYPE_CHECKING:
    import pandas as pd

    from forenbench.tables.required import Limits
    from forenbench.tables.table import Table


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

    def errors(self, *, every: bool = False) -> pd.DataFrame:
        """Say why images have no score, as ``bench show errors`` does.

        Args:
            every: Each such row, uncounted.

        Returns:
            ``images`` (how many), ``detector``, ``weights``, ``status`` (unreadable, failed or nonfinite),
            ``error`` and ``path`` (of the first), the most frequent first. With `every` one row an image,
            detector and perturbation: ``detector``, ``weights``, ``dataset``, ``testset``, ``perturbation``,
            ``path``, ``status``, ``error``. No rows where every image has a score.

        Raises:
            BenchError: There is no finished cell, or one is damaged.
        """
        from .failures import failures

        return failures(self._stores, every=every)

    def require(
        self,
        at_least: Limits = (),
        *,
        at_most: Limits = (),
        protocol: str = "",
        failed_as: str = MISSING,
        tampered_as: str = APART,
        **more: float,
    ) -> int:
        """Ask of metrics that they be good enough: ``results.require(ap=0.9)``.

        Args:
            at_least: The lowest values, by metric (see `list_metrics`), as fractions: of each cell
                (``{"ap": 0.9}``), or of each detector's mean over test sets (``{"mean:ap": 0.9}``).
            at_most: The highest values of metrics of which lower is better: ``{"ece": 0.1}``.
            protocol: See `table`.
            failed_as: See `table`.
            tampered_as: See `table`.
            more: As `at_least`.

        Returns:
            How many numbers were compared.

        Raises:
            RequirementMissed: One is not as good, or has no value; it names each, with its interval.
            BenchError: A metric is unknown, its limit is outside of its range, or there is no finished cell.
        """
        from forenbench.tables import measure, one_protocol
        from forenbench.tables.required import check, parse_requirements

        required = [*parse_requirements(at_least, at_most), *parse_requirements(more)]
        cells = measure(self._stores, failed_as=failed_as, tampered_as=tampered_as)
        return check(one_protocol(cells, protocol or None), required)

    def provenance(self) -> list[Table]:
        """Say what made the rows.

        Returns:
            Tables: how they were made (commands, machines, packages), the files of weights, the test sets,
            and what was not scored, if anything.

        Raises:
            BenchError: There is no finished cell, or one is damaged.
        """
        from forenbench.report.provenance import provenance

        return provenance(newest(self._stores))

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
        runs: One or more, or zip files of them; none: all below ``results/runs``.

    Returns:
        What they hold; where two hold one cell, the newer one counts.

    Raises:
        BenchError: There is none, or one is no run folder.
    """
    return Results(open_stores(several(runs)))
