"""What a run tells its user: the data found, what is not there, and every image that was not scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from forenbench.data.inventory import FileFacts, formats
from forenbench.printable import printable
from forenbench.records.store import Store
from forenbench.types import FAKE, REAL, Detector

if TYPE_CHECKING:
    import pandas as pd

    from forenbench.data.dataset import Dataset
    from forenbench.scoring.outcome import Summary


class Say(Protocol):
    """Says something to the user, in a style such as ``yellow``."""

    def __call__(self, message: str, style: str = "") -> None:
        """Say it."""
        ...


def describe_dataset(dataset: Dataset, detectors: Sequence[Detector], say: Say) -> None:
    """Say what was found: counts per label, generator, format and size; and what detectors will not see."""
    protocols = {testset.protocol for testset in dataset.testsets} - {"all"}
    chosen = f", protocol {', '.join(sorted(protocols))}" if protocols else ""
    say(
        f"dataset {dataset.name}: {len(dataset.testsets)} test sets, {len(dataset.facts)} files{chosen}",
        "bold",
    )
    for testset in dataset.testsets:
        labels = Counter(sample.label for sample in testset.samples)
        facts = {
            label: [dataset.facts[sample.path] for sample in testset.samples if sample.label == label]
            for label in (REAL, FAKE)
        }
        described = [
            f"{labels[label]} {name} ({_describe_files(facts[label])})"
            for label, name in ((REAL, "real"), (FAKE, "fake"))
            if labels[label]
        ]
        say(printable(f"  {testset.name}: {', '.join(described)}"))
    from forenbench.scoring.borders import borders

    seen = (borders(testset, dataset.facts, detectors) for testset in dataset.testsets)
    for note in (*dataset.notes, *chain.from_iterable(seen)):
        say(printable(f"  note: {note}"), "yellow")


def describe_problems(summary: Summary, store: Store, say: Say) -> None:
    """Name every cell with images that were not scored, with the commonest reason and one path."""
    say("Some images were not scored; their rows say why (columns status, error):", "yellow")
    for cell, counts in summary.problems.items():
        bad = ", ".join(f"{number} {status}" for status, number in counts.lost.items())
        say(printable(f"  {cell.detector} on {cell.dataset}/{cell.testset} ({cell.perturbation}): {bad}"))
        record = store.record(cell)
        if record is not None:
            rows = store.rows(record, ["path", "status", "error"])
            say(printable(f"    {_commonest_reason(rows[rows['status'] != 'ok'])}"))


def _commonest_reason(rows: pd.DataFrame) -> str:
    """Word why images were not scored; those that were not even tried stand for no reason."""
    from forenbench.scoring.hopeless import UNTRIED

    untried = rows["error"].str.startswith(UNTRIED)
    tried = rows[~untried]
    if tried.empty:
        return str(rows["error"].iloc[0])
    ((error, number),) = Counter(tried["error"]).most_common(1)
    path = tried["path"][tried["error"] == error].iloc[0]
    rest = f"; {untried.sum()} not tried" if untried.any() else ""
    return f"{number} × {error} (as {path}){rest}"


def describe_absent(absent: Sequence[str], say: Say) -> None:
    """Name what a published table needs and is not here."""
    if absent:
        say("Not run, for want of:", "yellow")
    for lack in absent:
        say(f"  {lack}")


def _describe_files(facts: Iterable[FileFacts]) -> str:
    """Word formats and the range of sizes, for instance ``PNG 40, 256×256``."""
    facts = list(facts)
    kinds = ", ".join(f"{name} {number}" for name, number in Counter(formats(facts)).most_common())
    sizes = sorted((fact.width * fact.height, f"{fact.width}×{fact.height}") for fact in facts if fact.format)
    if not sizes:
        return kinds
    smallest, largest = sizes[0][1], sizes[-1][1]
    return f"{kinds}; {smallest}" if smallest == largest else f"{kinds}; {smallest} to {largest}"
