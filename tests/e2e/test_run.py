"""``bench run`` from nothing to tables, and back again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch
from answering_service import service
from command_line import Bench
from printed_commands import commands_in

from forenbench.detectors.tiny_ladeda import _TinyNetwork

RUN = ("run", "--detectors", "./bright.py", "--dataset", "tiny")


def all_rows(folder: Path) -> pd.DataFrame:
    """Every row of a run, sorted."""
    rows = pd.concat([pd.read_parquet(path) for path in folder.glob("scores/**/*.parquet")])
    return rows.sort_values(["detector", "perturbation", "testset", "path"], ignore_index=True)


def test_a_run_leaves_rows_tables_and_leaderboard(bench: Bench) -> None:
    outcome = bench(*RUN)
    assert outcome.code == 0
    folder = Path("results/runs/tiny")
    assert len(all_rows(folder)) == 16
    assert "alpha: 1 cells, 8 images (0 of 2 cells done)" in outcome.err
    assert "4 real (PNG 4; 32×24), 4 fake (PNG 4; 32×24)" in outcome.err
    assert "alpha" in outcome.out
    assert "100.0" in outcome.out
    for name in ("tables/acc-ap.csv", "tables/summary.md", "leaderboard.csv", "leaderboard.md"):
        assert (folder / name).stat().st_size
        assert Path(name).stem in outcome.err


def test_a_second_run_finds_everything_done_and_says_so(bench: Bench) -> None:
    first = bench(*RUN)
    written = {path: path.stat().st_mtime_ns for path in Path().glob("results/**/*.parquet")}
    second = bench(*RUN)
    assert "all 2 cells were done before" in second.err
    assert second.out == first.out
    assert {path: path.stat().st_mtime_ns for path in Path().glob("results/**/*.parquet")} == written


def test_a_perturbation_asked_for_twice_runs_once(bench: Bench) -> None:
    assert bench(*RUN, "--perturbations", "jpeg:75,none,jpeg:075").code == 0
    rows = all_rows(Path("results/runs/tiny"))
    assert rows["perturbation"].value_counts().to_dict() == {"jpeg:75": 16, "none": 16}


def test_one_table_holds_detectors_with_weights_of_two_kinds(bench: Bench, tmp_path: Path) -> None:
    """On a dataset where published ones are the default: here a file that stands for Tiny-LaDeDa's."""
    torch.save(_TinyNetwork().state_dict(), tmp_path / "own.pth")
    both = ("--detectors", "tiny-ladeda,lgrad@sample", "--weights", "tiny-ladeda=own.pth", "--unverified")
    outcome = bench("run", "--dataset", "tiny", "--device", "cpu", *both)
    assert outcome.code == 0, outcome.err
    rows = all_rows(Path("results/runs/tiny"))
    assert set(rows["detector"]) == {"tiny-ladeda:forensynths", "lgrad:nearest-gan"}
    assert set(rows["status"]) == {"ok"}
    table = pd.read_csv("results/runs/tiny/tables/cells.csv")
    weights = dict(zip(table["detector"], table["weights"], strict=True))
    assert weights["lgrad:nearest-gan"] == "sample" != weights["tiny-ladeda:forensynths"]


def test_test_sets_keep_their_order_when_they_are_run_one_by_one(bench: Bench) -> None:
    bench(*RUN, "--generators", "beta")
    outcome = bench(*RUN, "--generators", "alpha")
    assert outcome.out.index("alpha") < outcome.out.index("beta")


def test_tables_come_from_rows(bench: Bench) -> None:
    bench(*RUN)
    folder = Path("results/runs/tiny")
    before = (folder / "tables/acc-ap.csv").read_text()
    shutil.rmtree(folder / "tables")
    (folder / "leaderboard.csv").unlink()
    assert bench("table", "acc-ap", str(folder), "--format", "csv").out == before
    assert bench("leaderboard").code == 0
    assert Path("results/leaderboard.md").read_text().count("| bright |") == 1


