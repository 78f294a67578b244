"""What a detector says of itself is looked at before anything runs, and named in plain words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from forenbench.plugins.attributes import problem
from forenbench.testing import Brightness


class Encoder:
    def prepare(self, image: object) -> None: ...

    def encode(self, batch: object) -> None: ...


class Outputs:
    """Has no `encode`: nobody reads what it would give."""

    def prepare(self, image: object) -> None: ...

    def outputs(self, batch: object, names: object) -> None: ...


def detector(**attributes: object) -> Brightness:
    """A sound detector but for these."""
    made = Brightness()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def test_sound_detectors_have_no_problem() -> None:
    for attributes in (
        {},
        {"name": "univfd:nn-k9 (mine), été"},
        {"name": "n" * 100, "version": "2026-11-28, v1"},
        {"threshold": 0},
        {"threshold": np.float64(-3.5)},
        {"trained_on": "progan"},
        {"trained_on": ("progan", "lsun")},
        {"trained_on": {"progan"}},
        {"encoder": Encoder(), "prepare": None},
        {"encoder": None},
        {"encoder": Outputs(), "output": "tokens"},
    ):
        assert problem(detector(**attributes)) == "", attributes


def test_what_an_attribute_may_not_be_is_named_with_its_value() -> None:
    cases: list[tuple[str, Any, str]] = [
        ("name", 7, "has name 7: not a text"),
        ("name", None, "has name None: not a text"),
        ("name", "", "has name '': empty"),
        ("name", "  ", "not a text"),
        ("name", "n" * 101, "longer than 100 characters"),
        ("name", "a\nb", "characters that cannot be seen"),
        ("name", "a\x1b[31m", "characters that cannot be seen"),
        ("name", "\u202egnp.exe", "characters that cannot be seen"),
        ("name", "\udc80", "characters that cannot be seen"),
        ("name", " a", "characters that cannot be seen"),
        ("name", "a/b", "with a slash it would be taken for a file's"),
        ("name", "a\\b", "with a slash it would be taken for a file's"),
        ("version", object(), "not a text"),
        ("version", 1, "has version 1: not a text"),
        ("version", "", "has version '': empty"),
        ("threshold", "0.5", "has threshold '0.5': not a finite number"),
        ("threshold", None, "not a finite number"),
        ("threshold", True, "not a finite number"),
        ("threshold", math.nan, "has threshold nan: not a finite number"),
        ("threshold", -math.inf, "not a finite number"),
        ("threshold", 10**400, "not a finite number"),
        ("threshold", 1j, "not a finite number"),
        ("threshold", np.float32(0.5), "not a finite number"),
        ("trained_on", 5, "has trained_on 5: not a list of names"),
        ("trained_on", ["progan", 5], "not a list of names"),
        ("trained_on", None, "not a list of names"),
        ("score", None, "has no method 'score'"),
        ("prepare", 5, "has no method 'prepare'"),
        ("encoder", object(), "has no method 'encoder.prepare'"),
        ("output", 3, "has output 3: not a text"),
    ]
    for attribute, value, words in cases:
        assert words in problem(detector(**{attribute: value})), (attribute, value)
    half = Encoder()
    half.encode = None  # type: ignore[method-assign, assignment]
    assert problem(detector(encoder=half)) == "has no method 'encoder.encode'"
    assert problem(detector(encoder=Encoder(), output="tokens")) == "has no method 'encoder.outputs'"
    half = Encoder()
    half.identity = b"bytes"  # type: ignore[attr-defined]
    assert "has encoder.identity b'bytes': not a text" in problem(detector(encoder=half))


def test_a_missing_attribute_is_named() -> None:
    for attribute in ("name", "version", "threshold"):
        kind = type("Without", (), {k: v for k, v in vars(Brightness).items() if k != attribute})
        assert problem(kind()) == f"has no '{attribute}'"


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(0)])
def test_an_attribute_that_cannot_be_read_is_a_problem_and_no_crash(error: BaseException) -> None:
    class Fails(Brightness):
        @property
        def name(self) -> str:  # type: ignore[override]
            raise error

    assert "has attributes that cannot be read" in problem(Fails())
