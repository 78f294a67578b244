"""What a run tells its user: the data found, what is not there, and every image that was not scored."""

from __future__ import annotations

import platform
import shlex
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from forenbench.data.inventory import formats
from forenbench.data.sources.rules import Rules
from forenbench.files.places import cache_folder
from forenbench.printable import printable
from forenbench.records.environment import versions
from forenbench.records.store import Store
from forenbench.scoring.numerics import lacks_bf16
from forenbench.types import LABEL_NAMES, NOWHERE, Detector

from .talk import short

if TYPE_CHECKING:
    from forenbench.data.dataset import Dataset
    from forenbench.scoring.outcome import Summary
    from forenbench.scoring.plan import Job


_SHOWN = 8
"""Cells whose failures are told at the end of a run."""


class Say(Protocol):
    """Says something to the user, in a style such as ``yellow``."""

    def __call__(self, message: str, style: str = "") -> None:
        """Say it."""
        ...


def describe_means(store: Store, device: str, precision: str, jobs: Sequence[Job], detail: Say) -> None:
    """Tell what is seldom asked: where rows and caches are, what computes, and which files made detectors."""
    detail(f"run folder {store.root.absolute()}, cache {cache_folder()}, device {device}, {precision}")
    packages = ", ".join(f"{name} {version}" for name, version in versions().items())
    detail(f"Python {platform.python_version()}, {packages}")
    # of several datasets, each has the same detectors, unless it has other checkpoints
    for one in {(loaded.name, loaded.weights): loaded for job in jobs for loaded in job.detectors}.values():
        files = ", ".join(f"{name} {sha256[:12]}" for name, sha256 in sorted(one.checkpoints.items()))
        detail(f"detector {one.name} ({one.weights}), version {one.detector.version}: {files or 'no files'}")


def describe_precision(precision: str, devices: Sequence[str], say: Say) -> None:
    """Say where a precision that is there to be fast makes a run slower."""
    import torch  # loaded by now, but not by commands that tell of finished runs

    if precision == "bf16" and "cpu" in devices and lacks_bf16(torch.cpu.get_capabilities()):
        say("this processor has no arithmetic of bf16: the run takes longer than in fp32", "yellow")


def describe_dataset(dataset: Dataset, detectors: Sequence[Detector], say: Say) -> None:
    """Say what was found: counts per label, generator, format and size; and what detectors will not see."""
    protocols = {testset.protocol for testset in dataset.testsets} - {"all"}
    chosen = f", protocol {', '.join(sorted(protocols))}" if protocols else ""
    found = f"{len(dataset.testsets)} test sets, {len(dataset.facts)} files"
    say(f"dataset {dataset.name}: {found}{chosen}", "bold")
    for testset in dataset.testsets:
        described = []
        # By label: where reals differ from fakes in format or size, a detector may have learned that.
        for label, name in LABEL_NAMES.items():
            facts = [dataset.facts[sample.path] for sample in testset.samples if sample.label == label]
            if not facts:
                continue
            look = ", ".join(f"{kind} {number}" for kind, number in Counter(formats(facts)).most_common())
            sizes = sorted((f.width * f.height, f"{f.width}×{f.height}") for f in facts if f.format)
            if sizes:  # else not one of them can be read
                look += f"; {' to '.join(dict.fromkeys([sizes[0][1], sizes[-1][1]]))}"
            described.append(f"{len(facts)} {name} ({look})")
        say(printable(f"  {testset.name}: {', '.join(described)}"))
    # Not at the top: it brings PyTorch, and `bench run` says that it loads before that is loaded.
    from forenbench.scoring.borders import borders

    for note in (*dataset.notes, *borders(dataset, detectors)):
        say(printable(f"  note: {note}"), "yellow")


def describe_other_rules(datasets: Sequence[Dataset], store: Store, say: Say) -> None:
    """Name test sets whose rows a run folder has by other rules, and which the rules of now do not make."""
    now = {(one.dataset, one.name): one.found.rules for dataset in datasets for one in dataset.testsets}
    rules = {name: Rules.parse(said or {}) for (name, _), said in now.items()}
    others = {
        (record.cell.dataset, record.cell.testset)
        for record in store.records()
        if record.cell.dataset in rules
        and Rules.parse((record.provenance.found or NOWHERE).rules or {}) != rules[record.cell.dataset]
    }
    if stale := sorted("/".join(names) for names in others - now.keys()):
        say(printable(f"note: tables also show what other rules made: {', '.join(stale)}"), "yellow")


def describe_problems(summary: Summary, store: Store, say: Say) -> None:
    """Name cells with images that were not scored, with the commonest reason and one path."""
    from forenbench.scoring.hopeless import UNTRIED  # brings PyTorch, likewise

    rest = f"'bench show errors {shlex.quote(short(store.root))}' counts every reason"
    say(f"Some images were not scored; {rest} (in Python: results.errors()):", "yellow")
    worst = sorted(summary.problems.items(), key=lambda one: -sum(one[1].lost.values()))
    if len(worst) > _SHOWN:
        say(f"  of {len(worst)} cells the {_SHOWN} that lack most:")
    for cell, counts in worst[:_SHOWN]:
        bad = ", ".join(f"{number} {status}" for status, number in counts.lost.items())
        say(printable(f"  {cell.detector} on {cell.dataset}/{cell.testset} ({cell.perturbation}): {bad}"))
        record = store.record(cell)
        if record is None:  # moved away since, by another process that uses this run folder
            continue
        rows = store.rows(record, ["path", "status", "error"])
        bad_rows = rows[rows["status"] != "ok"]
        # A detector that fails on everything is given up after its first shard: the rest has no reason.
        untried = bad_rows["error"].str.startswith(UNTRIED)
        tried = bad_rows[~untried]
        if tried.empty:
            say(printable(f"    {bad_rows['error'].iloc[0]}"))
            continue
        ((error, number),) = Counter(tried["error"]).most_common(1)
        path = tried["path"][tried["error"] == error].iloc[0]
        rest = f"; {untried.sum()} not tried" if untried.any() else ""
        say(printable(f"    {number} × {error} (as {path}){rest}"))


def describe_absent(absent: Sequence[str], say: Say) -> None:
    """Name what a published table, or a line-up, needs and is not here."""
    if absent:
        say("Not run, for want of (weights: 'bench weights fetch NAME'):", "yellow")
    for lack in absent:
        say(f"  {lack}")
