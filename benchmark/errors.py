"""Errors that name the value and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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


def unknown(what: str, value: str, known: Iterable[str]) -> str:
    """Word an error for an unknown name, with the nearest known ones."""
    known = sorted(set(known))
    # Lower than difflib's own 0.6, so that the first half of a name ("clip" of clip-vit-l14) finds it; in
    # lower case, as names here are, so that LGrad finds lgrad.
    close = difflib.get_close_matches(value.lower(), known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    return f"unknown {what} '{value}': {hint}Known: {', '.join(known)}"
