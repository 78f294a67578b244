"""``bench report``: its numbers are those that a short script finds in the stored rows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import recompute
from command_line import Bench, finish
from recompute_intervals import intervals
from report_page import Page

from forenbench.metrics.metric_values import shown_in

METRICS = {"Acc.": "acc", "Real acc.": "real_acc", "Fake acc.": "fake_acc", "A.P.": "ap", "AUROC": "auroc"}
PERTURBATIONS = "none,jpeg:50,jpeg:90,blur:4.0"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample dataset's run of one detector that knows it, and of one that guesses, with their report."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "guess.py").write_text(
        "from forenbench.testing import Brightness\n\n\nclass Guess(Brightness):\n    name = 'guess'\n"
    )
    options = ["--detectors", "./guess.py,cnndetection", "--perturbations", PERTURBATIONS, "--limit", "6"]
    finish(folder, ["run", *options, "--out", "run"], ["report", "run"])
    return folder / "run"


@pytest.fixture(scope="module")
def page(run: Path) -> Page:
    return Page((run / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def truth(run: Path) -> pd.DataFrame:
    """What the script prints, in percent where the page is."""
    script = str(recompute.__file__)
    ran = subprocess.run([sys.executable, script, str(run)], capture_output=True, text=True, check=True)
    assert "forenbench" not in Path(script).read_text()
    (run / "truth.csv").write_text(ran.stdout)
    return pd.read_csv(run / "truth.csv")


def percent(truth: pd.DataFrame, metric: str, **where: str) -> float:
    """The mean over the cells that are asked for."""
    for column, value in where.items():
        truth = truth[truth[column] == value]
    assert len(truth)
    return float(truth[metric].mean() * 100)


def close(value: float) -> object:
    return pytest.approx(value, rel=1e-9)


def test_the_numbers_for_programs(page: Page, truth: pd.DataFrame) -> None:
    key = ["detector", "dataset", "testset", "perturbation"]
    found = pd.DataFrame(page.numbers).set_index(key)[list(truth.columns.difference(key))]
    assert len(found) == 2 * 6 * 4
    pd.testing.assert_frame_equal(found, truth.set_index(key), check_like=True, rtol=0, atol=2e-6)


def test_intervals(page: Page, run: Path) -> None:
    """Of every metric, drawn again by a script that knows only how random numbers are made of names."""
    found = intervals(run / "scores/sample/superres/jpeg=50/cnndetection=small (sample).parquet")
    where = {"detector": "cnndetection:small", "testset": "superres", "perturbation": "jpeg:50"}
    (numbers,) = (one for one in page.numbers if {name: one[name] for name in where} == where)
    known = {
        name for name, value in numbers.items() if name.endswith(("_low", "_high")) and value is not None
    }
    assert {"ap_low", "mcc_high", "nll_low", "brier_high"} <= known
    assert known == set(found)
    assert found == pytest.approx({name: numbers[name] for name in found}, rel=1e-9)


def test_intervals_of_the_leaderboard(page: Page, run: Path) -> None:
    files = run.glob("scores/sample/*/none/cnndetection=small (sample).parquet")
    found = intervals(*files, judged=recompute.leading)
    board = pd.read_csv(run / "leaderboard.csv").set_index(["detector", "perturbation"])
    row = board.loc[("cnndetection:small", "none")]
    for metric in ("acc", "ap", "auroc"):
        ends = [100 * found[f"{metric}_{end}"] for end in ("low", "high")]
        assert row[[f"{metric}_low", f"{metric}_high"]].tolist() == pytest.approx(ends, abs=0.0051)
        assert "[{:.2f}, {:.2f}]".format(*ends) in page.words


@pytest.mark.parametrize("name", ["error-rates", "thresholds", "calibration"])
def test_the_other_tables_of_cells(page: Page, truth: pd.DataFrame, name: str) -> None:
    columns = {label: row.name for label, row in shown_in(name).items() if row.by in ("", "oracle")}
    scale = 1 if name == "calibration" else 100
    rows = page.tables[name].records()
    assert len(rows) == len(truth)
    for row in rows:
        same = [truth[key] == row[key] for key in ("detector", "testset", "perturbation")]
        (expected,) = truth[same[0] & same[1] & same[2]].to_dict("records")
        for label, metric in columns.items():
            if pd.notna(expected[metric]):
                assert float(row[label]) == pytest.approx(scale * expected[metric], abs=2e-6 * scale)


def test_the_summary(page: Page, truth: pd.DataFrame) -> None:
    for row in page.tables["summary"].records():
        cells = truth[(truth["detector"] == row["detector"]) & (truth["perturbation"] == row["perturbation"])]
        assert float(row["Acc., macro"]) == close(100 * cells["acc"].mean())
        right = (cells["acc"] * cells["ok"]).sum()
        assert float(row["Acc., micro"]) == close(100 * right / cells["ok"].sum())
        for label, metric in {"Acc.": "acc", "A.P.": "ap"}.items():
            assert float(row[f"{label}, std. dev."]) == close(100 * cells[metric].std())  # of a sample
        assert float(row["A.P., worst"]) == close(100 * cells["ap"].min())
        assert row["worst on"] in set(cells["testset"][cells["ap"] == cells["ap"].min()])


def test_every_cell(page: Page, truth: pd.DataFrame) -> None:
    rows = page.tables["cells"].records()
    assert len(rows) == len(truth)
    for row in rows:
        where = {name: row[name] for name in ("detector", "testset", "perturbation")}
        for label, metric in METRICS.items():
            assert float(row[label]) == close(percent(truth, metric, **where))


def test_accuracy_and_precision_by_generator(page: Page, truth: pd.DataFrame) -> None:
    rows = page.tables["acc-ap"].records()
    assert len(rows) == 2 * 4
    for row in rows:
        where = {name: row[name] for name in ("detector", "perturbation")}
        for testset in truth["testset"].unique():
            for label in ("Acc.", "A.P."):
                expected = percent(truth, METRICS[label], testset=testset, **where)
                assert float(row[f"{testset}/{label}"]) == close(expected)
        for label in ("Acc.", "A.P."):
            assert float(row[f"Mean/{label}"]) == close(percent(truth, METRICS[label], **where))


def test_means_by_perturbation(page: Page, truth: pd.DataFrame) -> None:
    places = {"none": "none", "jpeg:50": "jpeg/50", "jpeg:90": "jpeg/90", "blur:4.0": "blur/4.0"}
    for row in page.tables["robustness"].records():
        for name, place in places.items():
            for label in ("Acc.", "A.P."):
                expected = percent(truth, METRICS[label], detector=row["detector"], perturbation=name)
                assert float(row[f"{place}/{label}"]) == close(expected)


def test_raw_and_equalised(page: Page, truth: pd.DataFrame) -> None:
    rows = [row for row in page.tables["equalised"].records() if row["testset"] != "Mean"]
    assert len(rows) == 2 * 2 * 6
    for row in rows:
        where = {name: row[name] for name in ("detector", "testset")}
        for label in ("Acc.", "A.P.", "AUROC"):
            raw, equalised = (
                percent(truth, METRICS[label], perturbation=name, **where)
                for name in ("none", row["equalised"])
            )
            shown = [float(row[f"{label}/{name}"]) for name in ("raw", "equalised", "drop")]
            assert shown == pytest.approx([raw, equalised, raw - equalised], abs=1e-9)


def test_against_the_reals_of_each_source(page: Page, truth: pd.DataFrame) -> None:
    """Each test set of the sample has reals of one source, the crops that its fakes were made of."""
    rows = page.tables["real-sources"].records()
    assert len(rows) == len(truth)
    for row in rows:
        where = {name: row[name] for name in ("detector", "testset", "perturbation")}
        shown = [float(row[f"{row['testset']}/{name}"]) for name in ("AUROC", "FPR")]
        expected = [percent(truth, "auroc", **where), 100 - percent(truth, "real_acc", **where)]
        assert shown == pytest.approx(expected, abs=1e-9)


def test_the_heat_map(page: Page, truth: pd.DataFrame) -> None:
    for row in page.tables["heat"].records():
        where = {"detector": row["detector"], "perturbation": "none"}
        for testset in truth["testset"].unique():
            assert float(row[testset]) == close(percent(truth, "auroc", testset=testset, **where))
        assert float(row["Mean"]) == close(percent(truth, "auroc", **where))


def test_the_leaderboard(page: Page, truth: pd.DataFrame) -> None:
    rows = page.tables["leaderboard"].records()
    assert len(rows) == 2 * 4
    for row in rows:
        where = {name: row[name] for name in ("detector", "perturbation")}
        for metric in ("acc", "ap", "auroc"):
            assert float(row[metric]) == close(percent(truth, metric, **where))
        cells = truth[(truth["detector"] == row["detector"]) & (truth["perturbation"] == row["perturbation"])]
        assert float(row["std_dev"]) == close(100 * cells["ap"].std())
        assert float(row["worst"]) == close(100 * cells["ap"].min())


def test_the_scores_of_mistakes(page: Page, run: Path) -> None:
    expected: list[float] = []
    for detector in ("guess", "cnndetection=small (sample)"):
        rows = pd.concat(map(pd.read_parquet, run.glob(f"scores/*/*/none/{detector}.parquet")))
        expected += rows[rows["label"] == 0]["score"].nlargest(4).tolist()
        expected += rows[rows["label"] == 1]["score"].nsmallest(4).tolist()
    assert page.scores == pytest.approx(expected)


def test_mistakes_have_pictures(page: Page) -> None:
    sources = [value for tag, name, value in page.attributes if tag == "img" and name == "src"]
    assert sum(source.startswith("data:image/webp") for source in sources) == 2 * 8


def test_the_audit_and_what_detectors_see(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finish(run.parent, ["report", "run", "--audit", "--explain", "--out", "full.html"])
    assert "nothing drawn of guess" in capsys.readouterr().err
    page = Page((run.parent / "full.html").read_text(encoding="utf-8"))
    sources = [value for tag, name, value in page.attributes if tag == "img" and name == "src"]
    assert sum(source.startswith("data:image/webp") for source in sources) == 2 * 8 + 8
    assert "data:image/png" in "".join(source[:20] for source in sources)
    assert len(page.tables["audit-baseline"].rows) == 6
    assert len(page.tables["audit-properties"].rows) == 12


def test_a_run_whose_images_are_gone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench("run", "--dataset", "tiny", "--detectors", "./bright.py", "--out", "run")
    here = Path.cwd()
    Path("other").mkdir()
    monkeypatch.chdir("other")
    from_elsewhere = bench("report", "../run", "--audit", "--out", "page.html")
    assert "no thumbnails" not in from_elsewhere.err
    page = Page(Path("page.html").read_text(encoding="utf-8"))
    assert "audit-properties" in page.tables
    monkeypatch.chdir(here)
    os.rename("tiny", "elsewhere")  # noqa: PTH104
    outcome = bench("report", "run", "--out", "to/page.html")
    assert outcome.code == 0
    assert "no thumbnails: dataset 'tiny' is not known here" in outcome.err
    page = Page(Path("to/page.html").read_text(encoding="utf-8"))
    assert "alpha/0_real/0.png" in page.words
    assert "the option 'dataset' names the folder of its images" in page.words
    shutil.copytree("elsewhere", "again/tiny")
    assert "no thumbnails" not in bench("report", "run", "--dataset", "again/tiny").err
    assert "data:image/webp" in Path("run/report.html").read_text(encoding="utf-8")


def test_images_that_were_not_scored_are_counted(bench: Bench) -> None:
    Path("tiny/alpha/1_fake/broken.png").write_bytes(b"no image")
    bench("run", "--dataset", "tiny", "--detectors", "./bright.py", "--out", "run")
    assert bench("report", "run").code == 0
    page = Page(Path("run/report.html").read_text(encoding="utf-8"))
    assert "16 of 17" in page.words
    assert "(1 unreadable)" in page.words
    (row,) = page.tables["failures"].records()
    assert (row["testset"], row["ok"], row["unreadable"]) == ("alpha", "8", "1")


def test_two_runs_on_one_page(bench: Bench) -> None:
    Path("second.py").write_text(Path("bright.py").read_text().replace("bright", "second"))
    for name in ("bright", "second"):
        bench("run", "--dataset", "tiny", "--detectors", f"./{name}.py", "--out", name)
    outcome = bench("report", "bright", "second")
    assert outcome.code == 0
    page = Page(Path("results/report.html").read_text(encoding="utf-8"))
    assert [row["detector"] for row in page.tables["heat"].records()] == ["bright", "second"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "there is no run below"),
        (["tiny"], "'tiny' is no run folder"),
        (["run", "--dataset", "nowhere"], "nowhere"),
        (["run", "--protocol", "lgrad-official"], "no cell was run under protocol 'lgrad-official'"),
        (["run", "--out", "tiny"], "cannot write 'tiny'"),
    ],
)
def test_bad_requests_are_named(bench: Bench, arguments: list[str], words: str) -> None:
    if arguments[:1] == ["run"]:
        bench("run", "--dataset", "tiny", "--detectors", "./bright.py", "--out", "run")
    outcome = bench("report", *arguments)
    assert outcome.code == 2
    assert words in outcome.err
