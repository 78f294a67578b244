"""``bench audit``: what it prints, stores and draws."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from command_line import Bench
from PIL import Image
from planted_files import write

from forenbench.types import FAKE, REAL


@pytest.fixture
def planted(tmp_path: Path) -> None:
    for generator, seed in (("gan", 0), ("diffusion", 200)):
        write(tmp_path / "planted" / generator, REAL, range(seed, seed + 12), ".jpg", quality=75)
        write(tmp_path / "planted" / generator, FAKE, range(seed + 100, seed + 112), ".png")


@pytest.mark.usefixtures("planted")
def test_the_baseline_stands_beside_the_detectors(bench: Bench) -> None:
    assert bench("run", "--detectors", "./bright.py", "--dataset", "planted").code == 0
    outcome = bench("audit", "planted")
    assert outcome.code == 0
    assert "WARNING: gan: every fake is PNG and every real JPEG: a detector needs no pixel." in outcome.out
    assert "mean" in outcome.out
    assert "In results/runs/planted/scores/: rows of metadata-only on 2 test sets" in outcome.err
    table = bench("table", "cells", "results/runs/planted", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(table.out)))
    assert [row["detector"] for row in rows] == ["bright", "metadata-only"] * 2
    assert [row["AUROC"] for row in rows if row["detector"] == "metadata-only"] == ["100.0"] * 2
    assert "metadata-only is no detector" in table.err
    board = bench("leaderboard", "results/runs/planted").out
    assert "| metadata-only |" in board.splitlines()[2]
    assert "36 cells" not in bench("run", "--detectors", "./bright.py", "--dataset", "planted").err


@pytest.mark.usefixtures("planted")
def test_json_and_csv_hold_what_the_text_does(bench: Bench) -> None:
    found = json.loads(bench("audit", "planted", "--format", "json").out)
    assert [line["auroc"] for line in found["baseline"]] == [1, 1]
    assert found["properties"][1]["container"] == "PNG 12"
    assert len(found["warnings"]) >= 2
    files = list(csv.DictReader(io.StringIO(bench("audit", "planted", "--format", "csv").out)))
    assert len(files) == 48
    assert {row["table"] for row in files} == {"IJG 75", ""}


def test_some_files_have_a_run_folder_of_their_own(bench: Bench) -> None:
    assert bench("audit", "tiny", "--limit", "2", "--generators", "alpha").code == 0
    assert list(Path("results/runs").iterdir()) == [Path("results/runs/tiny-limit2")]


def test_the_picture_is_written(bench: Bench) -> None:
    outcome = bench("audit", "tiny", "--figure", "shapes.png", "--out", "run")
    assert "wrote shapes.png" in outcome.err
    with Image.open("shapes.png") as picture:
        assert picture.width > 1000
    assert Path("run/scores/tiny").is_dir()


def test_training_data_are_looked_through(bench: Bench) -> None:
    outcome = bench("audit", "tiny", "--against", "tiny", "--format", "json")
    exact = [line for line in json.loads(outcome.out)["duplicates"] if line["kind"] == "exact"]
    assert [line["training"] for line in exact] == [8, 8]


def test_one_label_has_nothing_to_be_compared_with(bench: Bench) -> None:
    write(Path("reals"), REAL, range(4), ".png")
    outcome = bench("audit", "reals")
    assert outcome.code == 0
    assert "Nothing to compare: no test set has whole images of both labels." in outcome.out
    assert "No shortcut found" not in outcome.out
    assert "No shortcut found" in bench("audit", "tiny").out


def test_broken_files_are_named(bench: Bench) -> None:
    Path("tiny/beta/1_fake/9.png").write_bytes(b"")
    outcome = bench("audit", "tiny")
    assert outcome.code == 1
    assert "beta/1_fake/9.png" in outcome.out
    assert "zero bytes" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tiny", "--format", "xml"), "format 'xml' is none of text, csv, json"),
        (("tiny", "--distance", "40"), "distance 40 is not from 0 to 16"),
        (("tiny", "./tiny"), "2 test sets are called 'tiny/alpha'"),
        (("nowhere",), "unknown dataset 'nowhere'"),
        (("tiny", "--against", "nowhere"), "unknown dataset 'nowhere'"),
        (("tiny", "--generators", "alpa"), "alpha"),
    ],
)
def test_bad_requests(bench: Bench, arguments: tuple[str, ...], message: str) -> None:
    outcome = bench("audit", *arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert not Path("results").exists()


def test_an_equalised_run_shows_the_drop(bench: Bench) -> None:
    outcome = bench("run", "--detectors", "./bright.py", "--dataset", "tiny", "--equalise", "jpeg:96,size")
    assert outcome.code == 0
    assert "equalised: none, jpeg:96, square:21" in outcome.err
    assert "equalised, each as .csv, .tidy.csv and .md" in outcome.err
    table = bench("table", "equalised", "results/runs/tiny", "--format", "csv")
    assert table.code == 0
    assert "square:21,bright,own,beta" in table.out


def test_a_run_that_is_not_equalised_has_no_such_table(bench: Bench) -> None:
    run = bench("run", "--detectors", "./bright.py", "--dataset", "tiny")
    assert not Path("results/runs/tiny/tables/equalised.csv").exists()
    assert "equalised" not in run.err
    outcome = bench("table", "equalised", "results/runs/tiny")
    assert outcome.code == 2
    assert "bench run --equalise jpeg:96" in outcome.err


def test_only_re_encodings_equalise(bench: Bench) -> None:
    outcome = bench("run", "--detectors", "./bright.py", "--dataset", "tiny", "--equalise", "blur:1.0")
    assert outcome.code == 2
    assert "does not make files alike" in outcome.err
    assert not Path("results").exists()
