"""``bench data index``: write down what a folder or archive holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from forenbench.data.inventory import FileFacts, take_stock
from forenbench.data.sources.findings import Findings
from forenbench.data.sources.labels import LABELS, label_of
from forenbench.data.sources.locations import open_location
from forenbench.data.sources.manifest import write_manifest
from forenbench.data.sources.splits import ALL, chosen, take
from forenbench.data.sources.table_files import SUFFIXES, check_suffix
from forenbench.errors import BenchError, unknown
from forenbench.front.bars import RunProgress
from forenbench.printable import readable
from forenbench.types import FAKE, FileSource

from .console import say, short, show


def index(
    location: Annotated[Path, typer.Argument(metavar="DIR", help="A folder or archive of images.")],
    out: Annotated[
        Path, typer.Option(help="The manifest; its suffix (.csv, .jsonl, .parquet) is the format.")
    ] = Path("manifest.csv"),
    label: Annotated[
        str, typer.Option(help="Label of files that are below no label's name: real or fake.")
    ] = "",
    splits: Annotated[
        str, typer.Option("--split", help="Only this split: test, val or train.", show_default="all")
    ] = "",
) -> None:
    """Write a manifest: label, generator, sha256, format and size of every image of a folder or archive.

    The manifest is a dataset of its own: 'bench run --dataset manifest.csv' scores the same files, and
    refuses those that have changed since.
    """
    check_suffix(out)
    if location.suffix.lower() in SUFFIXES and not location.is_dir():
        raise BenchError(f"'{location}' is a table itself; name the folder or archive that the images are in")
    source, findings = open_location(location, _parse(label))
    findings = replace(findings, samples=take(findings.samples, chosen(splits or ALL)).samples)
    facts = _take_stock(source, findings, location)
    write_manifest(out, location, findings.samples, facts)
    fakes = sum(sample.label == FAKE for sample in findings.samples)
    show(f"wrote {short(out)}: {len(findings.samples) - fakes} real and {fakes} fake files")
    for line in (*_divided(findings), *_left_aside(findings, facts)):
        say(line, "yellow")


def _divided(findings: Findings) -> Iterator[str]:
    """Say that the files are of several splits."""
    counts = Counter(sample.split for sample in findings.samples if sample.split)
    if len(counts) > 1:
        numbers = ", ".join(f"{number} of '{split}'" for split, number in sorted(counts.items()))
        yield f"column 'split': {numbers}; a run takes one of them, --split writes one"


def _parse(label: str) -> int | None:
    """Read the label that files without one get; empty for none.

    Raises:
        BenchError: It is no label.
    """
    if label and label_of(label) is None:
        raise BenchError(unknown("label", label, LABELS))
    return label_of(label)


def _take_stock(source: FileSource, findings: Findings, location: Path) -> dict[str, FileFacts]:
    """Read every file's facts, with progress."""
    paths = [sample.path for sample in findings.samples]
    done = 0
    with RunProgress() as progress:

        def advance(more: int) -> None:
            nonlocal done
            done += more
            progress.files(f"reading {short(location)}", done, len(paths))

        return take_stock(source, paths, advance)


def _left_aside(findings: Findings, facts: Mapping[str, FileFacts]) -> Iterator[str]:
    """Name what a reader of the manifest will not find in it, or not find whole."""
    kinds = {
        "left aside, without a label": findings.unlabelled,
        "listed, but cannot be read": [path for path, fact in facts.items() if not fact.sha256],
        "listed, but no images": [path for path, fact in facts.items() if fact.sha256 and not fact.format],
    }
    yield from map(readable, findings.notes)
    for what, paths in kinds.items():
        if paths:
            yield f"{what}: {len(paths)}, the first '{readable(paths[0])}'"
