"""A Ray cluster gives the files of a local run, whatever dies on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from command_line import Bench
from slow_run import ALL_SHARDS, PERTURBATIONS, SlowRun

ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")
WANTED = ("--detectors", "bright.py", "--dataset", "tiny")
OCCUPY = """
import sys, time, ray
ray.init(sys.argv[1], log_to_driver=False)
ray.get(ray.util.placement_group([{"CPU": 1}]).ready())
print("occupied", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def cluster(slow: SlowRun) -> Iterator[Any]:
    """A cluster of one node of one core: each replica takes seconds of a processor to start."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIDS", str(slow.pids))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # Processes that watch a cluster for people cost each as much as a node.
        unwatched = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **unwatched})
        yield cluster
        cluster.shutdown()


def options(cluster: Any, cores: int = 1) -> list[str]:  # noqa: ANN401 - Ray's own class
    return ["--engine", "ray", "--address", cluster.address, "--replica-cpus", str(cores)]


@pytest.mark.slow
def test_stopped_by_ctrl_c_it_keeps_what_is_done(slow: SlowRun, cluster: Any) -> None:  # noqa: ANN401
    process = slow.start("battered", *options(cluster))
    slow.wait_for_progress(process, "battered")
    process.interrupt()
    said = process.finish(120)
    assert process.returncode == 130, said
    assert "the same command goes on from there" in said
    assert 0 < slow.shards("battered") < ALL_SHARDS


@pytest.mark.slow
def test_a_killed_worker_and_a_lost_node_lose_nothing(slow: SlowRun, cluster: Any) -> None:  # noqa: ANN401
    """The run goes on, and what it did is there when its driver is killed in the end."""
    for old in slow.pids.iterdir():
        old.unlink()
    node = cluster.add_node(num_cpus=1)
    process = slow.start("battered", *options(cluster))
    slow.wait_for_progress(process, "battered")
    os.kill(int(next(slow.pids.iterdir()).name), signal.SIGKILL)
    process.wait_until_it_says("its shards go to others")
    slow.wait_for_progress(process, "battered")
    cluster.remove_node(node, allow_graceful=False)
    slow.wait_for_progress(process, "battered")
    process.kill()


@pytest.mark.slow
def test_python_asks_for_a_cluster_of_its_own_which_goes_on_and_leaves_nothing_running(
    slow: SlowRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After whatever the tests before this one did to the run; and whatever RAY_ADDRESS says.

    Ray heeds that where no address is given.
    """
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("PIDS", str(slow.pids))
    before, done = raylets(), slow.shards("battered")
    asked = {"perturbations": PERTURBATIONS, "out": "battered", "engine": "ray", "address": "local"}
    asked["replica_cpus"] = os.cpu_count()  # for one replica: each takes seconds of a processor to start
    code = f"import forenbench; forenbench.evaluate('slow.py', 'tiny', **{asked!r})"
    subprocess.run([sys.executable, "-c", code], cwd=slow.folder, check=True)
    assert done < ALL_SHARDS, "nothing was left to do"
    assert slow.files("battered") == slow.files("whole")
    assert slow.leftovers("battered") == []
    assert raylets() <= before


@pytest.mark.slow
def test_a_full_cluster_is_waited_for_until_ctrl_c(slow: SlowRun, cluster: Any) -> None:  # noqa: ANN401
    occupying = [sys.executable, "-c", OCCUPY, cluster.address]
    with subprocess.Popen(occupying, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "occupied\n"
        process = slow.start("waiting", *options(cluster))
        process.wait_until_it_says("waiting for the cluster to have room")
        process.interrupt()
        process.finish(120)
        other.kill()
    assert process.returncode == 130
    assert slow.shards("waiting") == 0


@pytest.mark.slow
def test_a_node_with_other_packages_or_without_this_one_ends_the_run(
    slow: SlowRun,
    cluster: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    """And none is made again and again: on the only node with two cores, by a folder in its Python path."""
    node = cluster.add_node(num_cpus=2, env_vars={"PYTHONPATH": str(tmp_path)})
    try:
        other = tmp_path / "pillow-0.0.1.dist-info"
        other.mkdir()
        (other / "METADATA").write_text("Metadata-Version: 2.1\nName: pillow\nVersion: 0.0.1\n")
        refused = slow.start("elsewhere", *options(cluster, 2))
        assert "has pillow 0.0.1 instead of" in " ".join(refused.finish(120).split())
        package = tmp_path / "forenbench"
        package.mkdir()
        (package / "__init__.py").write_text("raise ImportError('half an installation')\n")
        broken = slow.start("elsewhere", *options(cluster, 2))
        assert "no replica of the detectors could be made" in " ".join(broken.finish(120).split())
    finally:
        cluster.remove_node(node)
    assert [refused.returncode, broken.returncode] == [1, 1]


def raylets() -> set[int]:
    """List the processes that are nodes of a cluster."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):  # it just ended
            if path.read_text().strip() == "raylet":
                found.add(int(path.parent.name))
    return found


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "[::1]:1", "nowhere.invalid:6379", "ray://127.0.0.1:1", "here"]
)
def test_no_cluster_is_a_bad_request(bench: Bench, address: str) -> None:
    outcome = bench("run", *WANTED, "--engine", "ray", "--address", address)
    assert outcome.code == 2, outcome.err
    assert f"'{address}'" in outcome.err
    assert "Traceback" not in outcome.err


def test_no_cluster_on_this_machine_is_a_bad_request(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    outcome = bench("run", *WANTED, "--engine", "ray")
    assert outcome.code == 2, outcome.err
    assert "no Ray cluster at 'auto'" in outcome.err
    assert "ray start --head" in outcome.err


@pytest.mark.parametrize(
    ("options", "word"),
    [(["--device", "cuda:1"], "auto, cpu or cuda"), (["--readers", "2"], "replica_cpus")],
)
def test_what_has_no_meaning_on_a_cluster_is_a_bad_request(
    bench: Bench, options: list[str], word: str
) -> None:
    outcome = bench("run", "--engine", "ray", *options)
    assert outcome.code == 2
    assert word in " ".join(outcome.err.split())
