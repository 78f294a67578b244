"""The command line: one thin function per command; the only place that prints."""

from __future__ import annotations


def main() -> None:
    """Run ``bench``."""
    # Not at the top: importing one command's module imports this one first, and needs no application.
    from .app import run_app

    run_app()
