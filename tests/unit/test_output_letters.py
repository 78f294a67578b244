"""Output is written whatever letters it holds, where the system's encoding lacks some."""

from __future__ import annotations

import io
import sys

import pytest

from forenbench.cli import main


@pytest.mark.parametrize(
    ("asked", "encoding", "sigma"),
    [(None, "utf-8", "\N{GREEK SMALL LETTER SIGMA}"), ("cp1252", "cp1252", r"\u03c3")],
)
def test_letters_that_a_code_page_lacks_are_written(
    asked: str | None, encoding: str, sigma: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where what goes to a file is in a code page; what the user asked for is kept."""
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    if asked:
        monkeypatch.setenv("PYTHONIOENCODING", asked)
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252"))
    monkeypatch.setattr(sys, "argv", ["bench", "list", "perturbations"])
    with pytest.raises(SystemExit) as ended:
        main()
    sys.stdout.flush()
    assert not ended.value.code
    assert sigma in written.getvalue().decode(encoding)