def test_perturbations_limit_and_generators(bench: Bench) -> None:
    chosen = ("--perturbations", "none,jpeg:50+blur:1", "--limit", "2", "--generators", "beta")
    assert bench(*RUN, *chosen).code == 0
    rows = all_rows(Path("results/runs/tiny-limit2"))
    assert sorted(rows["perturbation"].unique()) == ["jpeg:50+blur:1.0", "none"]
    assert len(rows) == 2 * 2 * 2
    assert set(rows["testset"]) == {"beta"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--detectors", "lgard"), "unknown detector 'lgard': did you mean lgrad"),
        (("--detectors", ""), "no detector is named"),
        (("--dataset", "smaple"), "unknown dataset 'smaple': did you mean sample"),
        (("--perturbations", "jpg:75"), "did you mean jpeg"),
        (("--perturbations", "jpeg:700"), "700"),
        (("--perturbations", ","), "no perturbation is named"),
        (
            ("--detectors", "lgrad@sampel"),
            "unknown kind of checkpoints of 'lgrad' 'sampel': did you mean sample",
        ),
        (("--checkpoints", "best"), "unknown kind of checkpoints 'best': Known: published, sample"),
        (("--weights", "lgrad=x.pth"), "unknown checkpoint 'lgrad'"),
        (("--weights", "x.pth"), "is not NAME=PATH"),
        (("--device", "cuda:99"), "device 'cuda:99' cannot be used here"),
    ],
)
def test_a_bad_request_ends_with_2_before_anything_runs(
    bench: Bench, arguments: tuple[str, ...], reason: str
) -> None:
    outcome = bench(*RUN, *arguments)
    assert outcome.code == 2
    assert reason in outcome.err.replace("\n", " ")
    assert "Traceback" not in outcome.err
    assert not Path("results").exists()


def test_published_weights_that_are_absent_are_named_with_their_source(bench: Bench) -> None:
    outcome = bench("run", "--detectors", "cnndetection", "--dataset", "tiny")
    assert outcome.code == 2
    assert "cnndetection: cnndetection-0.5, 282.4 MB" in outcome.err
    assert "CC BY-NC-SA" in outcome.err


def test_a_detector_that_fails_is_named_and_the_others_finish(bench: Bench) -> None:
    Path("broken.py").write_text(
        Path("bright.py").read_text().replace("bright", "broken")
        + "    def score(self, batch):\n        raise RuntimeError('no such layer')\n"
    )
    outcome = bench("run", "--detectors", "./broken.py,./bright.py", "--dataset", "tiny")
    assert outcome.code == 1
    assert "broken on tiny/alpha (none): 8 failed" in outcome.err
    assert "8 × broken: RuntimeError: no such layer (as alpha/0_real/0.png)" in outcome.err
    rows = all_rows(Path("results/runs/tiny"))
    assert set(rows[rows["detector"] == "bright"]["status"]) == {"ok"}
    failed = rows[rows["detector"] == "broken"]
    assert set(failed["error"]) == {"broken: RuntimeError: no such layer"}
    assert failed["score"].isna().all()
    assert "'bench show errors results/runs/tiny'" in outcome.err
    shown = json.loads(bench("show", "errors", "results/runs/tiny", "--format", "json").out)["errors"]
    assert [(one["images"], one["detector"], one["path"]) for one in shown] == [
        (16, "broken", "alpha/0_real/0.png")
    ]
    assert bench("show", "errors", "--all", "--format", "csv").out.count("no such layer") == 16


