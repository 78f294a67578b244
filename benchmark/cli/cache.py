"""``bench cache``: what the kept features take, and how to get rid of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from forenbench.errors import BenchError, unknown
from forenbench.scoring.features import SIZE, Usage, user_cache
from forenbench.weights.wording import size_in_words

from .console import say, short, show
from .transfers import agree

app = typer.Typer(help="Show or clear the features that encoders left on disk.", no_args_is_help=True)

_ENCODER = (
    "Only this encoder's, as 'bench cache show' names it; its name without the digest means all of that name."
)


@app.command("show")
def listing() -> None:
    """Show where features are kept, how much they take by encoder, and the limit."""
    cache = user_cache()
    used = cache.usage()
    limit = size_in_words(cache.limit) if cache.limit else "off"
    show(f"folder   {short(cache.folder)}")
    show(f"blocks   {_blocks(used):,}")
    show(f"used     {size_in_words(_size(used))}")
    show(f"limit    {limit} ({SIZE})")
    for one in used:
        show(f"{one.encoder}: {one.blocks:,} blocks, {size_in_words(one.size)}")


@app.command()
def clear(
    encoder: Annotated[str, typer.Option(help=_ENCODER)] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
) -> None:
    """Remove features; the next run that needs them computes them again."""
    cache = user_cache()
    used = cache.usage()
    if not used:  # before the name is looked at: no encoder is known here, and none is misspelt
        say(f"Nothing is kept in {short(cache.folder)}.")
        return
    chosen = [one for one in used if encoder in ("", one.encoder, one.name)]
    if not chosen:
        known = {one.name for one in used} | {one.encoder for one in used}
        raise BenchError(unknown("encoder", encoder, known))
    say(f"To remove: {_blocks(chosen):,} blocks of {len(chosen)} encoders, {size_in_words(_size(chosen))}")
    agree(yes, "Remove them?", "removed")
    names = {one.encoder for one in chosen}
    cache.clear(names)
    # Looked at again: files may not be ours to remove, and a run beside this one may just have made new ones.
    left = _blocks([one for one in cache.usage() if one.encoder in names])
    if left:
        raise BenchError(f"{left:,} blocks in {cache.folder} are there still, or again: may they be removed?")
    say(f"Removed {size_in_words(_size(chosen))}.", "green")


def _blocks(used: Sequence[Usage]) -> int:
    return sum(one.blocks for one in used)


def _size(used: Sequence[Usage]) -> int:
    return sum(one.size for one in used)
