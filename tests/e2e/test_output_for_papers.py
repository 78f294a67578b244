"""What papers and programs take from a run: tables in every format, figures, JSON of every command."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Bench

pytestmark = pytest.mark.slow
RUN = "results/runs/tiny"


def read(text: str, kind: str) -> dict[str, Any]:
    """Read a document, as a program does that knows its schema."""
    found: dict[str, Any] = json.loads(text)
    assert (found["schema"], found["kind"]) == (1, kind)
    return found


def test_a_run_is_ready_for_papers_and_programs(bench: Bench) -> None:
    levels = ("--perturbations", "none,jpeg:90,jpeg:50")
    ran = bench("run", "--detectors", "./bright.py", "--dataset", "tiny", *levels, "--format", "json")
    assert ran.code == 0, ran.err
    values = read(ran.out, "table")["values"]
    assert {value["detector"] for value in values} == {"bright"}
    with Path(RUN, "tables/acc-ap.tidy.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == sum(not isinstance(value["value"], str) for value in values)

    chosen = ("--metric", "auroc", "--rename", "bright=Bright,auroc=x")
    refused = bench("table", "acc-ap", RUN, *chosen)
    assert refused.code == 2
    assert "unknown name in table 'acc-ap' 'auroc'" in refused.err
    names = "bright=Our (own),AUROC=AUC"
    chosen = ("--metric", "auroc", "--digits", "2", "--rename", names, "--no-intervals")
    latex = bench("table", "acc-ap", RUN, *chosen, "--format", "latex", "--wide", "--label", "tab:own").out
    assert "Our (own) & own & " in latex
    assert r"\begin{table*}" in latex
    assert r"\label{tab:own}" in latex
    assert "AUC" in bench("table", "acc-ap", RUN, *chosen, "--transpose", "--format", "markdown").out
    assert "are for format 'latex'" in bench("table", "acc-ap", RUN, "--fit").err
    assert bench("table", "acc-ap", RUN, "--format", "docx").code == 2

    board = read(bench("leaderboard", RUN, "--format", "json").out, "leaderboard")
    assert [row["rank"] for row in board["detectors"]] == [1, 1, 1]
    for kind in ("roc", "heat", "robustness"):
        drawn = bench("plot", kind, RUN, "--out", f"figures/{kind}.pdf", "--rename", "bright=Ours")
        assert drawn.code == 0, drawn.err
        assert f"wrote figures/{kind}.pdf" in drawn.err
        assert Path(f"figures/{kind}.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.usefixtures("_own_metrics")
def test_a_metric_of_a_file_is_added_to_a_table_or_chosen_beside_names(bench: Bench) -> None:
    """Alone it stands beside the table's own, as it always has."""
    Path("fooled.py").write_text(METRIC)
    assert bench("run", "--detectors", "./bright.py", "--dataset", "tiny").code == 0
    added = bench("table", "cells", RUN, "--metric", "./fooled.py").out
    assert "Fooled" in added
    assert "AUROC" in added
    chosen = bench("table", "cells", RUN, "--metric", "eer,./fooled.py").out
    assert "Fooled" in chosen
    assert "EER" in chosen
    assert "AUROC" not in chosen


METRIC = """
from forenbench.metrics.metric import DecisionMetric
from forenbench.metrics.terms import Term

FOOLED = DecisionMetric(
    name="fooled",
    label="Fooled",
    term=Term("Fooled", ("fooled",), "share of reals called fake"),
    judge=lambda made: made.false_positives / made.reals,
    headings={"cells": "Fooled"},
)
"""


@pytest.mark.parametrize(
    ("what", "name", "field", "known"),
    [
        ("detectors", "detectors", "detector", "lgrad"),
        ("datasets", "datasets", "dataset", "sample"),
        ("datasets", "suites", "suite", "univfd-19"),
        ("perturbations", "kinds", "perturbation", "jpeg:Q"),
        ("perturbations", "profiles", "profile", "facebook"),
        ("protocols", "protocols", "protocol", "dda"),
        ("tables", "tables", "table", "acc-ap"),
        ("metrics", "metrics", "metric", "auroc"),
        ("engines", "engines", "engine", "local"),
        ("weights", "weights", "checkpoint", "cnndetection-0.5"),
    ],
)
def test_lists_are_data_for_programs(bench: Bench, what: str, name: str, field: str, known: str) -> None:
    listed = read(bench("list", what, "--format", "json").out, what)
    assert known in {row[field] for row in listed[name]}
    assert bench("list", what, "--format", "xml").code == 2


def test_data_that_is_not_here_is_told_to_programs_too(bench: Bench) -> None:
    outcome = bench("data", "check", "forensynths", "--format", "json")
    assert outcome.code == 1
    (found,) = read(outcome.out, "data check")["datasets"]
    assert (found["dataset"], found["whole"]) == ("forensynths", False)
    assert found["problem"]
