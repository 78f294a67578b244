"""What a detector says of itself, checked before anything rests on it."""

from __future__ import annotations

from collections.abc import Collection
from reprlib import repr as short
from sys import float_info
from typing import Any

from forenbench.errors import BenchError
from forenbench.registry.guests import contained, reason

_LONGEST = 100
"""Characters of a name or a version; a file is called by the former, and tables have a column for it."""


def problem(detector: Any) -> str:  # noqa: ANN401 - whatever a plugin made
    """Say what is wrong with a detector's attributes and methods, in words that follow its name; else ''."""
    # They may be properties, whose code can do anything: fail, or end the process.
    try:
        with contained():
            # With an encoder, `prepare` is the encoder's: the detector's own would never be called.
            encoder = getattr(detector, "encoder", None)
            holder = detector if encoder is None else encoder
            prepare = "prepare" if getattr(holder, "prepare_bytes", None) is None else "prepare_bytes"
            if prepare == "prepare_bytes" and getattr(holder, "prepare", None) is not None:
                return "has both 'prepare' and 'prepare_bytes': leave one out"
            own = ("score",) if encoder is not None else (prepare, "score")
            for attribute in ("name", "version", "threshold", *own):
                if not hasattr(detector, attribute):
                    return f"has no '{attribute}'"
            methods = {name: getattr(detector, name) for name in reversed(own)}
            if encoder is not None:
                # What `encode` gives is what detectors that name no output read.
                called = (prepare, "outputs" if getattr(detector, "output", "") else "encode")
                methods |= {f"encoder.{name}": getattr(encoder, name, None) for name in called}
            for name, method in methods.items():
                if not callable(method):
                    return f"has no method '{name}'"
            return _wrong(detector)
    except Exception as error:
        return f"has attributes that cannot be read: {reason(error)}"


def asks_network(thing: object) -> bool:
    """Say whether a plugin, a detector or its encoder states that it sends images over the network."""
    # Exactly True: many a detector calls its own neural network so.
    return any(getattr(one, "network", False) is True for one in (thing, getattr(thing, "encoder", None)))


def refuse_network(thing: object, what: str, allowed: bool) -> None:
    """Refuse what states that it sends images over the network, unless the user said that it may.

    Raises:
        BenchError: It does, and may not.
    """
    if asks_network(thing) and not allowed:
        raise BenchError(
            f"detector {what} sends images over the network (it states network = True), and nothing is sent "
            "unasked: add --allow-network to 'bench run', 'bench score' or 'bench check detector' "
            "(allow_network=True in Python)"
        )


def _wrong(detector: Any) -> str:  # noqa: ANN401 - whatever a plugin made
    """Name the first attribute that is not what it must be."""
    for attribute in ("name", "version"):
        value = getattr(detector, attribute)
        if not isinstance(value, str) or not value.strip():
            flaw = "empty" if value == "" else "not a text"
        # Line ends, colour codes, marks that turn the reading direction, halves of characters: such a name
        # would spoil a table, or could not be written to a file at all.
        elif not value.isprintable() or value != value.strip():
            flaw = "with characters that cannot be seen"
        elif len(value) > _LONGEST:
            flaw = f"longer than {_LONGEST} characters"
        else:
            continue
        return f"has {attribute} {short(value)}: {flaw}"
    if "/" in detector.name or "\\" in detector.name:
        return f"has name {short(detector.name)}: with a slash it would be taken for a file's"
    # JSON has neither infinities nor NaN, no float is as large as a whole number can be, and True is an int.
    threshold = detector.threshold
    is_number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    if not is_number or not abs(threshold) <= float_info.max:
        return f"has threshold {short(threshold)}: not a finite number"
    names = getattr(detector, "trained_on", ())
    if not isinstance(names, Collection) or not all(isinstance(name, str) for name in names):
        return f"has trained_on {short(names)}: not a list of names"
    identity = getattr(getattr(detector, "encoder", None), "identity", "")
    for attribute, text in (("output", getattr(detector, "output", "")), ("encoder.identity", identity)):
        if not isinstance(text, str):
            return f"has {attribute} {short(text)}: not a text"
    return ""
