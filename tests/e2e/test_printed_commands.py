"""Every command that a message names is typed as it is printed, and does what the message says of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_line import Bench
from PIL import Image
from printed_commands import Printed, printed

FILLED = {
    "{spec.name}{root_option_data_root}": "celebahq",
    "{spec.name}{where}": "celebahq",
    "{checkpoint.name}": "idinvert-bedroom",
    "{table.name}": "lgrad-3",
    "{place}": "photos",
    "real{score}": "real",
    "{quoted}": "photos",
    "{wanted}": "sample",
    "{pinned}": "tiny",
    "hf://datasets/ORG/NAME@REVISION": "sample",
    "{shown}": "./bright.py",
    "detector NAME": "mine",
    "fetch NAME": "idinvert-bedroom",
    "--perturbations NAME": "jpeg:75",
    "table NAME": "acc-ap",
    "--on RUN": "results/runs/tiny",
    "{shlex.quote_short_store.root}": "results/runs/tiny",
    "--card {plugin}": "gramnet",
    "--detector {detector}": "gramnet",
    "{.join_self.fetch}": "idinvert-bedroom",
    "{image.place}": "tiny",
}
"""What a message fills in, or a reader, in the folder that the test prepares."""

LACKS = r"(weights (of .*|'\S+' \([^)]+\)) are not here|nothing of table '\S+' can be run here)"
"""What a machine without published files says, after it has understood all of a command."""

ELSEWHERE = (
    "detectors/",
    "benchmark/cli/help_pages.py",
    "benchmark/cli/split.py",
    "benchmark/cli/train/__init__.py",
)
"""Tried elsewhere: what trains in test_papers.py and test_train.py, examples in test_examples.py, splits in
test_statistics.py."""

SMALL = {"--dataset": "tiny", "--detectors": "./bright.py"}
"""In place of the default, hundreds of images."""


def words_of(one: Printed) -> list[str]:
    """Fill in what a message or its reader does; a blank that the test does not know ends it."""
    words = list(one.words)
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        for key in (word, f"{before} {word}"):
            words[place] = FILLED.get(key, words[place])
        assert not re.search(r"[{}]|^[A-Z]+$", words[place]), f"{one}: what is {word}?"
    return words


@pytest.mark.slow
def test_every_command_that_a_message_names_runs(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/one.png").write_bytes(next((tmp_path / "tiny").rglob("*.png")).read_bytes())
    for path in (tmp_path / "tiny").rglob("*.png"):
        copy = tmp_path / "jpegs" / path.relative_to(tmp_path / "tiny")
        copy.parent.mkdir(parents=True, exist_ok=True)
        Image.open(path).save(copy.with_suffix(".jpg") if "real" in path.parent.name else copy)
    begin = bench(
        "run", "--detectors", "./bright.py", "--dataset", "tiny", "--equalise", "jpeg:96,fake=jpeg:96"
    )
    assert begin.code == 0, begin.err
    assert bench("data", "index", "tiny", "--out", "manifest.csv").code == 0
    wrong = {}
    for one in printed():
        if one.place.startswith(ELSEWHERE) or one.is_name or one.words[-1] == "…":
            continue
        words = words_of(one)
        if any("jpeg-like-reals" in word for word in words):
            words += ["--dataset", "jpegs"]  # the reals of "tiny" are PNG
        if words[0] == "run" and "--experiment" not in words:
            words += [word for pair in SMALL.items() if pair[0] not in words for word in pair]
        outcome = bench(*words)
        if outcome.code == 2 and not re.search(LACKS, " ".join(outcome.err.split())):
            wrong[str(one)] = outcome.err
    assert wrong == {}
