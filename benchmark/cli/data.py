"""``bench data``: list what is known, check what is there, fetch what is published, index or divide yours."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from forenbench.data.check_counts import CountCheck, compare, examine, restrict
from forenbench.data.descriptions import Download, Spec, specs, suites
from forenbench.data.finding import find_files, root_option
from forenbench.data.layouts import find_layout, locate
from forenbench.data.requests import describe_snapshot
from forenbench.data.sources.splits import SCORED, take
from forenbench.errors import BenchError, unknown
from forenbench.files.downloads import DownloadFailed
from forenbench.files.downloads import fetch as fetch_file
from forenbench.files.hub_datasets import fetch_tree, is_hub_dataset, tree_of
from forenbench.files.json_documents import document
from forenbench.front.bars import RunProgress
from forenbench.printable import printable, readable
from forenbench.weights.wording import licence_in_words, size_in_words

from . import options as o
from .console import say, short, show, show_table
from .hub import fetch_hub_dataset
from .index import index
from .listing import datasets
from .split import split
from .transfers import TransferProgress, agree

app = typer.Typer(help="List, check, fetch, index or divide datasets.", no_args_is_help=True)
app.command("list")(datasets)
app.command("index")(index)
app.command("split")(split)

_WHOLE = Text("whole", "green")
_Name = Annotated[
    str,
    typer.Argument(
        help="A dataset or suite ('bench data list' shows them), or hf://datasets/ORG/NAME@REVISION."
    ),
]


@app.command()
def check(
    name: _Name,
    data_root: o.DataRoot = Path("data"),
    data: o.Data = None,
    deep: Annotated[bool, typer.Option("--deep", help="Also read and decode every image.")] = False,
    style: o.ListStyle = "text",
) -> None:
    """Compare a dataset with what was published: images missing or surplus, unknown folders, broken files."""
    whole, places, rows = True, o.parse_places(data), list[dict[str, object]]()
    for spec, testsets in _described(name):
        say(f"{spec.name}: {spec.description or 'without a description'}", "bold")
        found: dict[str, object] = {"dataset": spec.name}
        try:  # each by itself: of a suite, one dataset that is not here hides nothing about the others
            found |= _check(locate(spec, places), testsets, data_root, deep, style == "text")
        except BenchError as error:
            say(str(error), "red")
            found |= {"whole": False, "problem": str(error)}
        whole &= bool(found["whole"])
        rows.append(found)
    if style == "json":
        show(document("data check", datasets=rows))
    if not whole:
        raise typer.Exit(1)


@app.command()
def fetch(
    name: _Name,
    data_root: o.DataRoot = Path("data"),
    yes: o.Yes = False,
) -> None:
    """Download a dataset's published files: resumable, and checked where size or checksum is known."""
    if is_hub_dataset(name):
        there = [fetch_hub_dataset(name, yes)]
    else:
        # All of them before the verdict: where one cannot be had, others of a suite are fetched all the same.
        there = [fetch_dataset(spec, data_root, yes) for spec, _ in _described(name)]
    if not all(there):
        raise typer.Exit(1)


def _described(name: str) -> Iterator[tuple[Spec, tuple[str, ...]]]:
    """Yield a dataset's description, or those that a suite selects from with the test sets it selects."""
    if is_hub_dataset(name):
        yield describe_snapshot(name), ()
        return
    known, known_suites = specs(), suites()
    if name not in {**known, **known_suites}:
        raise BenchError(unknown("dataset", name, [*known, *known_suites], "bench list datasets"))
    if name in known:
        yield known[name], ()
    else:
        yield from ((known[part.dataset], part.testsets) for part in known_suites[name].parts)


