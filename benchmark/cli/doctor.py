"""``bench doctor``: versions, devices, room, caches, weights and settings, for a report of a fault."""

from __future__ import annotations

import textwrap

from forenbench.files.json_documents import document
from forenbench.front.doctor import diagnose
from forenbench.printable import printable

from . import options as o
from .console import show, width

_COLUMNS, _INDENT = 80, 10


def doctor(style: o.ListStyle = "text") -> None:
    """Show what a report of a fault needs: versions, devices, room, caches, weights, settings.

    Home folders stand as ~, and of what may be a secret only that it is set.
    """
    found = diagnose()
    if style == "json":
        show(document("doctor", **found))
        return
    for subject, words in found.items():
        text = "; ".join(f"{name} {value}" for name, value in words.items()) or "none"
        lines = textwrap.wrap(printable(text), (width() or _COLUMNS) - _INDENT, break_on_hyphens=False)
        show(textwrap.indent("\n".join(lines), " " * _INDENT).replace(" " * len(subject), subject, 1))
