"""DDA's table from one command: eleven sets as they are published, on files and weights of our own making."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pandas as pd
import pytest
import torch
from command_line import Bench
from formula import he_weights
from layouts import write_mock
from PIL import Image
from published_keys import wrapped
from small_networks import make_networks_small, small_shapes

from forenbench.data.descriptions import specs, suites
from forenbench.plugins.installed import find
from forenbench.plugins.loading import load
from forenbench.tables.papers import paper_tables
from forenbench.weights import Weights

pytestmark = pytest.mark.slow
DETECTORS = {"NPR": "npr", "SAFE": "safe"}
"""Rows that are run, and their checkpoints: the small networks of nine; others are named as absent."""
REENCODED = ("genimage", "forensynths", "aigcdetect")
SETS = {part.dataset: part.testsets for part in suites()["dda-11"].parts}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data root with the eleven sets, and a folder of weights of small networks."""
    with pytest.MonkeyPatch.context() as patch:
        make_networks_small(patch)
        yield _written(tmp_path_factory)


def _written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dda")
    for name in SETS:
        write_mock(folder / "data", specs()[name])
    noise = np.random.default_rng(0)
    written = sorted(path for path in (folder / "data").rglob("*") if path.suffix in (".png", ".jpg"))
    for path in written:
        # Every file its own picture, of a strength of its own: detectors disagree with labels and each other.
        pixels = 128 + noise.normal(0, noise.choice([1, 12, 60]), (40, 40, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    some = [Image.open(path).convert("RGB") for path in written[::20]]
    for name in DETECTORS.values():
        (checkpoint,) = (one for one in find(name).checkpoints if one.name == name)
        path = folder / "weights" / name / checkpoint.file
        path.parent.mkdir(parents=True)
        state = he_weights([*small_shapes(name).items()])
        torch.save(wrapped(name, checkpoint.key, state), path)
        (loaded,) = load(name, Weights(paths={name: path}, unverified=True))
        scores = [loaded.detector.score(loaded.detector.prepare(image)[None]) for image in some]
        # Half of the pictures are called fake: of one answer for all, every balanced accuracy would be 50.
        state["fc1.bias"][-1] -= torch.cat(scores).double().logit().median()
        torch.save(wrapped(name, checkpoint.key, state), path)
    return folder


def test_one_command_makes_ddas_table(bench: Bench, monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    monkeypatch.setenv("FORENBENCH_WEIGHTS", str(place / "weights"))
    data, run = ("--data-root", str(place / "data")), str(place / "run")
    wanted = ("--experiment", "dda-main", "--limit", "1", "--unverified", "--device", "cpu")
    outcome = bench("run", *wanted, *data, "--out", run)
    assert outcome.code == 1, outcome.err  # for what is absent
    for absent in ("clip-vit-l14", "fatformer", "c2p-clip", "aide-sd14", "drct-clip-sd14", "dda"):
        assert f": {absent}, " in outcome.err
    rows = pd.concat([pd.read_parquet(path) for path in Path(run).glob("scores/**/*.parquet")])
    assert {*rows["dataset"]} == {*SETS}
    assert {*rows["status"]} == {"ok"}
    # JPEG 96 on the fakes of three sets, and on nothing else
    assert {*rows[rows["drawn"].str.contains("jpeg:96")]["dataset"]} == {*REENCODED}
    is_reencoded = rows["dataset"].isin(REENCODED) & (rows["label"] == 1)
    assert (rows["drawn"].str.contains("jpeg:96") == is_reencoded).all()
    printed = bench("table", "dda-main", run, "--format", "csv")
    assert printed.code == 0, printed.err
    table = paper_tables()["dda-main"]
    lines = list(csv.reader(io.StringIO(printed.out)))
    columns = [*zip(*lines[: -len(table.rows)], strict=True)]
    found = {line[0].partition(" (")[0]: line for line in lines[-len(table.rows) :]}
    assert list(found) == [row.label[0] for row in table.rows]
    for label, detector in DETECTORS.items():
        expected = dict(numbers(rows[rows["detector"].str.startswith(f"{detector}:")]))
        shown = {
            column[:2]: float(found[label][at]) for at, column in enumerate(columns) if column[:2] in expected
        }
        assert shown == pytest.approx(expected, abs=0.051)
        assert len({*expected.values()}) > 6  # not one number everywhere
    assert {word for word in found["FatFormer"][1:] if word} == set()


def numbers(rows: pd.DataFrame) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield a detector's numbers by the table's two lines of headings, from its rows alone."""
    called = (rows["score"] > 0.5) == (rows["label"] == 1)
    rates = called.groupby([rows["dataset"], rows["testset"], rows["label"]]).mean()
    headings = {
        "genimage": "GenImage",
        "drct-2m": "DRCT-2M",
        "evalgen": "EvalGEN",
        "synthbuster": "Synthbuster",
        "forensynths": "ForenSynths",
        "aigcdetect": "AIGCDetect",
        "synthwildx": "SynthWildX",
        "wildrf": "WildRF",
    }
    for dataset, heading in headings.items():
        each = [100 * float(some.mean()) for _, some in rates[dataset].groupby(level="testset")]
        yield (heading, "mean"), mean(each)
        yield (heading, "sd"), stdev(each)
