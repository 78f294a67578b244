"""Every table of the first papers from one command: small networks, formula weights, tiny data."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
import pytest
from command_line import Bench
from layouts import write_layout
from printed_papers import FIRST_PAPERS
from published_files import BLOCKS, write_published
from sklearn.metrics import average_precision_score
from small_networks import make_networks_small

from forenbench.plugins.installed import find, installed
from forenbench.plugins.loading import load
from forenbench.tables.papers import PaperTable, paper_tables
from forenbench.weights import Checkpoint, Weights

pytestmark = pytest.mark.slow
SOME = {
    "cnndetection": "biggan,seeingdark,deepfake",
    "cnndetection-fig2": "biggan,seeingdark,deepfake",
    "cnndetection-fig3": "biggan,seeingdark,deepfake",
    "lgrad-3": "biggan",
    "lgrad-4": "biggan",
    "lgrad-5": "biggan",
    "univfd-acc": "biggan,dalle",
    "univfd-ap": "biggan,dalle",
}
"""Tables of many networks are run over some of their columns: each row is filled, other columns are not.

All are filled where that costs least: in LGrad's sixth table, means included, and in CNNDetection's README.
"""
TRANSFORMED = ("input-image", "progan-random", "stylegan-bedroom", "clip-rn50")
"""LGrad's transformations that it is trained with: none, an untrained network, a GAN's, and one with its own
statistics. Tables make the pictures of all of them, and a training differs in nothing else."""

CELL = ["detector", "dataset", "testset", "perturbation"]
"""What the rows of a cell have in common."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data root, a folder of weights, and a run folder that all tables share."""
    folder = tmp_path_factory.mktemp("papers")
    for name in (
        "forensynths",
        "forensynths-train",
        "univfd-diffusion",
        "celebahq",
        "celebahq-train",
        "forensynths-val",
    ):
        # With two contents an encoder sees most of them once. A training refuses to be validated on its own
        # images.
        write_layout(folder / "data", name, contents=None if name.endswith(("-train", "-val")) else 2)
    with pytest.MonkeyPatch.context() as patch:
        make_networks_small(patch, BLOCKS)
        write_published(folder / "weights")
        yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", FIRST_PAPERS)
def test_one_command_runs_a_table_and_another_prints_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, place: Path, name: str
) -> None:
    monkeypatch.setenv("FORENBENCH_WEIGHTS", str(place / "weights"))
    table = paper_tables()[name]
    images = "2" if table.by_class else "1"  # of 20 classes, evenly spaced: the others' rows stay empty
    run = place / f"run-limit{images}"
    arguments = ("--data-root", str(place / "data"), "--limit", images, "--unverified", "--out", str(run))
    some = ("--generators", SOME[name]) if name in SOME else ()
    outcome = bench("run", "--experiment", name, *arguments, *some)
    assert outcome.code == 0, outcome.err
    printed = bench("table", name, str(run), "--format", "csv")
    assert printed.code == 0, printed.err
    assert numbers(printed.out, table) == expected(run, table, SOME.get(name, "").split(","))
    beside = bench("table", name, str(run), "--against", "published", "--format", "markdown")
    assert "Compared: " in beside.out
    assert f"limit {images}" in beside.out
    if name == "cnndetection-fig3":
        again = bench("run", "--experiment", name, *arguments, *some)
        assert "Nothing to compute: all 15 cells were done before." in again.err


def trainable() -> list[tuple[str, Checkpoint]]:
    """List a variant and its own checkpoint for each network that a printed command trains or runs.

    Of those that differ in classes, or in the number of images, the first: `test_training_names.py` has all.
    """
    found: dict[tuple[str, ...], tuple[str, Checkpoint]] = {}
    for plugin in installed():
        for variant in plugin.variants("published"):
            for one in getattr(plugin.plugin, "needs", {}).get(variant, ()):
                # 5 GB, and minutes. A probe's backbones are as large; it is trained on a small one elsewhere.
                if one.command and "--end-to-end" not in one.command and plugin.name != "probe":
                    if plugin.name == "lgrad" and not any(f" {it} " in one.command for it in TRANSFORMED):
                        continue
                    options = re.findall(r"--(?:transformation|backbone|aug) \S+", one.command)
                    found.setdefault((one.command.split()[2], *options), (f"{plugin.name}:{variant}", one))
    return list(found.values())


