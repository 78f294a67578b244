"""``bench data index``: write down what a folder or archive holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from forenbench.data.inventory import take_stock
from forenbench.data.sources.labels import LABELS, label_of
from forenbench.data.sources.locations import open_location
from forenbench.data.sources.manifest import write_manifest
from forenbench.data.sources.splits import ALL, chosen, take
from forenbench.data.sources.table_files import SUFFIXES, check_suffix
from forenbench.errors import BenchError, unknown
from forenbench.files.hub_datasets import find_snapshot, is_hub_dataset, parse_hub_dataset
from forenbench.front.bars import RunProgress
from forenbench.printable import readable
from forenbench.types import LABEL_NAMES, TAMPERED

from . import options as o
from .console import say, short, show

Location = Annotated[
    str,
    typer.Argument(metavar="DIR", help="A folder or archive of images, or hf://datasets/ORG/NAME@REVISION."),
]
Manifest = Annotated[
    Path, typer.Option(help="The manifest; its suffix (.csv, .jsonl, .parquet) is the format.")
]
Label = Annotated[
    str, typer.Option(help="Label of files that are below no label's name: real, fake or tampered.")
]
Split = Annotated[
    str, typer.Option("--split", help="Only this split: test, val or train.", show_default="all")
]


@o.grouped
def index(
    place: Location,
    out: Manifest = Path("manifest.csv"),
    label: Label = "",
    splits: Split = "",
    ruled: o.Ruled = o.RULED,
) -> None:
    """Write a manifest: label, generator, sha256, format and size of every image of a folder or archive.

    The manifest is a dataset of its own: 'bench run --dataset manifest.csv' scores the same files, and
    refuses those that have changed since.
    """
    check_suffix(out)
    # programs hand over paths
    location = find_snapshot(parse_hub_dataset(place)) if is_hub_dataset(str(place)) else Path(place)
    if location.suffix.lower() in SUFFIXES and not location.is_dir():
        raise BenchError(f"'{location}' is a table itself; name the folder or archive that the images are in")
    if label and label_of(label) is None:
        raise BenchError(unknown("label", label, LABELS))
    rules = ruled.rules
    if rules.reals:
        raise BenchError("a manifest lists the files of one place: give --reals when it is scored")
    if label and rules.label_paths:
        raise BenchError(
            f"--label {label} is for files below no label folder: with patterns write --{label} '**'"
        )
    source, findings = open_location(location, label_of(label), rules=rules)
    findings = replace(findings, samples=take(findings.samples, chosen(splits or ALL)).samples)
    paths = [sample.path for sample in findings.samples]
    done = 0
    with RunProgress() as progress:

        def advance(more: int) -> None:
            nonlocal done
            done += more
            progress.files(f"reading {short(location)}", done, len(paths))

        facts = take_stock(source, paths, advance)
    write_manifest(out, location, findings.samples, facts)
    labels = Counter(sample.label for sample in findings.samples)
    # real and fake are said though there be none of them
    told = [f"{labels[one]} {name}" for one, name in LABEL_NAMES.items() if one != TAMPERED or labels[one]]
    show(f"wrote {short(out)}: {' and '.join(told)} files")
    for note in findings.notes:
        say(readable(note), "yellow")
    # A manifest has no folders called train and test, from which a run could tell what to leave out.
    counts = Counter(sample.split for sample in findings.samples if sample.split)
    if len(counts) > 1:
        numbers = ", ".join(f"{number} of '{split}'" for split, number in sorted(counts.items()))
        say(f"column 'split': {numbers}; a run takes one of them, --split writes one", "yellow")
    # Broken files are listed all the same: a run then has a row for each that says why it has no score.
    unread = [path for path, fact in facts.items() if not fact.sha256]
    no_image = [path for path, fact in facts.items() if fact.sha256 and not fact.format]
    for what, found in (
        ("left aside, without a label", () if rules.label_paths else findings.unlabelled),
        ("listed, but cannot be read", unread),
        ("listed, but no images", no_image),
    ):
        if found:
            say(f"{what}: {len(found)}, the first '{readable(found[0])}'", "yellow")
