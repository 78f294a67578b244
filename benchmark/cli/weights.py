"""``bench weights``: which checkpoint files there are, which are here, and how the others get here."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Annotated

import typer

from forenbench.errors import BenchError, unknown
from forenbench.files.downloads import DownloadFailed, mismatch
from forenbench.plugins.installed import FoundPlugin, find, installed
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

from . import options as o
from .console import say, short, show, width
from .transfers import TransferProgress, agree, licence_in_words, size_in_words

app = typer.Typer(help="List, fetch or check checkpoint files.", no_args_is_help=True)

_WHOLE_SHA256 = 64
_COLUMNS = 80
_INDENT = " " * 4

_Names = Annotated[list[str] | None, typer.Argument(help="Checkpoints, as 'bench weights list' names them.")]
_Detector = Annotated[str, typer.Option(help="What a detector needs: lgrad or lgrad:stylegan-bedroom.")]
_MIRROR = "A folder or address to download from, which keeps them as NAME/FILE, NAME.pth or FILE."


@app.command("list")
def listing(detector: _Detector = "") -> None:
    """Show every checkpoint by detector: is it here, its size, checksum and licence, and who needs it."""
    name, _, variant = detector.partition(":")
    for found in [find(name)] if name else installed():
        _describe(found, variant)
    say("'bench weights fetch NAME' downloads what is missing; 'bench weights check' looks into files.")


@app.command()
def fetch(
    names: _Names = None,
    detector: _Detector = "",
    everything: Annotated[bool, typer.Option("--all", help="Everything that was published.")] = False,
    mirror: Annotated[str, typer.Option(help=_MIRROR)] = "",
    yes: o.Yes = False,
) -> None:
    """Download checkpoints into the cache: resumable, and checked before they count as there."""
    absent = _absent(_select(names or [], detector, everything))
    downloads = [one for one in absent if addresses(one, mirror)]
    if downloads:
        _announce(downloads)
        agree(yes)
    failed = _download(downloads, mirror)
    by_hand = [one for one in absent if one not in downloads]
    for checkpoint in (*failed, *by_hand):
        say(instructions(checkpoint, tried=True), "yellow")
    if failed or by_hand:
        raise typer.Exit(1)


@app.command()
def check(names: _Names = None) -> None:
    """Verify files by their sha256; where none is published, read their structure without running code."""
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


def _describe(found: FoundPlugin, variant: str) -> None:
    """Show a detector's checkpoints, each with the variants that need it."""
    if found.problem:
        say(f"{found.name} cannot be used: {found.problem}", "yellow")
    checkpoints = _needed_by(found, (variant,)) if variant else found.checkpoints
    if checkpoints:
        show(found.name)
    for checkpoint in checkpoints:
        show(_entry(checkpoint, found))