@pytest.mark.parametrize(
    ("detector", "checkpoint"), trainable(), ids=lambda value: getattr(value, "name", "")
)
def test_the_printed_command_trains_what_its_detector_then_finds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, place: Path, detector: str, checkpoint: Checkpoint
) -> None:
    monkeypatch.setenv("FORENBENCH_WEIGHTS", str(place / "weights"))
    printed = checkpoint.command.split()[1:]
    small = ["--data-root", str(place / "data"), "--limit", "2", "--name", checkpoint.name]
    small += ["--classes", "horse"] if "forensynths-train" in printed else []
    small += ["--epochs", "1"] if not {"univfd-nn", "durall"} & {*printed} else []
    outcome = bench(*printed, *small, "--unverified", "--device", "cpu", "--workers", "0")
    assert outcome.code == 0, outcome.err
    monkeypatch.setenv("FORENBENCH_WEIGHTS", "trained")
    needed = find(detector.partition(":")[0]).plugin.needs[detector.partition(":")[2]]
    frozen = {one.name: place / "weights" / one.name / one.file for one in needed if one != checkpoint}
    weights = Weights(paths=frozen, unverified=True)
    assert weights.path(checkpoint).parent == Path("trained")
    (loaded,) = load(detector, weights)
    assert loaded.name == detector


def numbers(text: str, table: PaperTable) -> list[list[str]]:
    """Read the body of a printed table, without its columns of signs."""
    lines = list(csv.reader(io.StringIO(text)))
    header, body = lines[: -len(table.rows)], lines[-len(table.rows) :]
    signs = {at for line in header for at, word in enumerate(line) if word.endswith(" marks")}
    return [
        [word for at, word in enumerate(line) if at >= len(table.index) and at not in signs] for line in body
    ]


def expected(run: Path, table: PaperTable, some: list[str]) -> list[list[str]]:
    """Compute every number of a table from the rows of its cells, means aside those of the other numbers.

    Of other test sets than `some`, where any are named, there need not be one: another table may have run it.
    """
    kept = [*CELL, "class", "label", "score", "status"]
    rows = pd.concat([pd.read_parquet(path, columns=kept) for path in run.glob("scores/**/*.parquet")])
    found = dict(iter(rows.groupby(CELL)))  # once: to look through all rows for each number takes longer
    cells = [[next(iter(table.behind(row, column)), None) for column in table.columns] for row in table.rows]
    values = [
        [cell and value(found, cell, must=some == [""] or cell["testset"] in some) for cell in line]
        for line in cells
    ]
    for r, row in enumerate(table.rows):
        for c, column in enumerate(table.columns):
            if column.sums_up:
                metric = column.cell["metric"]
                same = [
                    k for k, it in enumerate(table.columns) if not it.sums_up and it.cell["metric"] == metric
                ]
                values[r][c] = mean([values[r][k] for k in same])
            elif row.sums_up:
                values[r][c] = mean([values[k][c] for k, it in enumerate(table.rows) if not it.sums_up])
    return [["" if it is None else f"{it:.{table.decimals}f}" for it in line] for line in values]


def mean(values: list[float | None]) -> float | None:
    return None if None in values else sum(values) / len(values)  # type: ignore[arg-type]


def value(
    found: Mapping[tuple[str, ...], pd.DataFrame], cell: Mapping[str, str], *, must: bool
) -> float | None:
    """Compute one number in percent; None where there are no rows, unless there must be."""
    rows = found.get(tuple(cell[column] for column in CELL), pd.DataFrame())
    if cell["class"] and not rows.empty:
        rows = rows[rows["class"] == cell["class"]]
        must = must and not rows.empty  # classes are drawn
    if rows.empty and not must:
        return None
    assert len(rows) == 2
    assert set(rows["status"]) == {"ok"}
    if cell["metric"] == "ap":
        return 100 * float(average_precision_score(rows["label"], rows["score"]))
    threshold = 0.0 if re.search(":nn-|:.*svm-", cell["detector"]) else 0.5
    return 100 * float(((rows["score"] > threshold) == (rows["label"] == 1)).mean())
