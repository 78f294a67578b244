"""A run's options in a file: the same ones as on the command line, which beats it; nothing is passed over."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from forenbench import BenchError, evaluate, read_config
from forenbench.cli.app import app
from forenbench.cli.config_file import take_defaults
from forenbench.data.sources.rules import Rules
from forenbench.front.config import OPTIONS, read_options, save_config
from forenbench.front.experiment import of_table
from forenbench.scoring.requested import Files
from forenbench.scoring.run_request import Means, Request
from forenbench.scoring.working import EngineChoice
from forenbench.testing import Brightness, write_tiny_dataset

COMMAND: Any = get_command(app).load("run")  # type: ignore[attr-defined]


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def values(*words: str) -> dict[str, Any]:
    """Parse the words behind ``bench run``, as its function gets them."""
    context = COMMAND.make_context("run", list(words))
    return dict(context.params)


def test_a_config_has_every_option_of_bench_run_and_no_other() -> None:
    options = {option for param in COMMAND.params for option in param.opts if option.startswith("--")}
    others = {"--help", "--quiet", "--verbose", "--log-file", "--format"}  # of any command, and of no run
    others |= {"--allow-network"}  # who types the command decides that
    assert {f"--{name.replace('_', '-')}" for name in OPTIONS} == options - others


def test_no_file_lets_images_leave_the_machine(tmp_path: Path) -> None:
    """Somebody else may have written it: that of a run folder is sent around."""
    file = tmp_path / "config.toml"
    file.write_text("allow-network = true")
    with pytest.raises(BenchError, match="allow_network is for who types the command"):
        read_config(file)


def test_each_kind_of_value_reaches_its_option(tmp_path: Path) -> None:
    text = """
