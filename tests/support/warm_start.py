"""Starts of ``bench`` that need no seconds of imports: forked off a process that has made them once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from forking import FORKING

from forenbench.cli import main


class WarmStart:
    """``bench`` in a process and session of its own, and what tests ask of it."""

    def __init__(self, arguments: Sequence[str], folder: Path, env: Mapping[str, str], err: Path) -> None:
        """Start it in a folder; what it says goes to a new file."""
        self._err = err
        self._process = FORKING.Process(target=_call, args=(list(arguments), folder, dict(env), err))
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.exitcode

    def said(self) -> str:
        """Return what it has said so far on its standard error."""
        return self._err.read_text(encoding="utf-8") if self._err.exists() else ""

    def finish(self, seconds: float) -> str:
        """Wait for its end.

        Returns:
            What it said.

        Raises:
            subprocess.TimeoutExpired: It runs on.
        """
        self._process.join(seconds)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self._process.name, seconds, stderr=self.said().encode())
        return self.said()

    def wait_until_it_says(self, text: str, seconds: float = 120) -> None:
        """Wait for a text on its standard error."""
        begun = time.monotonic()
        while text not in self.said():
            assert self.returncode is None, self.said()
            assert time.monotonic() - begun < seconds, self.said()
            time.sleep(0.02)

    def interrupt(self) -> None:
        """Send it what Ctrl-C sends."""
        os.kill(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """Kill it at once; what it started may live on for a moment."""
        self._process.kill()
        self._process.join()


def _call(arguments: list[str], folder: Path, env: dict[str, str], err: Path) -> None:
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    sys.argv = ["bench", *arguments]
    main()