def _entry(checkpoint: Checkpoint, found: FoundPlugin) -> str:
    """Word one checkpoint in a few lines; a command has one to itself, and can be copied."""
    users = found.users(checkpoint)
    wrapped = textwrap.fill(
        f"{_facts(checkpoint)}for {', '.join(users) or 'all variants'}",
        width() or _COLUMNS,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    command = f"\n{_INDENT}{checkpoint.command}" if checkpoint.command else ""
    return f"  {checkpoint.name}: {_state(checkpoint)}\n{wrapped}{command}"


def _state(checkpoint: Checkpoint) -> str:
    """Word whether a file is here, without reading it."""
    path = locate(checkpoint)
    if checkpoint.shipped:
        return "comes with an installed package"
    if path is not None:
        problem = mismatch(path, None, checkpoint.size)
        return f"WRONG, {short(path)} {problem}" if problem else f"here, {short(path)}"
    return "missing, for your own training" if checkpoint.command else "missing"


def _facts(checkpoint: Checkpoint) -> str:
    """Word what was published of a file, if anything was."""
    if checkpoint.command:
        return ""
    licence = licence_in_words(checkpoint.licence)
    if checkpoint.shipped:
        return f"{licence}; "
    size, checksum = size_in_words(checkpoint.size), _checksum(checkpoint)
    return f"{checkpoint.file}, {size}, sha256 {checksum}; {licence}; "


def _checksum(checkpoint: Checkpoint) -> str:
    """Word how much of the sha256 is known."""
    if not checkpoint.sha256:
        return "unverified"
    digits = len(checkpoint.sha256)
    return "known" if digits == _WHOLE_SHA256 else f"known by its first {digits} digits"


def _published() -> dict[str, Checkpoint]:
    """List the checkpoints of all detectors by name; several detectors may share one."""
    return {one.name: one for found in installed() for one in found.checkpoints}


def _select(names: Sequence[str], detector: str, everything: bool) -> list[Checkpoint]:
    """Turn the options of `fetch` into checkpoints; shipped ones are always here."""
    if bool(names) + bool(detector) + everything != 1:
        raise BenchError("say what to fetch: names of checkpoints, or --detector NAME, or --all")
    if everything:
        return [one for one in _published().values() if not one.shipped and not one.command]
    chosen = _of_detector(detector) if detector else _named(names)
    return [one for one in chosen if not one.shipped]


def _named(names: Sequence[str]) -> list[Checkpoint]:
    """Look checkpoints up."""
    known = _published()
    for name in names:
        if name not in known:
            raise BenchError(unknown("checkpoint", name, known))
    return [known[name] for name in dict.fromkeys(names)]


def _of_detector(request: str) -> tuple[Checkpoint, ...]:
    """List what a detector needs; a bare name means the variants that it means in `bench run`."""
    name, _, variant = request.partition(":")
    found = find(name)
    return _needed_by(found, (variant,) if variant else found.rows("published"))


def _needed_by(found: FoundPlugin, variants: Iterable[str]) -> tuple[Checkpoint, ...]:
    """List what some variants read; a plugin that does not say so may need all of its checkpoints."""
    known = {variant for kind in KINDS for variant in found.variants(kind)}
    needed: dict[Checkpoint, None] = {}
    for variant in variants:
        if variant not in known:
            raise BenchError(unknown(f"variant of '{found.name}'", variant, known))
        needed |= dict.fromkeys(found.needs(variant))
    return tuple(needed)


def _absent(checkpoints: Iterable[Checkpoint]) -> list[Checkpoint]:
    """Keep those whose file is not in the cache, or wrong there; say where the others are.

    Raises:
        BenchError: A file of the user's own folder is wrong: it would go before what is downloaded.
    """
    absent = []
    for checkpoint in checkpoints:
        path = locate(checkpoint)
        problem = inspect(checkpoint, path).problem if path else ""
        if path and problem and path != cached(checkpoint):
            raise BenchError(f"{path} {problem}. Remove it: what {FOLDER} names goes before a download")
        if path and not problem:
            say(f"{checkpoint.name} is here: {short(path)}")
            continue
        absent.append(checkpoint)
        if path:
            say(f"{checkpoint.name}: {short(path)} {problem}. A download replaces it", "yellow")
    return absent


def _announce(checkpoints: Sequence[Checkpoint]) -> None:
    """Say what a download would bring, how much it is, and what may be done with it."""
    for one in checkpoints:
        say(f"{one.name}: {one.file}, {size_in_words(one.size)}, {licence_in_words(one.licence)}")
    known = [one.size for one in checkpoints if one.size is not None]
    total = [size_in_words(sum(known))] if known else []
    if len(known) < len(checkpoints):
        total.append(f"files of unknown size: {len(checkpoints) - len(known)}")
    folder = cached(checkpoints[0]).parents[1]
    say(f"To download to {short(folder)}/: {', and '.join(total)}")


def _download(checkpoints: Sequence[Checkpoint], mirror: str) -> list[Checkpoint]:
    """Download one after the other, and return those that could not be had."""
    failed = []
    with TransferProgress() as progress:
        for checkpoint in checkpoints:
            try:
                verdict = download(checkpoint, mirror, partial(progress.advance, checkpoint.name))
            except DownloadFailed as error:
                say(str(error), "red")
                failed.append(checkpoint)
            else:
                sure = "sha256 as published" if verdict.verified else "unverified, but its structure fits"
                say(f"{checkpoint.name}: {short(cached(checkpoint))} ({sure})", "green")
    return failed
