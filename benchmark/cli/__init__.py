"""The command line: one thin function per command; the only place that prints."""

from __future__ import annotations


def main() -> None:
    """Run ``bench``."""
    from .app import run_app

    run_app()
