"""Bars of progress: they move on a terminal, and elsewhere are lines."""

from __future__ import annotations

import pytest

from forenbench.front import bars


def test_bars_move_on_terminals_alone_whoever_asks_for_colours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Jupyter's kernel sets FORCE_COLOR, and shows what a bar writes over itself as a hundred bars."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    with bars.RunProgress() as progress:
        progress.files("reading", 1, 2)
        progress.begin(3, 1, 40)
        progress.advance(20)
    said = capsys.readouterr().err
    assert "reading: 2 images\n" in said
    assert "3 cells" in said
    assert "\r" not in said
    assert "\x1b[2K" not in said