detectors = ["lgrad", "./odd,name.py"]
dataset = ["one", "two"]
perturbations = "none"
weights = {a = "x.pth", b = "y.pth"}
columns = {path = "file"}
labels = {human = 0}
unverified = true
limit = 3
list = "files.csv"
split = "val"
data-root = "elsewhere"
fail_below = {ap = 0.9, "mean:ap" = 0.95}
"""
    found = values(str(written(tmp_path, text)))
    expected = {
        "detectors": "lgrad,./odd\\,name.py",
        "dataset": ["one", "two"],
        "perturbations": "none",
        "weights": ["a=x.pth", "b=y.pth"],
        "columns": "path=file",
        "labels": "human=0",
        "unverified": True,
        "limit": 3,
        "listed": Path("files.csv"),
        "splits": "val",
        "data_root": Path("elsewhere"),
        "fail_below": ["ap=0.9", "mean:ap=0.95"],
        "seed": 0,
    }
    assert {name: found[name] for name in expected} == expected


def test_what_is_typed_beats_the_file(tmp_path: Path) -> None:
    file = str(written(tmp_path, 'seed = 3\nlimit = 3\ndataset = ["one", "two"]\nweights = {a = "x"}'))
    for words in ([file, "--seed", "4", "--dataset", "three"], ["--seed", "4", "--dataset", "three", file]):
        found = values(*words)
        assert (found["seed"], found["dataset"], found["limit"]) == (4, ["three"], 3)
    assert values(file, "--weights", "b=y")["weights"] == ["b=y"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("limt = 3", "unknown option of a run 'limt': did you mean limit"),
        ("limit = 1.5", "limit = 1.5 is not a whole number"),
        ("limit = true", "limit = True is not a whole number"),
        ("detectors = 3", "detectors = 3 is not a text, or a list of texts"),
        ("detectors = ['a', 1]", "is not a text, or a list of texts"),
        ("out = ['a']", "is not a text"),
        ("unverified = 'no'", "unverified = 'no' is not true or false"),
        ("weights = 'a'", "weights = 'a' is not a table of names and values"),
        ("weights = 3", "is not a table"),
        ("weights = {a = ['x']}", "is not a table"),
        ("data_root = 'a'\ndata-root = 'b'", "has 'data_root' twice"),
        ("limit = 1\nlimit = 2", "is no TOML"),
        ("limit", "is no TOML"),
    ],
)
def test_what_is_no_config_is_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BenchError, match=words) as raised:
        read_options(written(tmp_path, text))
    assert "mine.toml" in str(raised.value)


@pytest.mark.parametrize("name", [".", "nothing.toml"])
def test_what_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BenchError, match="cannot be read: "):
        read_options(tmp_path / name)


def test_bytes_that_are_no_text_are_no_config(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_bytes(b"seed = 1 # \xff")
    with pytest.raises(BenchError, match="is no TOML"):
        read_options(tmp_path / "bad.toml")


def test_python_takes_what_a_file_says(tmp_path: Path) -> None:
    text = 'list = "files.csv"\ndata = {forensynths = "x"}\nweights = ["a=x=y"]\nfail-above = {ece = 0.1}'
    assert read_config(written(tmp_path, text)) == {
        "listed": "files.csv",
        "places": {"forensynths": "x"},
        "weights": {"a": "x=y"},
        "fail_above": {"ece": "0.1"},
    }


@pytest.mark.parametrize(("folder", "out"), [("scores", "moved"), ("parts", "moved"), ("tables", "before")])
def test_the_config_of_a_run_folder_means_that_folder(tmp_path: Path, folder: str, out: str) -> None:
    (tmp_path / "moved" / folder).mkdir(parents=True)
    file = written(tmp_path / "moved", f'out = "{tmp_path}/before"', "config.toml")
    assert read_options(file)["out"] == str(tmp_path / out)
    copy = written(tmp_path / "moved", f'out = "{tmp_path}/before"', "copy.toml")
    assert read_options(copy)["out"] == str(tmp_path / "before")


def test_no_file_leaves_the_defaults() -> None:
    assert take_defaults(None, None) is None  # type: ignore[arg-type]
    assert values()["seed"] == 0


def test_what_is_kept_of_a_request_is_read_as_it_was(tmp_path: Path) -> None:
    rules = Rules.parse(
        {"real": ["coco/**"], "columns": {"path": "file"}, "labels": {"6": "fake"}, "reals": "coco"}
    )
    files = Files(["a=x=y", "b=z"], unverified=True, trained_on=("progan",))
    means = Means(
        Path("d"), files, "sample", "cpu", 3, "dda", "val", {"wildrf": Path("w")}, rules, Path("l.csv")
    )
    choice = EngineChoice("local", "cpu", 2, "5GB", "local", 4)
    request = Request(["./a,b.py", "lgrad"], {"x": ["g"], "y": ["g"]}, ["none", "jpeg:75"])
    save_config(tmp_path, request, means, choice, {"seed": 7, "keep_going": True, "equalise": []})
    assert read_options(tmp_path / "config.toml") == {
        "detectors": ["./a,b.py", "lgrad"],
        "dataset": ["x", "y"],
        "perturbations": ["none", "jpeg:75"],
        "generators": ["g"],
        "checkpoints": "sample",
        "weights": {"a": "x=y", "b": "z"},
        "unverified": True,
        "trained_on": ["progan"],
        "limit": 3,
        "protocol": "dda",
        "split": "val",
        "list": "l.csv",
        "data_root": "d",
        "data": {"wildrf": "w"},
        "real": ["coco/**"],
        "columns": {"path": "file"},
        "labels": {"6": "fake"},
        "reals": "coco",
        "engine": "local",
        "device": "cpu",
        "readers": 2,
        "feature_cache": "5GB",
        "address": "local",
        "replica_cpus": 4,
        "out": tmp_path.as_posix(),
        "seed": 7,
        "keep_going": True,
    }


@pytest.mark.parametrize("generators", [[], ["stargan"]])
def test_of_a_papers_table_its_name_is_kept(tmp_path: Path, generators: list[str]) -> None:
    means = Means(Path("data"), Files(), "", "cpu", None, "all")
    request = of_table("lgrad-3", {}, generators)
    save_config(tmp_path, request, means, EngineChoice("local", "cpu"), {})
    found = read_options(tmp_path / "config.toml")
    assert found["experiment"] == "lgrad-3"
    assert found.get("generators", []) == generators
    assert not found.keys() & {"detectors", "dataset", "perturbations"}
    assert of_table(found["experiment"], {}, found.get("generators", [])) == request


@pytest.mark.slow
def test_a_run_keeps_what_it_was_asked_for_and_the_file_asks_for_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tiny_dataset(tmp_path / "tiny")
    asked: dict[str, Any] = {"limit": 1, "generators": ["beta"], "perturbations": ["none", "noise:8.0"]}
    asked |= {"seed": 4, "fail_below": {"mean:acc": 0.0}, "device": "cpu", "readers": 0, "progress": False}
    (tmp_path / "mine.py").write_text(
        "from forenbench.testing import Brightness\nclass Mine(Brightness):\n    name = 'mine'\n"
    )
    first = evaluate("./mine.py", "tiny", **asked)
    kept = first.out / "config.toml"
    said = tomllib.loads(kept.read_text())
    expected = {
        "detectors": ["./mine.py"],
        "dataset": ["tiny"],
        "limit": 1,
        "seed": 4,
        "generators": ["beta"],
    }
    expected |= {"fail_below": {"mean:acc": 0.0}, "perturbations": ["none", "noise:8.0"], "device": "cpu"}
    assert {name: said[name] for name in expected} == expected
    before = kept.stat().st_mtime_ns, first.rows()
    again = evaluate(**read_config(kept), progress=False)
    assert again.out == first.out
    assert (kept.stat().st_mtime_ns, list((again.out / "superseded").glob("*"))) == (before[0], [])
    assert again.rows().equals(before[1])
    # of an object no file can tell what it is
    assert not (
        evaluate(Brightness(), "tiny", out="other", limit=1, progress=False).out / "config.toml"
    ).exists()
