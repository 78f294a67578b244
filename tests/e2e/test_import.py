"""``bench import``: foreign scores stand in tables as a detector's own, and no row is lost."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import Bench
from sklearn.metrics import average_precision_score, roc_auc_score

from forenbench.records.store import Store

SCORES = Path("scores.csv")
OUT = Path("results/runs/scores")


def write(text: str, file: Path = SCORES) -> None:
    file.write_text("path,label,score,generator\n" + text)


def cells(run: Path = OUT) -> pd.DataFrame:
    return pd.read_csv(run / "tables/cells.csv")


def files(run: Path = OUT) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in run.glob("scores/**/*.*")}


def test_a_hundred_thousand_rows_have_the_metrics_of_scikit_learn(bench: Bench) -> None:
    """Ties (three decimals), scores saturated at 0 and 1, missing ones and NaN."""
    number = 100_000
    at = np.arange(number)
    labels = at % 2
    scores = (((at * 7919) % 1409) / 1000 - 0.2 + 0.1 * labels).round(3).clip(0, 1)
    texts = [f"{score}" for score in scores]
    lost = (at % 1000 == 3) | (at % 1000 == 8)
    for place in np.flatnonzero(lost):
        texts[place] = "" if place % 1000 == 3 else "nan"
    generators = np.where(labels == 0, "", np.where(at % 4 == 1, "alpha", "beta"))
    frame = pd.DataFrame({"path": [f"{i}.png" for i in at], "label": labels, "score": texts})
    frame.assign(generator=generators).to_csv(SCORES, index=False)
    outcome = bench("import", "scores.csv", "--detector", "api")
    assert outcome.code == 1
    assert "100 failed" in outcome.err
    assert "api" in outcome.out
    store = Store(OUT)
    for record in store.records():
        name = record.cell.testset
        inside = (generators == "") | (generators == name)
        kept = inside & ~lost
        rows = store.rows(record)
        assert len(rows) == inside.sum()
        assert (rows["status"] != "ok").sum() == (inside & lost).sum()
        assert rows.loc[rows["status"] != "ok", "error"].str.contains(r"row \d+ of scores.csv").all()
        line = cells().set_index("testset").loc[name]
        expected = labels[kept], scores[kept].astype(np.float32)
        assert line["A.P."] == pytest.approx(100 * average_precision_score(*expected), abs=0.051)
        assert line["AUROC"] == pytest.approx(100 * roc_auc_score(*expected), abs=0.051)
        assert line["Acc."] == pytest.approx(100 * ((scores > 0.5) == labels)[kept].mean(), abs=0.051)


def test_a_wide_file_makes_the_cells_that_its_columns_make_one_by_one(bench: Bench) -> None:
    SCORES.write_text("path,label,Alpha,beta\na,real,0.1,0.7\nb,fake,0.9,0.8\nc,fake,0.2,\n")
    outcome = bench("import", "scores.csv", "--scores", "Alpha,beta")
    assert outcome.code == 1
    assert "beta on scores/scores (none): 1 failed" in outcome.err
    assert outcome.out.count("Accuracy and average precision") == 1
    for name in ("Alpha", "beta"):
        code = bench(
            "import", "scores.csv", "--detector", name, "--columns", f"score={name}", "--out", "one"
        ).code
        assert code == (1 if name == "beta" else 0)
    wide, single = (
        [(record.identity, record.rows_sha256) for record in Store(run).records()]
        for run in (OUT, Path("one"))
    )
    assert wide == single
    again = bench("import", "scores.csv", "--scores", "Alpha,beta")
    assert "all 2 cells were there before" in again.err


def test_the_same_file_changes_nothing_and_a_changed_one_supersedes(bench: Bench) -> None:
    write("a,real,0.1,\nb,fake,0.9,one\nc,fake,0.8,two\n")
    assert bench("import", "scores.csv", "--detector", "api").code == 0
    before = files()
    outcome = bench("import", "scores.csv", "--detector", "api")
    assert outcome.code == 0
    assert "all 2 cells were there before" in outcome.err
    assert files() == before
    assert bench("import", "scores.csv", "--detector", "other").code == 0
    write("a,real,0.1,\nb,fake,0.05,one\n")
    outcome = bench("import", "scores.csv", "--detector", "api")
    assert "scores/two is in scores.csv no more: superseded" in outcome.err
    assert len(list(OUT.glob("superseded/*/scores/scores/*/none/api.parquet"))) == 2
    kept = {(r.cell.detector, r.cell.testset) for r in Store(OUT).records()}
    assert kept == {("api", "one"), ("other", "one"), ("other", "two")}
    (row,) = [r for r in Store(OUT).records() if r.cell.detector == "api"]
    assert Store(OUT).rows(row)["score"].tolist() == [np.float32(0.1), np.float32(0.05)]


def test_another_reading_of_the_same_file_is_another_result(bench: Bench) -> None:
    write("a,real,0.1,\nb,fake,0.9,one\n")
    assert bench("import", "scores.csv", "--detector", "api").code == 0
    assert cells()["A.P."].item() == 100
    assert bench("import", "scores.csv", "--detector", "api", "--real-is-high").code == 0
    assert (cells()["A.P."].item(), cells()["Acc."].item()) == (50, 0)
    notes = (OUT / "tables/cells.md").read_text()
    assert "higher meant real, turned round by 1 - score" in notes


def test_imported_scores_stand_beside_those_of_a_run(bench: Bench) -> None:
    """What `bright` gave, imported as another detector's, has its metrics and its test sets' digests."""
    assert bench("run", "--detectors", "./bright.py", "--dataset", "tiny").code == 0
    store = Store(Path("results/runs/tiny"))
    rows = pd.concat([store.rows(record) for record in store.records()])
    rows[["path", "label", "score"]].to_csv(SCORES, index=False)
    outcome = bench("import", "scores.csv", "--detector", "api", "--dataset", "tiny")
    assert outcome.code == 0, outcome.err
    assert "WARNING" not in outcome.out
    own, foreign = (group for _, group in cells(store.root).groupby("weights", sort=False))
    assert own["detector"].unique() == "bright"
    assert foreign["weights"].unique() == "foreign"
    same = ["testset", "ok", "images", "Acc.", "A.P.", "AUROC"]
    assert own[same].to_numpy().tolist() == foreign[same].to_numpy().tolist()
    board = pd.read_csv(store.root / "leaderboard.csv").set_index("detector")
    assert board.loc["api", "checkpoints"].startswith("scores=")
    assert board["ap"].nunique() == 1
    assert bench("run", "--detectors", "./bright.py", "--dataset", "tiny").code == 0


def test_scores_of_perturbed_copies_stand_in_their_perturbation_s_column(bench: Bench) -> None:
    """What `bright` gave under jpeg:90, imported from files of their own, has its metrics in its places."""
    wanted = ("--dataset", "tiny", "--perturbations", "none,blur:1.0,jpeg:90")
    assert bench("run", "--detectors", "./bright.py", *wanted).code == 0
    store = Store(Path("results/runs/tiny"))
    for name in ("jpeg:90", "none"):
        records = [record for record in store.records() if record.cell.perturbation == name]
        rows = pd.concat([store.rows(record) for record in records])
        file = f"{name[:4]}.csv"
        rows[["path", "score"]].to_csv(file, index=False)
        options = ("--detector", "api", "--dataset", "tiny", "--perturbation", name.replace("90", "090"))
        outcome = bench("import", file, *options)
        assert outcome.code == 0, outcome.err
    assert "WARNING" not in outcome.out
    assert "scores of api on copies under jpeg:90, made elsewhere, were imported from jpeg.csv" in outcome.out
    own, foreign = (group for _, group in cells(store.root).groupby("weights", sort=False))
    own = own[own["perturbation"] != "blur:1.0"]
    same = ["perturbation", "testset", "Acc.", "A.P.", "AUROC"]
    assert own[same].to_numpy().tolist() == foreign[same].to_numpy().tolist()


def test_a_file_of_one_perturbation_supersedes_nothing_of_another(bench: Bench) -> None:
    write("a,real,0.1,\nb,fake,0.9,one\nc,fake,0.8,two\n")
    assert bench("import", "scores.csv", "--detector", "api").code == 0
    write("a,real,0.1,\nb,fake,0.9,one\n")
    assert bench("import", "scores.csv", "--detector", "api", "--perturbation", "jpeg:90").code == 0
    records = Store(OUT).records()
    assert all(one.identity.perturbation == one.cell.perturbation for one in records)
    assert {(r.cell.testset, r.cell.perturbation) for r in records} == {
        ("one", "none"),
        ("two", "none"),
        ("one", "jpeg:90"),
    }


def test_some_of_a_dataset_s_images_are_taken_as_a_run_takes_them(bench: Bench) -> None:
    """One file with every score, beside runs with a limit and a protocol; what is left aside is told."""
    assert bench("run", "--detectors", "./bright.py", "--dataset", "tiny").code == 0
    whole = Store(Path("results/runs/tiny"))
    rows = pd.concat([whole.rows(record) for record in whole.records()])
    rows[["path", "score"]].to_csv(SCORES, index=False)
    for name, *some in (("limit2", "--limit", "2"), ("lgrad-official", "--protocol", "lgrad-official")):
        assert bench("run", "--detectors", "./bright.py", "--dataset", "tiny", *some).code == 0
        outcome = bench("import", "scores.csv", "--detector", "api", "--dataset", "tiny", *some)
        assert outcome.code == 0, outcome.err
        assert ("8 rows are of no image that was asked for" in outcome.err) == (name == "limit2")
        own, foreign = (
            group.drop(columns=["detector", "weights"]).to_numpy().tolist()
            for _, group in cells(Path(f"results/runs/tiny-{name}")).groupby("weights", sort=False)
        )
        assert own == foreign


def test_images_without_a_score_are_failed_rows(bench: Bench) -> None:
    write("tiny/alpha/0_real/0.png,,0.1,x\n./tiny/alpha/1_fake/0.png,,0.9,\n")
    pd.read_csv(SCORES).drop(columns=["label", "generator"]).to_csv(SCORES, index=False)
    outcome = bench("import", "scores.csv", "--detector", "api", "--dataset", "tiny", "--prefix", "tiny/")
    assert outcome.code == 1
    assert "api on tiny/alpha (none): 6 failed" in outcome.err
    assert "api on tiny/beta (none): 8 failed" in outcome.err
    line = cells(Path("results/runs/tiny")).set_index("testset").loc["alpha"]
    assert (line["ok"], line["images"], line["A.P."]) == (2, 8, 100)


def test_rows_of_a_run_are_never_displaced(bench: Bench) -> None:
    assert bench("run", "--detectors", "./bright.py", "--dataset", "tiny").code == 0
    write("alpha/0_real/0.png,0,0.1,\n")
    before = files(Path("results/runs/tiny"))
    outcome = bench("import", "scores.csv", "--detector", "bright", "--dataset", "tiny")
    assert outcome.code == 2
    assert "were run, not imported" in outcome.err
    assert files(Path("results/runs/tiny")) == before


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("a,0,0.1,\na,0,0.2,\n", "", "lists more than once: 1 (a)"),
        ("a,0,0.1,\n./a,0,0.2,x\nb,1,1,x\n", "", "both with and without a generator: 1 (a)"),
        ("a,0,0.1,\n", "--dataset tiny", "does not have: 1 (a); the dataset's are like 'alpha/"),
        (
            "alpha/0_real/0.png,1,0.1,\n",
            "--dataset tiny",
            "differ from the dataset's: 1 (alpha/0_real/0.png)",
        ),
        ("beta/0_real/0.png,0,0.1,\n", "--dataset tiny --generators alpha", "does not have: 1 (beta"),
        ("a,0,0.1,\n", "--dataset tiny --generator x", "leave out dataset_name and generator"),
        ("a,0,0.1,\n", "--generators x", "choose images of a dataset: name one"),
        ("a,0,0.1,\n", "--real a/*", "choose images of a dataset: name one"),
        ("a,0,0.1,\n", "--perturbation jepg:90", "unknown perturbation 'jepg'"),
        ("a,0,0.1,\n", "--labels real", "--labels 'real' is not NAME=VALUE"),
        ("a,0,0.1,\n", "--threshold nan", "no finite number"),
        ("a,0,0.1,\n", "--detector=", "the detector has no name"),
        ("a,0,0.1,\n", "--columns label=truth", "no column 'truth'"),
        ("a,0,0.1,\n", "--scores score", "leave out detector and its column"),
        ("a,0,0.1,\n", "--detector= --scores score,Score", "names a column twice"),
    ],
)
def test_bad_requests_write_nothing(bench: Bench, text: str, options: str, words: str) -> None:
    write(text)
    outcome = bench("import", "scores.csv", "--detector", "api", *options.split())
    assert outcome.code == 2
    assert words in outcome.err
    assert not Path("results").exists()


def test_a_file_of_one_label_has_blank_metrics_and_a_reason(bench: Bench) -> None:
    write("a,real,0.1,\nb,real,0.9,\n")
    outcome = bench("import", "scores.csv", "--detector", "api")
    assert outcome.code == 0
    assert "real images only, AP and AUROC are undefined" in outcome.err
    assert np.isnan(cells()["A.P."].item())


def test_the_record_says_what_the_rows_are_made_of(bench: Bench) -> None:
    import hashlib

    write("a,real,0.1,\nb,fake,0.9,\n")
    options = ("--dataset-name", "wild", "--generator", "sdxl", "--threshold", "0.3", "--out", "here")
    assert bench("import", "scores.csv", "--detector", "api", *options).code == 0
    record = json.loads(Path("here/scores/wild/sdxl/none/api.json").read_text())
    assert record["identity"]["checkpoints"] == {"scores": hashlib.sha256(SCORES.read_bytes()).hexdigest()}
    assert record["identity"]["kind"] == "foreign"
    assert record["identity"]["threshold"] == float(np.float32(0.3))
    assert record["made"]["command"][1] == "import"
