"""Nothing that a detector does ends the process that it is in, but Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from forenbench.registry.guests import ProcessExit, contained, reason


def test_what_would_end_the_process_is_an_error_that_says_so() -> None:
    for leave, words in (
        (lambda: sys.exit(0), r"sys.exit\(0\) was called"),
        (sys.exit, r"sys.exit\(\) was called"),
        (lambda: sys.exit("no model"), r"sys.exit\(no model\) was called"),
        (lambda: os._exit(0), r"os._exit\(0\) was called"),
    ):
        with pytest.raises(ProcessExit, match=words), contained():
            leave()


def test_what_is_no_exception_is_one_all_the_same_and_errors_stay_as_they_are() -> None:
    for error in (asyncio.CancelledError("late"), GeneratorExit("late"), BaseException("late")):
        with pytest.raises(ProcessExit, match=f"{type(error).__name__}: late"), contained():
            raise error
    for kind in (ValueError, KeyboardInterrupt):
        with pytest.raises(kind, match="mine"), contained():
            raise kind("mine")


def test_outside_and_after_a_detector_the_process_ends_as_it_wants_to() -> None:
    code = (
        "import os\nfrom forenbench.registry.guests import contained\n"
        "with contained():\n  with contained(): pass\n"
        "  try: os._exit(3)\n  except Exception: print('contained', flush=True)\n"
        "os._exit(7)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (7, "contained\n")


def test_a_process_that_a_detector_forks_ends_as_it_wants_to() -> None:
    code = (
        "import os\nfrom forenbench.registry.guests import contained\n"
        "with contained():\n  child = os.fork()\n  if not child: os._exit(5)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "5\n"), run.stderr


def test_an_error_without_words_is_named_by_its_kind() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    assert reason(Mute()) == "Mute"
    assert reason(ValueError("one\ntwo")) == "ValueError: one"
    assert reason(KeyError()) == "KeyError"
