"""``bench weights``: which checkpoint files there are, which are here, and how the others get here."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Annotated

import typer

from forenbench.errors import BenchError, unknown
from forenbench.files.downloads import DownloadFailed, mismatch
from forenbench.files.json_documents import document
from forenbench.plugins.installed import FoundPlugin, find, installed
from forenbench.plugins.lineups import LINEUPS
from forenbench.weights import KINDS, Checkpoint
from forenbench.weights.checkpoint_store import (
    FOLDER,
    addresses,
    cached,
    download,
    inspect,
    instructions,
    locate,
)
from forenbench.weights.wording import licence_in_words, size_in_words

from . import options as o
from .console import say, short, show, split, width
from .transfers import TransferProgress, agree

app = typer.Typer(help="List, fetch or check checkpoint files.", no_args_is_help=True)

_WHOLE_SHA256 = 64
_COLUMNS = 80
_INDENT = " " * 4

_Names = Annotated[list[str] | None, typer.Argument(help="Checkpoints, as 'bench weights list' names them.")]
_Detector = Annotated[str, typer.Option(help="What a detector needs: lgrad or lgrad:stylegan-bedroom.")]
_Detectors = Annotated[
    str, typer.Option("--detector", help="What detectors need: lgrad,dda:coco, or modern.")
]
_MIRROR = "A folder or address to download from, which keeps them as NAME/FILE, NAME.pth or FILE."


@app.command("list")
def listing(detector: _Detector = "", style: o.ListStyle = "text") -> None:
    """Show every checkpoint by detector: is it here, its size, checksum and licence, and who needs it."""
    name, _, variant = detector.partition(":")
    rows = []
    for found in [find(name)] if name else installed():
        if found.problem:
            say(f"{found.name} cannot be used: {found.problem}", "yellow")
        checkpoints = _needed_by(found, (variant,)) if variant else found.checkpoints
        rows += [_facts(checkpoint, found) for checkpoint in checkpoints]
        if checkpoints and style == "text":
            show("\n".join([found.name, *(_entry(one, found) for one in checkpoints)]))
    if style == "json":
        show(document("weights", weights=rows))
        return
    say("'bench weights fetch NAME' downloads what is missing; 'bench weights check' looks into files.")


@app.command()
def fetch(
    names: _Names = None,
    detector: _Detectors = "",
    everything: Annotated[bool, typer.Option("--all", help="Everything that was published.")] = False,
    mirror: Annotated[str, typer.Option(help=_MIRROR)] = "",
    yes: o.Yes = False,
) -> None:
    """Download checkpoints into the cache: resumable, and checked before they count as there."""
    groups = _absent(_wanted(names or [], detector, everything))
    absent = [one for group in groups.values() for one in group]
    downloads = [one for one in absent if addresses(one, mirror)]
    if downloads:
        _announce(groups, downloads)
        agree(yes)
    failed = []
    with TransferProgress() as progress:
        for one in downloads:
            try:
                verdict = download(one, mirror, partial(progress.advance, one.name))
            except DownloadFailed as error:  # one server that is down keeps no other file away
                say(str(error), "red")
                failed.append(one)
            else:
                sure = "sha256 as published" if verdict.verified else "unverified, but its structure fits"
                say(f"{one.name}: {short(cached(one))} ({sure})", "green")
    by_hand = [*failed, *(one for one in absent if one not in downloads)]
    for one in by_hand:
        say(instructions(one, tried=True), "yellow")
    if by_hand:
        raise typer.Exit(1)


@app.command()
def check(names: _Names = None) -> None:
    """Verify files by their sha256; where none is published, read their structure without running code."""
    # Files that were never fetched are missing only where they are asked for by name: nobody needs all.
    wrong = seen = 0
    for checkpoint in _named(names) if names else [one for one in _published().values() if not one.shipped]:
        path = locate(checkpoint)
        if path is not None and path.is_file():
            verdict = inspect(checkpoint, path)
            word = "WRONG" if verdict.problem else "ok" if verdict.verified else "unverified"
            show(f"{word:<10}  {checkpoint.name}: {short(path)} {verdict.problem}".rstrip())
            wrong += bool(verdict.problem)
            seen += 1
        elif names:
            show(f"missing     {checkpoint.name}: {checkpoint.file}")
            wrong += 1
    if not seen and not names:
        say("No checkpoint file is here; 'bench weights list' shows all.")
    if wrong:
        say("'bench weights fetch NAME' gets what is missing, and replaces what is wrong in the cache.")
        raise typer.Exit(1)


def _facts(checkpoint: Checkpoint, found: FoundPlugin) -> dict[str, object]:
    """Say of one checkpoint, for programs, what `_entry` says in words."""
    path = locate(checkpoint)
    wrong = mismatch(path, None, checkpoint.size) if path is not None and not checkpoint.shipped else ""
    return {
        "detector": found.name,
        "checkpoint": checkpoint.name,
        "state": "wrong" if wrong else "missing" if path is None else "here",
        "path": None if path is None else str(path),
        "file": checkpoint.file,
        "size": checkpoint.size,
        "sha256": checkpoint.sha256,
        "licence": checkpoint.licence,
        "variants": list(found.users(checkpoint)),
        "trained_by": checkpoint.command or None,
    }


def _entry(checkpoint: Checkpoint, found: FoundPlugin) -> str:
    """Word one checkpoint in a few lines: whether it is here, what was published of it, and who needs it."""
    path = locate(checkpoint)  # its size is looked at, but the file is not read: some have gigabytes
    licence = f"{licence_in_words(checkpoint.licence)}; "
    command = ""
    if checkpoint.shipped:
        state, facts = "comes with an installed package", licence
    elif checkpoint.command:  # nobody published it: there is a way to make it, and nothing else is known
        state, facts = "missing, for your own training", ""
        command = f"\n{_INDENT}{checkpoint.command}"
    else:
        # torchvision publishes no more than the first digits, in the file's name (resnet50-0676ba61.pth).
        digits = len(checkpoint.sha256 or "")
        known = {0: "unverified", _WHOLE_SHA256: "known"}.get(digits, f"known by its first {digits} digits")
        state = "missing"
        facts = f"{checkpoint.file}, {size_in_words(checkpoint.size)}, sha256 {known}; {licence}"
    if path is not None and not checkpoint.shipped:
        problem = mismatch(path, None, checkpoint.size)
        state = f"WRONG, {short(path)} {problem}" if problem else f"here, {short(path)}"
    text, room = f"{facts}for {', '.join(found.users(checkpoint)) or 'all variants'}", width() or _COLUMNS
    text = textwrap.fill(text, room - len(_INDENT), break_long_words=False, break_on_hyphens=False)
    # The command has a line of its own, never folded: a shell would take it for two.
    return f"  {checkpoint.name}: {state}\n{textwrap.indent(text, _INDENT)}{command}"


def _published() -> dict[str, Checkpoint]:
    """List the checkpoints of all detectors by name; several detectors may share one."""
    return {one.name: one for found in installed() for one in found.checkpoints}


def _named(names: Sequence[str]) -> list[Checkpoint]:
    """Look checkpoints up."""
    known = _published()
    for name in names:
        if name not in known:
            raise BenchError(unknown("checkpoint", name, known, "bench list weights"))
    return [known[name] for name in dict.fromkeys(names)]


def _needed_by(found: FoundPlugin, variants: Iterable[str]) -> tuple[Checkpoint, ...]:
    """List what some variants read; a plugin that does not say so may need all of its checkpoints."""
    known = {variant for kind in KINDS for variant in found.variants(kind)}
    needed: dict[Checkpoint, None] = {}  # a set that keeps the order in which the plugin names them
    for variant in variants:
        if variant not in known:
            raise BenchError(unknown(f"variant of '{found.name}'", variant, known))
        needed |= dict.fromkeys(found.needs(variant))
    return tuple(needed)


def _announce(groups: Mapping[str, Sequence[Checkpoint]], downloads: Sequence[Checkpoint]) -> None:
    """Say what is going to be downloaded, by detector, and how much that is."""
    for user, group in groups.items():
        mine = [one for one in group if one in downloads]
        if user and mine:
            say(user)
        for one in mine:
            facts = f"{one.file}, {size_in_words(one.size)}, {licence_in_words(one.licence)}"
            say(f"{'  ' if user else ''}{one.name}: {facts}")
    sizes = [one.size for one in downloads if one.size is not None]
    total = [size_in_words(sum(sizes))] if sizes else []
    if len(sizes) < len(downloads):
        total.append(f"files of unknown size: {len(downloads) - len(sizes)}")
    folder = cached(downloads[0]).parents[1]
    say(f"To download to {short(folder)}/: {', and '.join(total)}")


def _wanted(names: Sequence[str], detector: str, everything: bool) -> dict[str, Iterable[Checkpoint]]:
    """List what is to be fetched, by detector; files that are asked for by name have no other heading.

    Raises:
        BenchError: Nothing is named, or a name is unknown.
    """
    if bool(names) + bool(detector) + everything != 1:
        raise BenchError("say what to fetch: names of checkpoints, or --detector NAME, or --all")
    if names:
        return {"": _named(names)}
    if everything:
        return {found.name: [one for one in found.checkpoints if not one.command] for found in installed()}
    wanted: dict[str, Iterable[Checkpoint]] = {}
    for request in LINEUPS.get(detector, split(detector)):
        name, _, variant = request.partition(":")
        found = find(name)
        # A bare name stands for the variants that it means in `bench run`, not for all there are.
        wanted[request] = _needed_by(found, (variant,) if variant else found.rows("published"))
    return wanted


def _absent(wanted: Mapping[str, Iterable[Checkpoint]]) -> dict[str, list[Checkpoint]]:
    """List what is not in the cache, or wrong there, each file once; say where the rest is.

    Raises:
        BenchError: A file of the user's own folder is wrong, which would go before what is downloaded.
    """
    absent: dict[str, list[Checkpoint]] = {}
    # What several detectors read stands with the first of them.
    users = {one: user for user, files in reversed([*wanted.items()]) for one in files}
    for checkpoint in dict.fromkeys(one for files in wanted.values() for one in files):
        if checkpoint.shipped:  # within an installed package, and so always here
            continue
        path = locate(checkpoint)
        problem = inspect(checkpoint, path).problem if path else ""
        if path and problem and path != cached(checkpoint):
            raise BenchError(f"{path} {problem}. Remove it: what {FOLDER} names goes before a download")
        if path and not problem:
            say(f"{checkpoint.name} is here: {short(path)}")
            continue
        absent.setdefault(users[checkpoint], []).append(checkpoint)
        if path:
            say(f"{checkpoint.name}: {short(path)} {problem}. A download replaces it", "yellow")
    return absent
