"""Memory that networks compute in stays with the process while they are at work, and goes back afterwards."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from forenbench import BenchError
from forenbench.perturbations import parse
from forenbench.plugins.loaded import LoadedDetector
from forenbench.records.environment import versions
from forenbench.scoring.batches import ReadRequest
from forenbench.scoring.engines.local import LocalEngine
from forenbench.scoring.engines.replica import Replica, Setup, identity
from forenbench.scoring.kept_memory import keeping_memory
from forenbench.scoring.lineup import Lineup
from forenbench.scoring.numerics import Numerics
from forenbench.scoring.outcome import Silent
from forenbench.scoring.pipeline import score_testset
from forenbench.scoring.plan import Shard
from forenbench.scoring.working import EngineChoice
from forenbench.testing import Brightness, MemorySource, tiny_image
from forenbench.training.processes import joined
from forenbench.types import REAL, Sample, TestSet

SIZE = 64 << 20
"""Of a block: more than glibc would keep by itself."""
NAMES = ("FORENBENCH_KEEP_MEMORY", "MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
SOURCE = MemorySource([tiny_image(1)])

if sys.platform != "linux" or "CS_GNU_LIBC_VERSION" not in os.confstr_names:
    pytest.skip("only glibc has these settings", allow_module_level=True)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def is_taken_anew() -> bool:
    """Whether the kernel finds pages once more for a block that was just freed."""
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        b"1" * SIZE  # whose pages are written
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    return faults > SIZE // resource.getpagesize() // 2


CHILD = """
import os, resource, sys
from forenbench.scoring.kept_memory import keeping_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() >> 20

def is_taken_anew():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    b"1" * (64 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before > 8192

exec(sys.argv[1])
with keeping_memory(sys.argv[2]):
    for _ in range(3):
        inside = is_taken_anew()
    held = resident()
print(inside, is_taken_anew(), held - resident() > 32)
"""


def found(device: str = "cpu", first: str = "", **settings: str) -> tuple[bool, bool, bool]:
    """Say of a process of its own whether memory is taken anew inside and after, and given back."""
    environment = {name: text for name, text in os.environ.items() if name not in NAMES} | settings
    command = [sys.executable, "-c", CHILD, first, device]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    inside, after, given_back = (word == "True" for word in run.stdout.split())
    return inside, after, given_back


KEPT, AS_USUAL = (False, True, True), (True, True, False)


def test_what_is_freed_serves_again_inside_and_is_given_back_at_the_end() -> None:
    assert found() == KEPT


def test_users_may_have_it_otherwise() -> None:
    assert found(FORENBENCH_KEEP_MEMORY="no") == AS_USUAL
    assert found(MALLOC_TRIM_THRESHOLD_="1000000") == AS_USUAL
    assert found(GLIBC_TUNABLES="glibc.malloc.trim_threshold=131072") == AS_USUAL


def test_what_says_nothing_of_it_changes_nothing() -> None:
    said = {"FORENBENCH_KEEP_MEMORY": "yes", "MALLOC_MMAP_MAX_": "", "GLIBC_TUNABLES": "glibc.pthread.rseq=1"}
    assert found(**said) == KEPT


def test_other_devices_have_memory_of_their_own() -> None:
    assert found("cuda:1") == AS_USUAL


def test_without_glibc_nothing_happens() -> None:
    instead = "def confstr(name): {}\nos.confstr = confstr"
    for first in (instead.format("raise ValueError"), instead.format("raise OSError"), "del os.confstr"):
        assert found(first=first) == AS_USUAL


def test_any_other_word_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORENBENCH_KEEP_MEMORY", "8GB")
    with (
        pytest.raises(BenchError, match=r"^FORENBENCH_KEEP_MEMORY: '8GB' is neither yes nor no$"),
        keeping_memory("cpu"),
    ):
        pytest.fail("it went on")
    with pytest.raises(BenchError, match="neither yes nor no"):
        EngineChoice("local", "cpu")  # long before, for networks are loaded first


class Witness(Brightness):
    """Notes, while it scores, whether memory is taken anew."""

    def __init__(self) -> None:
        self.noted: list[bool] = []

    def score(self, batch: Tensor) -> Tensor:
        self.noted.append(is_taken_anew())
        return super().score(batch)


WORK = Shard(0, 0, (ReadRequest(0, ("0",), ("",), ((0, (0,)),)),), [(0, [0])])


def by_itself(witness: Witness) -> None:
    score_testset(
        TestSet("", "", (Sample("0", REAL),), SOURCE, ""), [(parse("none"), [witness])], seed=0, device="cpu"
    )


def by_the_local_engine(witness: Witness) -> None:
    lineup = Lineup([witness], [parse("none")])
    assert list(LocalEngine(Numerics()).score(lineup, [SOURCE], [WORK], Silent()))


def by_a_replica(witness: Witness) -> None:
    loaded, lineup = LoadedDetector(witness, "own"), Lineup([], [parse("none")])
    threads = torch.get_num_threads()
    setup = Setup(
        lambda _: [loaded], lineup, [SOURCE], Numerics(), 0, threads, [identity(loaded)], versions()
    )
    replica = Replica(setup)
    replica.ready()
    replica.score(WORK)
    assert not is_taken_anew()  # for its next shard


@pytest.mark.parametrize("scored", [by_itself, by_the_local_engine, by_a_replica])
def test_networks_that_score_keep_their_memory(scored: Callable[[Witness], None]) -> None:
    witness = Witness()
    scored(witness)
    assert witness.noted == [False]


def test_networks_that_are_trained_keep_theirs() -> None:
    with joined("cpu"):
        assert not is_taken_anew()
