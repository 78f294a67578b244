"""JSON documents, as every command with ``--format json`` prints them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

SCHEMA = 1
"""Of every document: raised when a program that reads an older one would go wrong."""


def document(kind: str, **content: object) -> str:
    """Write a JSON document.

    Args:
        kind: What it is: a table, a list of detectors.
        content: Its fields; frames become lists of their rows, and what is undefined null.
    """
    # In ASCII: names of others keep every sign of theirs for programs, and none of them reaches a terminal.
    return json.dumps({"schema": SCHEMA, "kind": kind} | plain(content), indent=1) + "\n"


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever is to be written
    """Make of a value what JSON can say: Python's own numbers, and None for NaN, infinity and pandas' NA."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    # Told by what they have, not by what they are: a list of detectors should not load pandas.
    if hasattr(value, "columns"):
        rows = zip(*(value[name].tolist() for name in value.columns), strict=True)
        return [dict(zip(map(str, value.columns), map(plain, row), strict=True)) for row in rows]
    if hasattr(value, "item"):  # a number of NumPy's
        return plain(value.item())
    return None if type(value).__name__ == "NAType" else str(value)
