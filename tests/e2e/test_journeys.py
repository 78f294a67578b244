"""Five readers, five tutorials: each does what its page says, with what a page shows and nothing else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import tutorials
from caches import cache_with_sample
from command_line import BRIGHT, Bench
from golden import SHARED
from tutorials import Typed

from forenbench.testing import write_tiny_dataset

pytestmark = pytest.mark.slow

PAGES = sorted(tutorials.FOLDER.glob("*.md"))
MOST = 12
"""Commands in a journey."""
PUBLISHED = SHARED / "tiny_ladeda_forensynths.pth"


def ready(mirror: Path, command: Typed) -> Typed:
    """Fetch from a folder in place of the network."""
    if command.words[:2] == ("weights", "fetch"):
        return replace(command, words=(*command.words, "--mirror", str(mirror), "--yes"))
    return command


@pytest.mark.usefixtures("_own_metrics")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_reader_gets_there_by_what_the_page_shows(
    page: Path, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_with_sample(tmp_path / "cache")))  # weights are fetched
    write_tiny_dataset(tmp_path / "photos", ("flux", "sdxl"), images=3)
    text = page.read_text(encoding="utf-8")
    if "fetch tiny-ladeda" in text and not PUBLISHED.is_file():
        pytest.skip("the published weights are not at hand")
    if "theirs" in text:  # what was handed to the reader, made elsewhere
        (tmp_path / "bright.py").write_text(BRIGHT)
        assert bench("run", "--dataset", "photos", "--detectors", "./bright.py", "--out", "theirs").code == 0
    (tmp_path / "bright.py").unlink()
    if PUBLISHED.is_file():
        (tmp_path / "mirror").mkdir()
        shutil.copyfile(PUBLISHED, tmp_path / "mirror" / "ForenSynth_Tiny_LaDeDa.pth")
    typed = tutorials.follow(text, bench, partial(ready, tmp_path / "mirror"))
    assert 0 < len(typed) <= MOST
