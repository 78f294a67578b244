"""A run as CI asks for it: by a file, quietly, with a log, and its status says whether it is good enough."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Bench

pytestmark = pytest.mark.slow

CONFIG = """
detectors = ["./bright.py"]
dataset = "tiny"
limit = 2
readers = 0

[fail_below]
ap = 0.9
"""


def test_a_config_is_run_quietly_and_its_limits_decide_the_status(bench: Bench) -> None:
    Path("ci.toml").write_text(CONFIG)
    good = bench("run", "ci.toml", "-q", "--log-file", "log.txt")
    assert (good.code, good.err) == (0, "")
    assert "Accuracy and average precision" in good.out
    log = Path("log.txt").read_text()
    assert "bench run ci.toml -q --log-file log.txt" in log.splitlines()[0]
    assert "2 cells (detector × test set × perturbation), 0 of them done before" in log
    # what a run leaves asks for the same again, wherever it lies by then
    kept = Path("results/runs/tiny-limit2").rename("kept")
    again = bench("-v", "run", "kept/config.toml")
    assert again.code == 0
    assert "Nothing to compute: all 2 cells were done before." in again.err
    assert f"run folder {kept.resolve()}, " in again.err
    assert not list(Path("results/runs").iterdir())
    # what is typed beats the file
    bad = bench(
        "run",
        "kept/config.toml",
        "-q",
        "--fail-below",
        "real_acc=1",
        "--fail-below",
        "mean:ap=1",
        "--fail-above",
        "nll=0",
    )
    assert bad.code == 3
    assert bad.out == again.out
    assert bad.err.startswith(
        "error: 2 of 5 numbers are not as good as required:\n  bright (own) on tiny/alpha (none): "
    )
    assert bad.err.count("required: nll <= 0") == 2
    checked = bench("runs", "check", "kept", "--fail-below", "ap=0.9")
    assert (checked.code, checked.err) == (0, "All 2 numbers are as good as required.\n")
