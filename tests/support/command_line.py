"""What a call of the command line gives back, and a call outside of a test."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from forenbench.cli import main

BRIGHT = """
from forenbench.testing import Brightness


class Bright(Brightness):
    name = "bright"
"""
"""A detector's file."""


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Bench = Callable[..., Outcome]


def finish(folder: Path, *calls: list[str]) -> None:
    """Call ``bench`` in a folder, for fixtures that many tests share; each call must succeed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for arguments in calls:
            patch.setattr(sys, "argv", ["bench", *arguments])
            with pytest.raises(SystemExit) as stopped:
                main()
            assert not stopped.value.code
