"""What a detector says of itself, checked before anything rests on it."""

from __future__ import annotations

from collections.abc import Collection
from reprlib import repr as short
from sys import float_info
from typing import Any

from forenbench.registry.guests import contained, reason

_LONGEST = 100
"""Characters of a name or a version; a file is called by the former, and tables have a column for it."""


def problem(detector: object) -> str:
    """Say what is wrong with a detector's attributes and methods, in words that follow its name; else ''."""
    # They may be properties, whose code can do anything: fail, or end the process.
    try:
        with contained():
            return _missing(detector) or _wrong(detector)
    except Exception as error:
        return f"has attributes that cannot be read: {reason(error)}"


def _missing(detector: Any) -> str:  # noqa: ANN401 - whatever a plugin made
    """Name the first attribute that is not there, or method that cannot be called."""
    # With an encoder, `prepare` is the encoder's: the detector's
    # own would never be called, and need not be there.
    encoder = getattr(detector, "encoder", None)
    for attribute in ("name", "version", "threshold", *([] if encoder is not None else ["prepare"]), "score"):
        if not hasattr(detector, attribute):
            return f"has no '{attribute}'"
    methods = [("score", detector.score)]
    if encoder is None:
        methods += [("prepare", detector.prepare)]
    else:
        methods += [(f"encoder.{name}", getattr(encoder, name, None)) for name in ("prepare", "encode")]
    return next((f"has no method '{name}'" for name, found in methods if not callable(found)), "")


def _wrong(detector: Any) -> str:  # noqa: ANN401 - whatever a plugin made
    """Name the first attribute that is not what it must be."""
    for attribute in ("name", "version"):
        if flaw := _flaw(getattr(detector, attribute)):
            return f"has {attribute} {short(getattr(detector, attribute))}: {flaw}"
    if "/" in detector.name or "\\" in detector.name:
        return f"has name {short(detector.name)}: with a slash it would be taken for a file's"
    # JSON has neither infinities nor NaN, no float is as large as a whole number can be, and True is an int.
    threshold = detector.threshold
    is_number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    if not is_number or not abs(threshold) <= float_info.max:
        return f"has threshold {short(threshold)}: not a finite number"
    names = getattr(detector, "trained_on", ())
    if not isinstance(names, Collection) or not all(isinstance(one, str) for one in names):
        return f"has trained_on {short(names)}: not a list of names"
    identity = getattr(getattr(detector, "encoder", None), "identity", "")
    return "" if isinstance(identity, str) else f"has encoder.identity {short(identity)}: not a text"


def _flaw(value: object) -> str:
    """Say why a value is no name that can be printed and stored."""
    if not isinstance(value, str) or not value.strip():
        return "not a text" if value != "" else "empty"
    # Line ends, colour codes, marks that turn the reading direction, halves of characters: such a name would
    # spoil a table, or could not be written to a file at all.
    if not value.isprintable() or value != value.strip():
        return "with characters that cannot be seen"
    return f"longer than {_LONGEST} characters" if len(value) > _LONGEST else ""
