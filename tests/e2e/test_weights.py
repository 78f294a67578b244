"""Checkpoints from the command line: never downloaded unasked, found once they are here."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest
import torch
from caches import cache_with_sample
from command_line import Bench
from formula import he_weights
from golden import SHARED, needs_shared

from forenbench.files.checksums import sha256_of
from forenbench.records.store import Store
from forenbench.tables import make
from forenbench.tables.rendering import STYLES, render

FILE = "ForenSynth_Tiny_LaDeDa.pth"
NORMS = ("bn1", "layer1.0.bn1", "layer1.0.bn2")
SHAPES = {
    "conv1.weight": (8, 3, 1, 1),
    "conv2.weight": (8, 8, 3, 3),
    "layer1.0.conv1.weight": (8, 8, 1, 1),
    "layer1.0.conv2.weight": (8, 8, 3, 3),
    "fc.weight": (1, 8),
    "fc.bias": (1,),
    **{f"{norm}.{key}": (8,) for norm in NORMS for key in ("weight", "bias", "running_mean", "running_var")},
    **{f"{norm}.num_batches_tracked": () for norm in NORMS},
}


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start without any checkpoint or kept features, and without a network."""

    connect = socket.socket.connect

    def refuse(self: socket.socket, address: str) -> None:
        assert self.family == socket.AF_UNIX, "the network was asked"  # processes of this machine talk so
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_with_sample(tmp_path / "cache")))
    monkeypatch.delenv("FORENBENCH_WEIGHTS", raising=False)


def write_formula_weights(folder: Path) -> Path:
    """Write a file of the published format with other numbers."""
    folder.mkdir()
    torch.save(he_weights(SHAPES.items()), folder / FILE)
    return folder / FILE


def test_a_run_without_its_weights_names_them_all_and_asks_no_network(bench: Bench) -> None:
    outcome = bench("run", "--detectors", "tiny-ladeda,univfd:lc", "--dataset", "tiny")
    assert outcome.code == 2
    for words in (
        "FORENBENCH_WEIGHTS",
        "--weights NAME=PATH",
        "tiny-ladeda, 12.4 kB",
        "clip-vit-l14, ",
        "MIT",
    ):
        assert words in " ".join(outcome.err.split())


@needs_shared
def test_fetched_weights_are_found_by_a_run(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    path = tmp_path / "mirror" / FILE
    shutil.copyfile(SHARED / "tiny_ladeda_forensynths.pth", path)
    fetched = bench("weights", "fetch", "--detector", "tiny-ladeda", "--mirror", "mirror", "--yes")
    assert fetched.code == 0
    run = bench("run", "--detectors", "tiny-ladeda", "--dataset", "tiny", "--out", "run")
    assert run.code == 0
    records = "".join(path.read_text() for path in tmp_path.glob("run/**/*.json"))
    assert f'"tiny-ladeda": "{sha256_of(path)}"' in records


def test_a_folder_of_ones_own_needs_no_download(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_formula_weights(tmp_path / "mine")
    monkeypatch.setenv("FORENBENCH_WEIGHTS", "mine")
    command = ("run", "--detectors", "tiny-ladeda", "--dataset", "tiny")
    refused = bench(*command)
    assert refused.code == 2
    assert "bytes, expected 12405" in refused.err
    assert "--unverified" in refused.err
    taken = bench(*command, "--unverified")
    assert taken.code == 0
    assert f"tiny-ladeda (own) {sha256_of(path)[:12]}" in taken.out


def test_own_weights_are_called_own_wherever_their_numbers_stand(bench: Bench, tmp_path: Path) -> None:
    """Whatever prints a row says whose weights made it, and stars are those that the user states."""
    path, wrapped = write_formula_weights(tmp_path / "mine"), tmp_path / "wrapped.pth"
    torch.save({"state_dict": {f"module.{key}": value for key, value in torch.load(path).items()}}, wrapped)
    command = ("run", "--detectors", "tiny-ladeda", "--dataset", "tiny", "--unverified", "--out", "run")
    told = bench(*command, "--weights", f"tiny-ladeda={wrapped}")
    assert told.code == 0, told.err
    assert "own" in told.out
    assert "read from the file's key 'state_dict', without 'module.' before every key" in " ".join(
        told.out.split()
    )
    assert "Not known what these weights have seen in training" in told.out
    printed = [render(make("summary", [Store(tmp_path / "run")]), style) for style in STYLES]
    assert bench("report", "run", "--out", "report.html", "--worst", "0").code == 0
    files = ("run/leaderboard.csv", "run/leaderboard.md", "run/tables/cells.csv", "report.html")
    printed += [(tmp_path / file).read_text() for file in files]
    for text in printed:
        rows = [line for line in text.splitlines() if "tiny-ladeda:forensynths" in line]
        assert rows
        assert "published" not in " ".join(rows)
        assert any("own" in row for row in rows) or "<td>own" in text
    starred = bench(*command, "--weights", f"tiny-ladeda={wrapped}", "--trained-on", "alpha")
    assert "Nothing to compute" in starred.err
    assert "seen in training, as the detectors state: alpha by tiny-ladeda:forensynths" in starred.out
    assert "Not known" not in starred.out
    idle = bench("run", "--detectors", "./bright.py", "--dataset", "tiny", "--trained-on", "alpha")
    assert idle.code == 2
    assert "what other weights than the published ones have seen is stated" in idle.err
    own = ("--detectors", "tiny-ladeda", "--weights", f"tiny-ladeda={path}", "--unverified")
    assert bench("score", "tiny/alpha/1_fake", *own, "--format", "csv").out.count(",own,") == 4


def test_the_contract_of_a_published_detector_is_checked_with_files_of_ones_own(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_formula_weights(tmp_path / "home")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    command = ("check", "detector", "tiny-ladeda", "--weights", f"tiny-ladeda=~/{FILE}")
    unasked = bench(*command)
    assert unasked.code == 2
    assert "has no sample checkpoints; ask for tiny-ladeda@published" in unasked.err
    checked = bench(*command, "--checkpoints", "published", "--unverified")
    assert checked.code == 0, checked.err
    assert checked.out.count("ok    tiny-ladeda:forensynths") == 12


def test_both_lists_of_weights_say_the_same(bench: Bench) -> None:
    assert bench("list", "weights").out == bench("weights", "list").out
