"""Finished cells of several runs, and which of them count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from forenbench.errors import BenchError

from .record import DetectorKey, Record
from .store import Store


@dataclass(frozen=True)
class Finished:
    """A finished cell.

    Attributes:
        store: The run that keeps its rows.
        record: What made them.
    """

    store: Store
    record: Record

    @property
    def detector(self) -> DetectorKey:
        """See `Record.detector`."""
        return self.record.detector

    @property
    def dataset(self) -> str:
        """What its test set belongs to."""
        return self.record.cell.dataset

    @property
    def testset(self) -> str:
        """The generator, mostly."""
        return self.record.cell.testset

    @property
    def perturbation(self) -> str:
        """What was done to the images."""
        return self.record.cell.perturbation

    @property
    def protocol(self) -> str:
        """See `Record.protocol`."""
        return self.record.protocol

    @property
    def threshold(self) -> float:
        """See `Record.threshold`."""
        return self.record.threshold


def newest(stores: Iterable[Store]) -> list[Finished]:
    """List the finished cells of runs in their order; where two runs hold one, the newer one counts.

    Cells are the same where their names, their kind of weights and their protocol are.

    Raises:
        BenchError: There is none.
    """
    found: dict[tuple[str, ...], Finished] = {}
    roots = []
    for store in stores:
        roots.append(str(store.root))
        for record in store.records():
            key = (*record.key, record.protocol)
            # times are ISO 8601 in UTC to the second, which sort as text; a newer one takes the older one's
            # position in the dict, and with it in tables
            if key not in found or found[key].record.provenance.time < record.provenance.time:
                found[key] = Finished(store, record)
    if not found:
        raise BenchError(f"no finished cell in {', '.join(roots)}; 'bench run' makes some")
    return list(found.values())
