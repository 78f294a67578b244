"""Errors that name the value and the way out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

# One slash is left of two where an address has been through `Path`.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/{1,2}[^/]")


class BenchError(Exception):
    """A request that cannot be carried out; the message names the value and the way out.

    Attributes:
        exit_status: Of a command that ends with it.
    """

    exit_status = 2


class NotHere(BenchError):
    """Something that a detector needs is not on this machine: a checkpoint, a library."""


class RunFailed(BenchError):
    """Work that had begun and cannot go on; what is finished is kept."""

    exit_status = 1


def unknown(what: str, value: str, known: Iterable[str], listing: str = "") -> str:
    """Word an error for an unknown name, with the nearest known ones.

    Args:
        what: It should be, in words.
        value: The name.
        known: All that there are.
        listing: The command that lists them, where they are too many for a message.
    """
    known = sorted(set(known))
    # Lower than difflib's own 0.6, so that the first half of a name ("clip" of clip-vit-l14) finds it; in
    # lower case, as names here are, so that LGrad finds lgrad.
    close = difflib.get_close_matches(value.lower(), known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    every = f"'{listing}' shows all {len(known)}" if listing else f"Known: {', '.join(known)}"
    return f"unknown {what} '{value}': {hint}{every}"


def hint_at(path: str) -> str:
    """Say what to do about a path that leads nowhere, in words that follow it; empty where nothing is near.

    An address of the web is nothing that is opened here; of a path, the nearest names in its folder count.
    """
    if _ADDRESS.match(path):
        return "addresses are not taken: download it, then name the file or folder"
    parent, name = Path(path).parent, Path(path).name
    try:
        names = {one.name.lower(): one.name for one in parent.iterdir()}
    except OSError:
        return ""
    close = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.7)
    found = [str(parent / names[one]) for one in close]
    return f"did you mean {' or '.join(found)}?" if found else ""
