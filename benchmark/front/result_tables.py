"""What runs gave, as tables: the part of `Results` that makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from forenbench.errors import BenchError
from forenbench.records.coverage import APART, MISSING
from forenbench.records.store import Store

from .arguments import several

if TYPE_CHECKING:
    import pandas as pd

    from forenbench.tables.table import Table


class ResultTables:
    """Tables of one or more run folders; each is made when it is asked for."""

    def __init__(self, stores: Sequence[Store]) -> None:
        self._stores = tuple(stores)

    def fits(self) -> pd.DataFrame:
        """List what `calibrate` has fitted for the runs' detectors.

        Returns:
            Columns run, detector, weights, threshold, n_real, n_fake (the images that it rests on), testsets
            (where these are from; a list).

        Raises:
            BenchError: A file of fits is damaged.
        """
        import pandas as pd

        from forenbench.records.fits import read

        rows = [
            (str(store.root), *key, fit["threshold"], *fit["images"], list(fit["testsets"]))
            for store in self._stores
            for key, fit in read(store.root).items()
        ]
        names = ["run", "detector", "weights", "threshold", "n_real", "n_fake", "testsets"]
        return pd.DataFrame(rows, columns=names)

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

        made = make(
            name,
            self._stores,
            protocol or None,
            failed_as,
            tampered_as,
            against_published=against_published,
            metrics=several(metrics),
        )
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
