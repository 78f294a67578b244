"""The notebook of the docs runs, and shows what it showed when it was written."""

from __future__ import annotations

import json
from pathlib import Path

import notebook
import pytest

FILE = Path(__file__).parents[2] / "docs" / "quickstart.ipynb"
WRITTEN, TRIED = 12, 4
"""Images of each label: those of the notebook, and fewer, which take a third of the time."""


@pytest.mark.slow
def test_every_cell_of_the_notebook_runs_and_shows_what_it_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = FILE.read_text(encoding="utf-8")
    for limit in "limit=", "sample-limit":
        assert f"{limit}{WRITTEN}" in text
        text = text.replace(f"{limit}{WRITTEN}", f"{limit}{TRIED}")
    written = json.loads(text)
    cells = [cell for cell in written["cells"] if cell["cell_type"] == "code"]
    kept = [set(output["data"]) for cell in cells for output in cell["outputs"]]
    shown = notebook.run(written)
    assert [set(outputs) for outputs in shown] == kept
    assert "<table" in shown[0]["text/html"]
    assert (tmp_path / "report.html").stat().st_size > 100_000
    told = shown[0]["text/html"]
    assert all(f">{name}</th>" in told for name in ("lgrad:nearest-gan", "univfd:lc", "Mean"))
