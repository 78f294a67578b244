"""The front door of Python: what a program asks for is what ``bench run`` gets, and nothing is mixed up."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import fields
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from command_line import BRIGHT, finish
from torch import Tensor

import forenbench
from forenbench import BenchError, Results, Table, evaluate, load_results, score
from forenbench.cli.run import run
from forenbench.front.arguments import (
    ImageChoice,
    ImageOptions,
    LoadChoice,
    LoadOptions,
    RunChoice,
    RunOptions,
)
from forenbench.front.importing import ImportOptions, ScoreImport
from forenbench.front.rule_options import RuleOptions
from forenbench.plugins.own import OwnDetector
from forenbench.testing import Brightness, write_tiny_dataset
from forenbench.types import Detector

OPTIONS = (RuleOptions, ImageOptions, LoadOptions, RunOptions)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny dataset and a detector's file, and what ``bench run`` makes of both."""
    folder = tmp_path_factory.mktemp("front")
    write_tiny_dataset(folder / "tiny")
    (folder / "bright.py").write_text(BRIGHT)
    asked = ["--detectors", "./bright.py", "--dataset", "tiny", "--perturbations", "none,jpeg:75"]
    finish(folder, ["run", *asked, "--limit", "2", "--out", "typed"])
    return folder


@pytest.fixture
def here(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with the same dataset and detector in it."""
    for name in ("tiny", "bright.py", "typed"):
        (tmp_path / name).symlink_to(folder / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows_of(run: Path) -> dict[str, bytes]:
    found = {str(file.relative_to(run)): file.read_bytes() for file in run.rglob("*.parquet")}
    assert found
    return found


def identities(results: Results) -> list[str]:
    (store,) = results._stores
    return [record.identity.code for record in store.records()]


@pytest.mark.slow
def test_a_request_in_python_gives_the_very_rows_of_the_command_line(here: Path) -> None:
    asked = {"perturbations": ["none", "jpeg:75"], "limit": 2, "progress": False}
    results = evaluate("./bright.py", "tiny", **asked)  # type: ignore[arg-type]
    assert results.out == Path("results/runs/tiny-limit2")
    assert rows_of(here / results.out) == rows_of(here / "typed")
    typed = load_results(here / "typed")
    assert identities(typed) == identities(results)
    for name in ("cells", "robustness"):
        assert results.table(name).to_csv() == typed.table(name).to_csv()
    for file in ("tables/acc-ap.csv", "leaderboard.csv"):
        assert (results.out / file).read_bytes() == (here / "typed" / file).read_bytes()


def test_what_makes_rows_reaches_their_identity(here: Path) -> None:
    asked = {"seed": 3, "precision": "bf16", "generators": "beta", "perturbations": "noise:8.0"}
    results = evaluate(["./bright.py"], Path("tiny"), limit=1, progress=False, **asked)  # type: ignore[arg-type]
    assert results.out == Path("results/runs/tiny-limit1-bf16")
    (store,) = results._stores
    kept = [(one.cell.testset, one.identity) for one in store.records()]
    assert [name for name, _ in kept] == ["beta"]
    assert [(one.seed, one.precision, one.perturbation) for _, one in kept] == [(3, "bf16", "noise:8.0")]


def test_python_takes_every_option_of_bench_run_and_explains_each() -> None:
    ours = {"split": "splits", "places": "data"}
    options = set(signature(run).parameters) - {"style"}  # a table has a method for each format
    assert {ours.get(name, name) for name in signature(evaluate).parameters} == options | {"progress"}
    explained = "".join(filter(None, (evaluate.__doc__, *(one.__doc__ for one in OPTIONS))))
    assert unexplained(signature(evaluate).parameters, explained) == []


def unexplained(names: Iterable[str], docstrings: str) -> list[str]:
    """List what no line explains; how far lines are indented depends on the Python."""
    return [name for name in names if not re.search(rf"^ +{name}: ", docstrings, re.MULTILINE)]


def test_defaults_that_python_shows_are_those_of_bench_run() -> None:
    typed = {name: one.default for name, one in signature(run).parameters.items()}
    shown = {name: one.default for name, one in signature(evaluate).parameters.items()}
    assert len(shown.keys() & typed.keys()) > 20
    differ = [name for name in shown.keys() & typed.keys() if (shown[name] or typed[name])]
    assert [name for name in differ if str(shown[name]) != str(typed[name])] == []


@pytest.mark.parametrize(
    ("options", "choice", "others"),
    [
        (ImageOptions, ImageChoice, set[str]()),
        (LoadOptions, LoadChoice, set[str]()),
        (RunOptions, RunChoice, set[str]()),
        (ImportOptions, ScoreImport, {"file", "detectors", "dataset", "out"}),
    ],
)
def test_options_that_type_checkers_know_are_those_that_are_read_and_explained(
    options: Any,  # noqa: ANN401 - a TypedDict
    choice: Any,  # noqa: ANN401 - a dataclass
    others: set[str],
) -> None:
    assert set(options.__annotations__) == {one.name for one in fields(choice)} - others
    explained = "".join(filter(None, (options.__doc__, *(one.__doc__ for one in OPTIONS))))
    assert unexplained(options.__annotations__, explained) == []


def test_a_misspelt_option_is_refused(here: Path) -> None:
    with pytest.raises(TypeError, match="'lmit'"):
        evaluate("./bright.py", "tiny", lmit=1)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"experiment": "lgrad3"}, "unknown experiment 'lgrad3': did you mean lgrad-3"),
        ({"experiment": "lgrad-3", "dataset": pd.DataFrame()}, "'lgrad-3' already says .*leave out dataset"),
        ({"experiment": "lgrad-3", "generators": "bigan"}, "of table 'lgrad-3' 'bigan': did you mean biggan"),
        ({"experiment": "lgrad-3", "perturbations": "none"}, "leave out perturbations"),
        ({"experiment": "lgrad-3"}, r"nothing of table 'lgrad-3' can be run here"),
        ({"engine": "rey"}, "unknown engine 'rey': did you mean ray"),
        ({"engine": "ray", "device": "cuda:1"}, "each replica has a GPU of its own"),
    ],
)
def test_a_paper_and_a_cluster_are_asked_for_as_on_the_command_line(
    here: Path, asked: dict[str, object], words: str
) -> None:
    with pytest.raises(BenchError, match=words):
        evaluate(progress=False, **asked)  # type: ignore[arg-type]
    assert list(Path().glob("results/runs/*")) == []


@pytest.mark.slow
def test_a_class_of_a_file_is_the_detector_of_that_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(here))
    monkeypatch.delitem(sys.modules, "bright", raising=False)
    results = evaluate(import_module("bright").Bright, "tiny", limit=2, progress=False)
    assert set(identities(results)) == set(identities(load_results("typed")))
    assert evaluate("./bright.py", "tiny", limit=2, progress=False).rows().equals(results.rows())


@pytest.mark.slow
def test_listed_images_are_a_dataset_and_found_again(here: Path) -> None:
    files = sorted(Path("tiny").rglob("*.png"))
    labels = ["fake" if "1_fake" in file.parts else "real" for file in files]
    frame = pd.DataFrame({"path": files, "label": labels, "generator": ["g"] * len(files), "mine": 1.5})
    named = evaluate("./bright.py", {"mine": frame}, progress=False)
    assert named.out == Path("results/runs/mine")
    assert list(named.rows()["path"]) == list(map(str, files))
    assert set(named.rows()["testset"]) == {"g"}
    pairs = evaluate("./bright.py", list(zip(files, labels, strict=True)), out="listed", progress=False)
    assert list(pairs.rows()["score"]) == list(named.rows()["score"])
    page = named.report("page.html", progress=False)
    assert page.read_text().count("data:image/") > 3  # thumbnails: their files were found again


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"dataset": {"a/b": [("x.png", 1)]}}, "dataset name 'a/b'"),
        ({"dataset": [("x.png", "perhaps")]}, "'perhaps' is no label"),
        ({"dataset": [("x.png", 1), ("y.png", 0)]}, "not one can be read"),
        ({"dataset": pd.DataFrame({"file": ["x.png"], "label": [1]})}, "no column 'path'"),
        ({"places": {"forensinths": "x"}}, "did you mean forensynths"),
        ({"detectors": []}, "no detector is named"),
        ({"detectors": 3}, "detector int has no 'name'"),
        ({"detectors": ["./bright.py"], "device": "warp"}, "device 'warp'"),
        ({"detectors": Brightness(), "device": "cpu,cpu"}, "device 'cpu,cpu'.*put your own into"),
        ({"detectors": Brightness(), "engine": "ray"}, "engine 'ray'.*put your own into"),
        ({"perturbations": []}, "no perturbation is named"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_and_leaves_no_folder(
    here: Path, asked: dict[str, object], words: str
) -> None:
    with pytest.raises(BenchError, match=words):
        evaluate(**{"detectors": "./bright.py", "dataset": "tiny", "progress": False, **asked})  # type: ignore[arg-type]
    assert list(Path().glob("results/runs/*")) == []


class Scaled(Brightness):
    """A detector with something in it."""

    name = "scaled"

    def __init__(self, scale: float) -> None:
        self.weight = torch.full((2,), scale, dtype=torch.bfloat16)

    def score(self, batch: Tensor) -> Tensor:
        return super().score(batch) * self.weight[0].float()


@pytest.mark.slow
def test_rows_of_an_object_are_made_anew_when_what_it_holds_changes(here: Path) -> None:
    first = evaluate(Scaled(1.0), "tiny", limit=2, progress=False).rows()["score"]
    second = evaluate(Scaled(0.5), "tiny", limit=2, progress=False).rows()["score"]
    assert list(second) == pytest.approx([score / 2 for score in first], rel=1e-2)
    assert OwnDetector(Scaled(1.0)).code == OwnDetector(Scaled(1.0)).code != OwnDetector(Scaled(0.5)).code


def defined(text: str) -> Callable[[], Detector]:
    """Define a class as a notebook does: without a file."""
    names: dict[str, object] = {"__name__": "__main__", "Brightness": Brightness}
    exec(text, names)
    made = names["Mine"]
    assert callable(made)
    return made


NOTEBOOK = """
class Base:
    factor = 2

class Mine(Base, Brightness):
    name = "mine"
    def score(self, batch):
        return super().score(batch) {} 1
"""


def test_the_code_of_a_notebooks_class_counts_and_where_it_stands_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    once = OwnDetector(defined(NOTEBOOK.format("*"))).code
    assert OwnDetector(defined("\n\n# moved\n" + NOTEBOOK.format("*"))).code == once
    assert OwnDetector(defined(NOTEBOOK.format("/"))).code != once
    assert OwnDetector(defined(NOTEBOOK.format("*").replace("factor = 2", "factor = 3"))).code != once


def test_what_cannot_be_pickled_takes_nothing_else_out_of_the_digest() -> None:
    held = [Scaled(1.0), Scaled(1.0), Scaled(0.5)]
    for one in held:
        one.stream = (value for value in range(3))  # type: ignore[attr-defined]
    codes = [OwnDetector(one).code for one in held]
    assert codes[0] == codes[1] != codes[2]


@pytest.mark.slow
def test_two_objects_of_one_name_are_refused_and_one_given_twice_is_one(here: Path) -> None:
    one = Scaled(1.0)
    with pytest.raises(BenchError, match="two detectors are called 'scaled'"):
        evaluate([one, Scaled(1.0)], "tiny", progress=False)
    assert len(evaluate([one, one], "tiny", limit=1, progress=False).table("acc-ap").frame) == 1


@pytest.mark.slow
def test_scores_imported_from_python_are_the_files_that_bench_import_writes(here: Path) -> None:
    rows = ["image,truth,A,B"]
    for file in sorted(Path("tiny").rglob("*.png")):
        word = "ai" if "1_fake" in file.parts else "human"
        rows.append(f"x/{file.relative_to('tiny')},{word},0.{len(rows)},{100 if len(rows) == 3 else 0.5}")
    Path("scores.csv").write_text("\n".join(rows))
    typed = ["--columns", "path=image,label=truth", "--labels", "ai=fake,human=real", "--threshold", "0.4"]
    typed += ["--prefix", "x/", "--dataset", "tiny", "--perturbation", "jpeg:090", "--trained-on", "beta"]
    finish(here, ["import", "scores.csv", "--scores", "A,B", "--out", "by-hand", *typed])
    results = forenbench.import_scores(
        "scores.csv",
        scores=["A", "B"],
        dataset="tiny",
        out="by-python",
        progress=False,
        columns={"path": "image", "label": "truth"},
        labels={"ai": 1, "human": 0},
        threshold=0.4,
        prefix="x/",
        perturbation="jpeg:090",
        trained_on="beta",
    )
    assert rows_of(here / "by-python") == rows_of(here / "by-hand")
    known = [
        [record.identity for record in one._stores[0].records()] for one in (results, load_results("by-hand"))
    ]
    assert known[0] == known[1]
    assert {one.perturbation for one in known[0]} == {"jpeg:90"}
    assert results.table("cells").to_csv() == load_results("by-hand").table("cells").to_csv()
    assert (here / "by-python/leaderboard.csv").read_bytes() == (
        here / "by-hand/leaderboard.csv"
    ).read_bytes()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "the detector has no name"),
        ({"detector": "x", "scores": ["a"]}, "leave out detector"),
        ({"detector": "x", "limit": 1}, "choose images of a dataset: name one"),
        ({"detector": "x", "dataset": "tiny", "generator": "g"}, "leave out dataset_name and generator"),
        ({"detector": "x", "columns": {"score": "p"}}, "no column 'p'"),
        ({"detector": "x"}, r"outside \[0, 1\].*\(threshold\)"),
    ],
)
def test_an_import_that_makes_no_sense_is_refused_in_words_of_python(
    here: Path, asked: dict[str, object], words: str
) -> None:
    Path("scores.csv").write_text("path,label,score\na,0,7\n")
    with pytest.raises(BenchError, match=words) as refused:
        forenbench.import_scores("scores.csv", progress=False, **asked)  # type: ignore[arg-type]
    assert "--" not in str(refused.value)
    assert not Path("results").exists()


@pytest.mark.slow
def test_a_calibration_from_python_is_that_of_bench_calibrate(here: Path) -> None:
    for name, generator in (("validation", "alpha"), ("by-hand", "beta"), ("by-python", "beta")):
        evaluate("./bright.py", "tiny", generators=generator, out=name, progress=False)
    finish(here, ["calibrate", "by-hand", "--on", "validation"])
    results = forenbench.calibrate("validation", "by-python", progress=False)
    assert (here / "by-python/fits.json").read_bytes() == (here / "by-hand/fits.json").read_bytes()
    assert results.out == Path("by-python")
    assert results.table("thresholds").to_csv() == load_results("by-hand").table("thresholds").to_csv()
    with pytest.raises(BenchError, match="the splits overlap"):
        forenbench.calibrate(on=["validation"], runs=["validation"], progress=False)


@pytest.mark.slow
def test_an_audit_from_python_finds_and_keeps_what_bench_audit_does(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finish(
        here,
        [
            "audit",
            "tiny",
            "--generators",
            "alpha",
            "--against",
            "tiny",
            "--out",
            "by-hand",
            "--format",
            "json",
        ],
    )
    shown = json.loads(capsys.readouterr().out)
    found = forenbench.audit_dataset(
        "tiny", against="tiny", generators="alpha", out="by-python", progress=False
    )
    assert json.loads(found.properties.to_json(orient="records")) == shown["properties"]
    assert json.loads(found.baseline.to_json(orient="records")) == shown["baseline"]
    assert json.loads(found.twins.members.to_json(orient="records")) == shown["members"]
    assert list(found.warnings) == shown["warnings"]
    assert set(found.files["testset"]) == {"alpha"}
    assert rows_of(here / "by-python") == rows_of(here / "by-hand")


def test_single_images_are_scored_by_names_and_objects(here: Path) -> None:
    image = next(Path("tiny").rglob("*.png"))
    by_name, by_object = score(image, "./bright.py"), score([image], Brightness())
    assert list(by_name["score"]) == list(by_object["score"])
    assert set(by_name["verdict"]) <= {"real", "fake"}


@pytest.mark.slow
def test_results_compare_rank_and_show_themselves(here: Path) -> None:
    results = evaluate(["./bright.py", Scaled(0.5)], "tiny", progress=False)
    pairs = results.compare("bright", "scaled").frame
    assert set(pairs.index.get_level_values("against")) == {"scaled (own)"}
    assert list(results.leaderboard("auroc").frame["rank"]) == [1, 1]
    assert "mean AUROC" in results.leaderboard("auroc").title
    assert "<table" in results._repr_html_()
    with pytest.raises(BenchError, match="did you mean summary"):
        results.table("sumary")
    with pytest.raises(BenchError, match="nothing was published"):
        results.table("cells", against_published=True)


def test_every_mark_and_note_stands_in_each_output() -> None:
    frame = pd.DataFrame({("a", "Acc."): [50.0, 25.0]}, index=pd.Index(["<x>", "y"], name="detector"))
    marks = pd.DataFrame({("a", "Acc."): ["*†", "‡"]}, index=frame.index)
    table = Table("t", "Title", frame, ("* seen <in> training",), marks=marks)
    shown = {name: getattr(table, name)() for name in ("to_text", "to_markdown", "to_csv", "_repr_html_")}
    for name, text in shown.items():
        assert all(mark in text for mark in "*†‡"), name
    assert r"50.0*\dag{}" in table.to_latex()
    assert r"25.0\ddag{}" in table.to_latex()
    page = shown["_repr_html_"]
    assert "&lt;x&gt;" in page
    assert "seen &lt;in&gt; training" in page
    assert not {"<x>", "<in>"} & {part for part in ("<x>", "<in>") if part in page}


def test_what_is_listed_can_be_asked_for(here: Path) -> None:
    detectors = forenbench.list_detectors()
    assert not detectors["problem"].any()
    assert detectors["detector"].is_unique
    chosen = detectors[detectors["detector"] == "lgrad:nearest-gan@sample"]["detector"].item()
    assert list(score(next(Path("tiny").rglob("*.png")), chosen)["status"]) == ["ok"]
    results = load_results("typed")
    generic = forenbench.list_tables().query("of == 'any run'")["table"]
    # the tiny run is neither equalised, nor by a protocol, nor of generators with a date
    lacking = {"equalised", "shortcut", "protocol", "timeline", "timeline-quarters", "windows"}
    assert [name for name in generic if name not in lacking and not len(results.table(name).frame)] == []
    for frame, name in (
        (forenbench.list_datasets(), "sample"),
        (forenbench.list_perturbations(), "jpeg:Q"),
        (forenbench.list_metrics(), "auroc"),
        (forenbench.list_protocols(), "dda"),
    ):
        assert name in set(frame.iloc[:, 0])


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, forenbench; forenbench.evaluate if 0 else 0; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "pandas", "numpy", "PIL", "typer", "rich"} & set(run.stdout.split())


def test_every_public_name_is_there_and_documented() -> None:
    assert sorted(forenbench.__all__) == sorted(forenbench._HOMES)
    for name in forenbench.__all__:
        found = getattr(forenbench, name)
        assert found.__doc__, name
        if callable(found) and not isinstance(found, type):
            assert "Returns:" in found.__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        _ = forenbench.evalute


def test_every_public_name_is_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    assert [name for name in forenbench.__all__ if f"`{name}" not in page and f"`fb.{name}" not in page] == []
