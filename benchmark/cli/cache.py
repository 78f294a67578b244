"""``bench cache``: what is kept in the user's cache folder, and how to get rid of it."""

from __future__ import annotations

from typing import Annotated

import typer

from forenbench.errors import BenchError, unknown
from forenbench.files.places import cache_folder
from forenbench.front.caches import KINDS
from forenbench.scoring.features import SIZE, user_cache
from forenbench.weights.wording import size_in_words

from .console import say, short, show, show_table
from .transfers import agree

app = typer.Typer(
    help="Show or clear what is kept: features, weights, datasets, answers.", no_args_is_help=True
)

_KINDS = {kind.name: kind for kind in KINDS}
_ENCODER = (
    "Only this encoder's features, as 'bench cache show' names it; its name without the digest means all of "
    "that name."
)


@app.command("show")
def listing() -> None:
    """Show what is kept, how much of it, and what happens once it is cleared."""
    features = user_cache()
    show(f"folder   {short(cache_folder())}")
    limit = size_in_words(features.limit) if features.limit else "off"
    show(f"limit    {limit}, of features ({SIZE})")
    rows = []
    for kind in KINDS:
        files, size = kind.usage()
        rows.append((kind.name, f"{files:,}", size_in_words(size), kind.what, kind.then))
    show_table(("kind", "files", "size", "what it is", "once cleared"), rows, right={"files", "size"})
    for one in features.usage():
        show(f"{one.encoder}: {one.blocks:,} blocks, {size_in_words(one.size)}")


@app.command()
def clear(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="KIND…", help="What: as 'bench cache show' names it, or all."),
    ] = None,
    encoder: Annotated[str, typer.Option(help=_ENCODER)] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
) -> None:
    """Remove what is kept of some kinds; what a run that is going on needs is left."""
    names = names or (["features"] if encoder else [])
    if not names:
        raise BenchError(
            f"say what to clear: {', '.join(_KINDS)} or all; 'bench cache show' shows how much it is"
        )
    for name in names:
        if name not in (*_KINDS, "all"):
            raise BenchError(unknown("kind of cache", name, [*_KINDS, "all"]))
    chosen = [kind for name in names for kind in (KINDS if name == "all" else [_KINDS[name]])]
    if encoder and names != ["features"]:
        raise BenchError("--encoder is of features alone: name no other kind beside it")
    used = {kind.name: kind.usage() for kind in chosen if any(kind.usage())}
    if not used:  # before the name is looked at: no encoder is known here, and none is misspelt
        say(f"Nothing of that is kept in {short(cache_folder())}.")
        return
    if encoder:
        _clear_encoder(encoder, yes)
        return
    for name, (files, size) in used.items():
        kind = _KINDS[name]
        say(f"To remove: {name}, {files:,} files, {size_in_words(size)}; {kind.then}")
    agree(yes, "Remove them?", "removed")
    for name, (_, size) in used.items():
        if kept := _KINDS[name].clear():
            say(f"{kept[0].name} and {len(kept) - 1} more are just being written, and stay.", "yellow")
        say(f"Removed {name}: {size_in_words(size)}.", "green")


def _clear_encoder(encoder: str, yes: bool) -> None:
    """Remove the features of one encoder, or of all of one name."""
    cache = user_cache()
    used = cache.usage()
    chosen = [one for one in used if encoder in (one.encoder, one.name)]
    if not chosen:
        known = {one.name for one in used} | {one.encoder for one in used}
        raise BenchError(unknown("encoder", encoder, known))
    blocks, size = (sum(numbers) for numbers in zip(*((o.blocks, o.size) for o in chosen), strict=True))
    say(f"To remove: {blocks:,} blocks of {len(chosen)} encoders, {size_in_words(size)}")
    agree(yes, "Remove them?", "removed")
    cache.clear(one.encoder for one in chosen)
    # Looked at again: files may not be ours to remove, and a run beside this one may just have made new ones.
    if left := sum(one.blocks for one in cache.usage() if one in chosen):
        raise BenchError(f"{left:,} blocks in {cache.folder} are there still, or again: may they be removed?")
    say(f"Removed {size_in_words(size)}.", "green")