def _check(
    spec: Spec, testsets: Sequence[str], data_root: Path, deep: bool, shown: bool
) -> dict[str, object]:
    """Compare one dataset, or some of its test sets, with the description.

    Returns:
        Whether it is whole, and what was found, for programs; as text it is shown only if `shown`.
    """
    formats, broken = dict[str, str](), dict[str, str]()
    with RunProgress() as progress:
        # The reals that it borrows are checked under their own dataset's name.
        own = replace(spec, rules=replace(spec.rules, reals=""))
        source, findings = find_files(own, data_root, progress.files)
        taken = take(findings.samples, SCORED)
        samples = restrict(spec, taken.samples, testsets)
        if deep:
            paths = [sample.path for sample in samples]
            formats, broken = examine(source, paths, partial(progress.files, f"decoding {spec.name}"))
    lines = compare(spec, samples, testsets, formats)
    # A file without a label belongs to no test set: where only some are asked for, it may be another's.
    if (files := findings.unlabelled) and not testsets:
        lacks = "fits no pattern" if spec.rules.label_paths else "in no label folder"
        lines.append(CountCheck(readable(files[0]), 0, len(files), lacks))
    for note in (*findings.notes, *taken.notes):
        say(f"note: {readable(note)}", "yellow")
    if spec.description and not spec.counts:
        say("Its description declares no counts: only the names of test sets can be compared.", "yellow")
    rows = []
    for one in lines:
        verdict = Text(one.problem, "red") if one.problem else _WHOLE if one.expected else ""
        rows.append((one.where, "" if one.expected is None else one.expected, one.found, verdict))
    if shown:
        show_table(("where", "expected", "found", ""), rows, right=("expected", "found"))
    for path, reason in broken.items() if shown else ():
        show(printable(f"broken: {path}: {reason}"))
    differences = sum(bool(line.problem) for line in lines) + len(broken)
    whole = "whole: " if all(one.expected is not None for one in lines) else ""
    say(f"{differences} differences" if differences else f"{whole}{len(samples):,} images")
    counts = [
        {"where": one.where, "expected": one.expected, "found": one.found, "problem": one.problem}
        for one in lines
    ]
    notes = [readable(note) for note in (*findings.notes, *taken.notes)]
    bad = [{"path": path, "reason": reason} for path, reason in broken.items()]
    return {"whole": not differences, "counts": counts, "broken": bad, "notes": notes}


def fetch_dataset(spec: Spec, data_root: Path, yes: bool) -> bool:
    """Download one dataset, say what to do next, and return whether it is there.

    It is not where it has no stable public location, or a download failed.
    """
    say(f"{spec.name}: {spec.description}", "bold")
    if spec.builder:
        say("It is made on first use, from files that came with this package: there is nothing to fetch.")
        return True
    # An archive of which only the first megabytes are here must not count as the dataset.
    whole = {one.file: _is_whole(one, data_root) for one in spec.downloads}
    there = [data_root / name for name in (spec.folder, *spec.archives) if whole.get(name, True)]
    for path in (*there, find_layout(spec, data_root)):
        if path is not None and path.exists():
            check = f"'bench data check {spec.name}{root_option(data_root)}'"
            say(f"There already: {short(path)}. {check} looks into it.")
            return True
    published = [one for one in spec.downloads if one.url]
    if not published:
        say("It has no stable public location.", "yellow")
    elif not _download(spec, published, data_root, yes):
        say(f"By hand: get the files from {spec.source} into {short(data_root)}/", "yellow")
        return False
    say(spec.instructions.strip())
    return bool(published)


def _download(spec: Spec, downloads: Sequence[Download], data_root: Path, yes: bool) -> bool:
    """Say what a download brings and what may be done with it, ask, and get one file after the other.

    Returns:
        Whether all files are there; the first that cannot be had ends it.

    Raises:
        BenchError: The disk is too small, or nobody is there to answer.
    """
    say(f"from {spec.source}, licence: {licence_in_words(spec.licence)}")
    missing = 0
    for one in downloads:
        is_there = _is_whole(one, data_root)
        state = ", there already" if is_there else ""
        say(f"  {one.file}: {size_in_words(one.size)}, {one.checksum}{state}")
        if not is_there:
            # An unfinished download is kept beside the file, and gone on with (`forenbench.files.downloads`).
            begun = data_root / f"{one.file}.part"
            missing += (one.size or 0) - (begun.stat().st_size if begun.is_file() else 0)
    try:
        data_root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(
            f"'{data_root}' cannot be made: {error}; --data-root names another folder"
        ) from error
    free = shutil.disk_usage(data_root).free
    say(f"To download: {size_in_words(missing)} to {short(data_root)}/, where {size_in_words(free)} are free")
    if missing > free:  # said before the first of 75 GB, not hours later by the disk
        raise BenchError(
            f"'{data_root}' has room for {size_in_words(free)}, not for {size_in_words(missing)}; "
            "make room, or name another folder with --data-root"
        )
    agree(yes)
    with TransferProgress() as progress:
        for one in downloads:
            fetch_it = partial(fetch_file, sha256=one.sha256, md5=one.md5, size=one.size)
            try:
                if (tree := tree_of(one.url)) is not None:
                    fetch_tree(tree, data_root / one.file)
                else:
                    fetch_it(one.url, data_root / one.file, advance=partial(progress.advance, one.file))
            except DownloadFailed as error:
                say(str(error), "red")
                return False
            say(f"{short(data_root / one.file)} is there", "green")
    return True


def _is_whole(download: Download, data_root: Path) -> bool:
    """Say whether a file is there, as far as its size tells, or a folder."""
    path = data_root / download.file
    if tree_of(download.url) is not None:
        return path.is_dir()  # it has another name until all of it is there
    return path.is_file() and download.size in (None, path.stat().st_size)
