"""Shells complete names of commands, options, and what options take, as fast as a user waits for it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from forenbench.cli import completion

CODE = """
import json, os, sys
from forenbench.cli import main

sys.argv = ["bench"]
for environment in json.loads(sys.stdin.read()):
    os.environ |= environment
    try:
        main()
    except SystemExit:
        print("--")
print(*sorted({"torch", "pandas"} & set(sys.modules)))
"""


def answers(asked: list[dict[str, str]]) -> tuple[list[list[str]], list[str]]:
    """What a shell is told each time, and which heavy modules were loaded for it."""
    run = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, input=json.dumps(asked)
    )
    *told, loaded = run.stdout.split("--\n")
    return [one.split() for one in told], loaded.split()


def by_bash(*words: str) -> dict[str, str]:
    """How Bash asks: words with a line break between, the last one under the cursor."""
    line = {"COMP_WORDS": "\n".join(("bench", *words)), "COMP_CWORD": str(len(words))}
    return {"_BENCH_COMPLETE": "complete_bash", **line}


def test_bash_is_told_how_a_word_goes_on_without_loading_what_is_heavy() -> None:
    cases: list[tuple[list[str], list[str]]] = [
        (["lead"], ["leaderboard"]),
        (["train", "samp"], ["sample"]),
        (["run", "--detec"], ["--detectors"]),
        (["run", "--detectors", "univ"], ["univfd"]),
        (["run", "--detectors", "univfd", ":", "nn-k"], ["nn-k1", "nn-k3", "nn-k5", "nn-k9"]),
        (["run", "--detectors", "univfd", ":", "lc,tin"], ["lc,tiny-ladeda"]),
        (["run", "--detectors", "lgrad", "@"], ["published", "sample"]),
        (["run", "--dataset", "univfd-1"], ["univfd-19"]),
        (["run", "--perturbations", "none,jpeg-"], ["none,jpeg-cv2:"]),
        (["run", "--protocol", "aigib"], ["aigibench"]),
    ]
    assert answers([by_bash(*words) for words, _ in cases]) == ([told for _, told in cases], [])


def test_names_in_other_places_are_completed_too() -> None:
    cases = {
        ("table", "lgrad-3"): ["lgrad-3"],
        ("table", "acc"): ["acc-ap"],
        ("data", "fetch", "genim"): ["genimage"],
    }
    told, loaded = answers([by_bash(*words) for words in cases])
    assert told == list(cases.values())
    assert loaded == ["pandas"]


def test_zsh_and_fish_are_told_the_same() -> None:
    line = {
        "_TYPER_COMPLETE_ARGS": "bench run --detectors univfd:lc-",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    shells = [{"_BENCH_COMPLETE": f"complete_{shell}", **line} for shell in ("fish", "zsh")]
    (fish, zsh), _ = answers(shells)
    assert fish == ["univfd:lc-own"]
    assert '(("univfd\\\\:lc-own"))' in " ".join(zsh)


def asked(monkeypatch: pytest.MonkeyPatch, typed: str, names: list[str]) -> list[str]:
    monkeypatch.delenv("_FORENBENCH_COMPLETE_BEFORE", raising=False)
    return completion._completer(lambda: names, ",")(typed)


def test_variants_are_shown_once_their_detector_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["a", "a:one", "a:two", "ab", "paper:x"]
    assert asked(monkeypatch, "", names) == ["a", "ab", "paper:x"]
    assert asked(monkeypatch, "a", names) == ["a", "a:one", "a:two", "ab"]
    assert asked(monkeypatch, "ab,a:t", names) == ["ab,a:two"]
    assert asked(monkeypatch, "q@", names) == []


@pytest.mark.parametrize(
    ("words", "joined", "before"),
    [
        (["run", "a", ":", "b"], ["run", "b"], "a:"),
        (["run", "a", ":"], ["run", ""], "a:"),
        (["run", "a", ":", "b,c", "@", "d"], ["run", "d"], "a:b,c@"),
        (["run", "a", ":", "b", "--o"], ["run", "a:b", "--o"], ""),
        (["run", "a", ":", "b", ""], ["run", "a:b", ""], ""),
        (["run", "a", ":", ""], ["run", "a:", ""], ""),
        (["run", "'a b'", "c"], ["run", "'a b'", "c"], ""),
        (["run", "a:b"], ["run", "a:b"], ""),
    ],
)
def test_words_that_bash_splits_are_joined(words: list[str], joined: list[str], before: str) -> None:
    raw = "\n".join(["bench", *words])
    known = {"_BENCH_COMPLETE": "complete_bash", "COMP_WORDS": raw, "COMP_CWORD": str(len(words))}
    completion.join_words(known)
    assert known["COMP_WORDS"].rstrip() == " ".join(["bench", *joined]).rstrip()
    assert known["COMP_CWORD"] == str(len(joined))
    assert known["_FORENBENCH_COMPLETE_BEFORE"] == before
