"""The command line: one thin function per command; the only place that prints."""

from __future__ import annotations

import io
import os
import sys


def main() -> None:
    """Run ``bench``."""
    # Not at the top: importing one command's module imports this one first, and needs no application.
    from .app import run_app

    # As UTF-8, for Windows' code pages lack letters that tables have. An encoding that the user asked for is
    # kept, and what it lacks is written as an escape.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
            wanted = None if "PYTHONIOENCODING" in os.environ else "utf-8"
            stream.reconfigure(encoding=wanted, errors="backslashreplace")
    run_app()
