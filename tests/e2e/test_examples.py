"""Every example at the end of a command's help is typed as it stands."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from command_line import Bench
from PIL import Image, ImageOps

from forenbench.cli.help_pages import EXAMPLES

pytestmark = pytest.mark.slow

ELSEWHERE = ("bench weights fetch --detector univfd:lc", "bench check detector ./mine.py")
"""The network is not asked here, and the contract of a detector is tried in test_adding.py."""
NEEDS_WEIGHTS = ("--detectors tiny-ladeda,./mine.py", "--detectors univfd:lc")


def test_each_example_of_the_help_runs(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "tiny").rename(tmp_path / "photos")
    (tmp_path / "bright.py").rename(tmp_path / "mine.py")
    paths = [path.relative_to(tmp_path) for path in sorted(tmp_path.glob("photos/*/*/*.png"))]
    for path in paths:  # other images of the same generators
        turned = tmp_path / "validation" / path.relative_to("photos")
        turned.parent.mkdir(parents=True, exist_ok=True)
        ImageOps.invert(Image.open(path)).save(turned)
    (tmp_path / "photo.png").write_bytes((tmp_path / paths[0]).read_bytes())
    rows = [f"{path},{int('fake' in path.parent.name)},{at % 7 / 7}" for at, path in enumerate(paths)]
    (tmp_path / "scores.csv").write_text("\n".join(["path,label,score", *rows]))
    assert bench("run", "--dataset", "validation", "--checkpoints", "sample").code == 0
    wrong = {}
    for example in [one for examples in EXAMPLES.values() for one in examples if one not in ELSEWHERE]:
        outcome = bench(*shlex.split(example)[1:])
        lacks = any(words in example for words in NEEDS_WEIGHTS) and "are not here" in outcome.err
        if outcome.code and not lacks:
            wrong[example] = outcome.err
    assert wrong == {}