def test_detectors_that_would_end_the_run_fail_and_the_others_finish(bench: Bench) -> None:
    """With status 0 and no row, if one let them."""
    bright = Path("bright.py").read_text()
    for name, method, call in (
        ("quits", "score", "__import__('sys').exit(0)"),
        ("gone", "prepare", "_exit(0)"),
    ):
        text = f"    def {method}(self, value):\n        {call}\n"
        Path(f"{name}.py").write_text("from os import _exit\n" + bright.replace("bright", name) + text)
    outcome = bench("run", "--detectors", "./quits.py,./gone.py,./bright.py", "--dataset", "tiny")
    assert outcome.code == 1
    rows = all_rows(Path("results/runs/tiny")).groupby("detector")
    assert {name: set(some["status"]) for name, some in rows} == {
        "bright": {"ok"},
        "gone": {"failed"},
        "quits": {"failed"},
    }
    assert set(rows.get_group("gone")["error"]) == {"prepare: ProcessExit: os._exit(0) was called"}
    assert set(rows.get_group("quits")["error"]) == {"quits: ProcessExit: sys.exit(0) was called"}
    Path("quits.py").write_text("import sys\nsys.exit(0)\n")
    outcome = bench("run", "--detectors", "./quits.py", "--dataset", "tiny")
    assert outcome.code == 2
    assert "sys.exit(0) was called" in outcome.err


def test_score_gives_one_row_an_image(bench: Bench) -> None:
    outcome = bench("score", "tiny/alpha/1_fake", "--detectors", "./bright.py", "--format", "csv")
    lines = outcome.out.splitlines()
    assert outcome.code == 0
    assert lines[0] == "path,detector,weights,score,logit,verdict,status,error"
    assert len(lines) == 5
    assert all(",bright,own," in line and ",fake,ok," in line for line in lines[1:])
    Path("tiny/alpha/1_fake/text.png").write_text("no image")
    assert bench("score", "tiny/alpha/1_fake", "--detectors", "./bright.py", "--format", "json").code == 1


@pytest.mark.parametrize("what", ["detectors", "datasets", "perturbations", "tables", "weights"])
def test_lists_fit_their_content(bench: Bench, what: str) -> None:
    expected = {
        "detectors": "lgrad",
        "datasets": "sample",
        "perturbations": "jpeg:Q",
        "tables": "acc-ap",
        "weights": "cnndetection",
    }
    outcome = bench("list", what)
    assert outcome.code == 0
    assert expected[what] in outcome.out


def test_a_new_detector_runs_at_once(bench: Bench) -> None:
    assert bench("new", "detector", "mine").code == 0
    assert len(Path("mine.py").read_text().splitlines()) <= 40
    assert bench("run", "--detectors", "./mine.py", "--dataset", "tiny").code == 0
    assert bench("new", "detector", "mine").code == 2
    printed = bench("new", "detector", "other", "--folder", "my detectors").out
    check = next(commands_in(printed.splitlines()[-1]))
    assert check == ("check", "detector", "./my detectors/other.py")
    assert bench(*check).code == 0
    assert bench("new", "detector", "class").code == 2


def test_a_service_is_sent_nothing_before_its_user_allows_it_and_no_file_twice(bench: Bench) -> None:
    pytest.importorskip("requests_ratelimiter", reason="the extra 'api' is not installed")
    printed = bench("new", "detector", "mine", "--kind", "api").out.splitlines()
    assert printed[1] == "fill in:  URL and ask; the key is API_KEY in the environment"
    commands = [next(commands_in(line)) for line in printed[2:]]
    assert commands == [
        ("run", "--detectors", "./mine.py", "--allow-network"),
        ("check", "detector", "./mine.py", "--allow-network"),
    ]
    with service() as made:
        made.point(Path("mine.py"))
        one = ("score", "tiny/alpha/0_real/0.png", "--detectors", "./mine.py", "--allow-network")
        for words in (*commands, one):
            refused = bench(*(word for word in words if word != "--allow-network"))
            assert (refused.code, made.asked) == (2, [])
            assert "--allow-network" in refused.err
        run = (*commands[0], "--dataset", "tiny", "--perturbations", "none,jpeg:50")
        outcome = bench(*run)
        assert (outcome.code, len(made.asked)) == (0, 32)
        assert "mine got files as they are" in outcome.out
        assert "mine asked a service" in outcome.out
        assert {file.read_bytes() for file in Path("tiny").rglob("*.png")} < set(made.asked)
        shutil.rmtree("results")
        assert (bench(*run).code, len(made.asked)) == (0, 32)
        assert (bench(*one).code, len(made.asked)) == (0, 32)
