"""``bench calibrate`` and ``bench compare`` on small runs."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from command_line import BRIGHT, Bench, finish
from recompute_fitted import fitted

from forenbench.records.store import Store
from forenbench.tables import measure
from forenbench.testing import write_tiny_dataset

NOISY = """
import torch

from forenbench.testing import Brightness


class Noisy(Brightness):
    name = "noisy"
    trained_on = "beta"

    def score(self, batch):
        return (super().score(batch) * 37) % 1
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs of two detectors over different images, and with what they were made of."""
    folder = tmp_path_factory.mktemp("statistics")
    write_tiny_dataset(folder / "tiny")
    write_tiny_dataset(folder / "more", ("alpha", "beta", "gamma", "delta"), 6)
    for images, name in {"gamma": "gamma", "delta": "beta"}.items():  # a name of both, with other images
        shutil.copytree(folder / "more" / images, folder / "held-out" / name)
    (folder / "bright.py").write_text(BRIGHT)
    (folder / "noisy.py").write_text(NOISY)
    call = ["run", "--detectors", "./bright.py,./noisy.py", "--dataset"]
    finish(folder, [*call, "tiny"], [*call, "held-out"])
    return folder


@pytest.fixture
def runs(bench: Bench, finished: Path) -> tuple[str, str]:
    """The two runs, as if they had been made in the test's own folder."""
    shutil.copytree(finished, ".", dirs_exist_ok=True)
    return "results/runs/tiny", "results/runs/held-out"


def test_a_fit_on_other_images_shows_and_one_on_the_same_is_refused(
    bench: Bench, runs: tuple[str, str]
) -> None:
    tested, validation = runs
    refused = bench("calibrate", tested, "--on", tested)
    assert refused.code == 2
    assert "the splits overlap" in refused.err
    assert not Path(tested, "fits.json").exists()
    assert bench("calibrate", tested, "--on", validation).code == 0
    assert "Acc., fitted" in bench("table", "thresholds", tested, "--format", "csv").out
    assert "ECE, isotonic" in bench("table", "calibration", tested, "--format", "csv").out
    assert "--on is needed" in bench("calibrate", tested).err


def test_fitted_columns_are_what_fitting_again_gives(bench: Bench, runs: tuple[str, str]) -> None:
    tested, validation = map(Path, runs)
    assert bench("calibrate", *runs[:1], "--on", runs[1]).code == 0
    cells = measure([Store(tested)]).set_index(["detector", "testset"])
    for detector in ("bright", "noisy"):
        again = list(validation.glob(f"scores/*/*/none/{detector}.parquet"))
        for testset in ("alpha", "beta"):
            expected = fitted(tested / f"scores/tiny/{testset}/none/{detector}.parquet", again)
            found = cells.loc[(detector, testset), list(expected)].to_dict()
            assert {"fitted_bacc", "temperature_nll", "platt_ece", "isotonic_ece"} <= expected.keys()
            assert found == pytest.approx(expected, abs=1e-5)


def test_copies_under_other_names_are_refused_from_any_folder(
    bench: Bench, runs: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("held-out/new").mkdir()
    shutil.copytree("tiny", "held-out/new/copies")
    outcome = bench("run", "--detectors", "./bright.py", "--dataset", "held-out/new", "--out", "copied")
    assert outcome.code == 0, outcome.err
    here = Path.cwd()
    Path("elsewhere").mkdir()
    for folder in (here / "elsewhere", here):
        monkeypatch.chdir(folder)
        refused = bench("calibrate", str(here / runs[0]), "--on", str(here / "copied"))
        assert refused.code == 2
        assert "the splits overlap: 'copies/" in refused.err
    shutil.rmtree("held-out/new")
    unknown = bench("calibrate", runs[0], "--on", "copied")
    assert unknown.code == 0
    assert "compared by name only, their files are not at hand or have changed: new/" in unknown.err
    assert "not fitted, not run on the validation images: noisy (own)" in unknown.err


def test_without_runs_all_but_the_validation_run_are_fitted(bench: Bench, runs: tuple[str, str]) -> None:
    assert bench("calibrate", "--on", runs[1]).code == 0
    assert Path(runs[0], "fits.json").exists()
    assert not Path(runs[1], "fits.json").exists()


def test_two_detectors_of_a_run_are_compared(bench: Bench, runs: tuple[str, str]) -> None:
    outcome = bench("compare", runs[0], "--format", "csv")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0].startswith("detector,against,testset,metric,images,first,second,difference,differe")
    assert sum(line.startswith("bright (own),noisy (own),Mean,") for line in lines) == 3
    assert "one run folder or two, not 3" in bench("compare", *runs, runs[0]).err


def test_what_a_detector_has_seen_is_starred(bench: Bench, runs: tuple[str, str]) -> None:
    text = bench("table", "acc-ap", runs[0], "--format", "markdown").out
    assert "* generator or reals seen in training, as the detectors state: beta by noisy." in text
    (line,) = (line for line in text.splitlines() if line.startswith("| noisy "))
    # two numbers of one generator; three means, three deviations, and the worst
    assert line.count("*") == 2 + 3 + 3 + 1


def test_a_fit_on_a_split_of_the_tested_dataset_succeeds(bench: Bench) -> None:
    """The refusal names the command that makes the splits, which prints those that use them."""
    call = ["run", "--detectors", "./bright.py", "--dataset"]
    assert bench(*call, "tiny").code == 0
    refused = bench("calibrate", "results/runs/tiny", "--on", "results/runs/tiny")
    said = re.search("'(bench data split .*)' makes splits", refused.err)
    assert said
    made = bench(*shlex.split(said[1])[1:-1], "0.5")
    assert made.code == 0
    printed = [shlex.split(line)[1:] for line in made.err.splitlines() if line.startswith("  bench ")]
    assert [words[0] for words in printed] == ["run", "run", "calibrate"]
    for words in printed:
        detectors = ["--detectors", "./bright.py"] if words[0] == "run" else []
        assert bench(*words, *detectors).code == 0, words
    assert Path("results/runs/tiny-split-test/fits.json").is_file()
    again = bench("calibrate", "results/runs/tiny", "--on", "results/runs/tiny-split-val")
    assert again.code == 2  # all of it, which holds what was fitted on
    assert "the splits overlap" in again.err
