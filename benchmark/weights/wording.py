"""What is known of a file to download, in words."""

from __future__ import annotations

import re

from rich.filesize import decimal


def size_in_words(size: int | None) -> str:
    """Word a number of bytes that may not be known."""
    return "size not known" if size is None else decimal(size)


def licence_in_words(licence: str) -> str:
    """Add to a licence's name what matters most to who downloads."""
    if re.search(r"\bNC\b", licence):  # as in CC BY-NC 4.0; not the NC of another word
        return f"{licence}: no commercial use"
    if licence == "none stated":  # copyright's default (Berne Convention, article 5), which few expect
        return "no licence stated: all rights are the authors'"
    return licence
