"""Text for pages in Markdown that are made of what files state: detectors' cards, datasets' descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill

_WIDTH = 120


def wrapped(text: str, indent: str = "") -> str:
    """Break a text into lines, all but the first indented."""
    # Addresses and commits stay whole: they are there to be copied.
    return fill(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def items(facts: Mapping[str, str]) -> str:
    """Write a list of facts, each behind its name; of an empty one, nothing."""
    return "\n".join(wrapped(f"* **{name}**: {text}", "  ") for name, text in facts.items() if text)
