"""Networks that do not fit into memory together score in rounds, and the rows are the same."""

from __future__ import annotations

import gc
import math
from pathlib import Path

import pytest
import torch

from forenbench import BenchError, evaluate
from forenbench.plugins.loading import load_available
from forenbench.plugins.network_room import Room
from forenbench.records.store import Store
from forenbench.scoring.memory import network_memory
from forenbench.testing import Brightness, write_tiny_dataset
from forenbench.weights import Weights

NAMES = ["cnndetection:small@sample", "univfd:lc@sample", "univfd:nn-k1@sample", "frank@sample"]


class Witness(Brightness):
    """Counts the convolutions that are alive while it scores."""

    name = "witness"

    def __init__(self) -> None:
        self.alive: list[int] = []

    def score(self, batch: torch.Tensor) -> torch.Tensor:
        self.alive.append(convolutions())
        return super().score(batch)


def convolutions() -> int:
    return sum(type(one) is torch.nn.Conv2d for one in gc.get_objects())


def test_what_does_not_fit_in_begins_a_round_of_its_own() -> None:
    room = Room(10)
    assert room.takes({"clip": 6, "head": 1})
    assert room.takes({"clip": 6, "other-head": 1})  # the encoder is there already
    assert room.takes({})
    assert (room.takes({"resnet": 3}), room.round) == (False, 1)
    assert (room.takes({"clip": 6}), room.round) == (True, 1)  # beside the ResNet alone
    assert (room.takes({"huge": 99}), room.round) == (False, 2)
    assert (room.takes({"resnet": 3}), room.round) == (False, 3)
    assert (Room(10).takes({"huge": 99}), Room().takes({"huge": 99})) == (True, True)


@pytest.mark.slow
def test_loading_lets_go_of_what_came_before() -> None:
    loaded, _ = load_available(NAMES, Weights(), Room(1))
    # One CLIP serves both heads, but of one byte more than nothing each takes too much.
    assert [one.round for one in loaded] == list(range(len(NAMES)))
    assert [hasattr(one.detector, "score") for one in loaded] == [False] * (len(NAMES) - 1) + [True]
    whole, _ = load_available(NAMES, Weights(), Room())
    assert {one.round for one in whole} == {0}
    for one, other in zip(loaded, whole, strict=True):
        assert (one.name, one.checkpoints, one.made_by) == (other.name, other.checkpoints, other.made_by)
        assert (one.detector.version, one.detector.threshold) == (
            other.detector.version,
            other.detector.threshold,
        )
        assert sum(one.sizes.values()) > 1000


def test_what_cannot_be_loaded_makes_no_round(tmp_path: Path) -> None:
    (tmp_path / "head.pth").write_bytes(bytes(99))
    weights = Weights(paths={"univfd-head": tmp_path / "head.pth"})
    room = Room(1)
    (loaded,), absent = load_available(["cnndetection:small@sample", "univfd:lc"], weights, room)
    assert len(absent) == 1  # CLIP is not here, whatever else is
    assert room.round == 0
    assert hasattr(loaded.detector, "score")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    write_tiny_dataset(tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.mark.slow
def test_rows_and_their_order_are_those_of_one_round(
    dataset: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {}
    gc.collect()
    others = convolutions()  # of tests before this one, in the same process
    for folder, memory in (("once", "1TB"), ("rounds", "1")):
        monkeypatch.setenv("FORENBENCH_NETWORK_MEMORY", memory)
        witness = Witness()
        results = evaluate([*NAMES, witness], dataset, out=dataset.parent / folder, device="cpu")
        found[folder] = results.leaderboard().frame, witness.alive
    assert found["once"][0].equals(found["rounds"][0])
    # The witness holds no checkpoint and scores beside frank, which has no network: the others' are gone.
    assert min(found["once"][1]) > others >= max(found["rounds"][1])
    said = capsys.readouterr().err
    assert "networks take more memory than is free: detectors score in 4 rounds" in said
    assert "round 4 of 4: frank:ridge-small, witness" in said
    once, rounds = (Store(dataset.parent / folder) for folder in found)
    assert len(once.records()) == 2 * (len(NAMES) + 1)  # of two test sets
    for one, other in zip(once.records(), rounds.records(), strict=True):
        assert one.identity == other.identity
        assert one.provenance.position == other.provenance.position
        assert once.rows(one).equals(rounds.rows(other))


def test_half_of_what_is_free_is_for_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORENBENCH_NETWORK_MEMORY", raising=False)
    assert network_memory("cpu", tmp_path) == math.inf  # nothing there that could be asked
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text(
        "MemTotal:  24684096 kB\nMemFree: 5 kB\nMemAvailable:   8000000 kB\n"
    )
    assert network_memory("cpu", tmp_path) == 8_000_000 * 1024 / 2
    older = tmp_path / "sys/fs/cgroup/memory"
    older.mkdir(parents=True)
    (older / "memory.limit_in_bytes").write_text("9223372036854771712\n")  # no limit
    (older / "memory.stat").write_text("cache 5\ntotal_rss 1000\n")
    assert network_memory("cpu", tmp_path) == 8_000_000 * 1024 / 2
    (older / "memory.limit_in_bytes").write_text("5000\n")
    assert network_memory("cpu", tmp_path) == 2000
    (older.parent / "memory.max").write_text("max\n")
    (older.parent / "memory.stat").write_text("anon 400\nfile 3000\n")
    assert network_memory("cpu", tmp_path) == 2000
    (older.parent / "memory.max").write_text("1000\n")
    assert network_memory("cpu", tmp_path) == 300
    monkeypatch.setenv("FORENBENCH_NETWORK_MEMORY", "3GB")
    assert network_memory("cpu", tmp_path) == 3e9
    monkeypatch.setenv("FORENBENCH_NETWORK_MEMORY", "plenty")
    with pytest.raises(BenchError, match=r"^FORENBENCH_NETWORK_MEMORY: 'plenty' is no size; write one"):
        network_memory("cpu", tmp_path)
