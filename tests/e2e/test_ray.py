"""A Ray cluster gives the files of a local run, whatever dies on the way."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from command_line import Bench
from slow_run import ALL_SHARDS, PERTURBATIONS, SlowRun

ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")
KILLS = 4
"""Of the process that the user started; with test_kill.py's, 25 and more."""
WANTED = ("--detectors", "bright.py", "--dataset", "tiny")
OCCUPY = """
import sys, time, ray
ray.init(sys.argv[1], log_to_driver=False)
tasks = [ray.remote(lambda: time.sleep(600)).remote() for _ in range(2)]
while ray.available_resources().get("CPU"):
    time.sleep(0.1)
print("occupied", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def cluster(slow: SlowRun) -> Iterator[Any]:
    """A cluster of two nodes of one core each, both on this machine."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIDS", str(slow.pids))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # Processes that watch a cluster for people cost each as much as a node.
        unwatched = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **unwatched})
        cluster.add_node(num_cpus=1)
        yield cluster
        cluster.shutdown()


def options(cluster: Any, cores: int = 1) -> list[str]:  # noqa: ANN401 - Ray's own class
    return ["--engine", "ray", "--address", cluster.address, "--replica-cpus", str(cores)]


@pytest.mark.slow
def test_a_killed_worker_and_a_lost_node_lose_nothing(slow: SlowRun, cluster: Any) -> None:  # noqa: ANN401
    for old in slow.pids.iterdir():
        old.unlink()
    node = cluster.add_node(num_cpus=1)
    process = slow.start("battered", *options(cluster))
    slow.wait_for_progress(process, "battered")
    worker = next(slow.pids.iterdir()).name
    os.kill(int(worker), signal.SIGKILL)
    slow.wait_for_progress(process, "battered")
    cluster.remove_node(node, allow_graceful=False)
    said = process.finish(300)
    assert "its shards go to others" in " ".join(said.split())
    if process.returncode == -signal.SIGSEGV:  # Ray's own client was seen to die so, once, of the lost node
        slow.finish("battered", *options(cluster))
    else:
        assert process.returncode == 0, said
    assert slow.files("battered") == slow.files("whole")


@pytest.mark.slow
def test_killed_at_random_stopped_by_ctrl_c_and_started_again_the_files_are_whole(
    slow: SlowRun,
    cluster: Any,  # noqa: ANN401
) -> None:
    moments, progress = random.Random(11), [0]
    for kill in range(KILLS):
        process = slow.start("killed-ray", *options(cluster))
        if kill % 3:
            slow.wait_for_progress(process, "killed-ray")
        time.sleep(moments.uniform(0, 0.6))
        process.kill()
        progress.append(slow.shards("killed-ray"))
    assert progress == sorted(progress), "a finished shard was lost"

    process = slow.start("killed-ray", *options(cluster))
    slow.wait_for_progress(process, "killed-ray")
    process.interrupt()
    said = process.finish(120)
    assert process.returncode == 130, said
    assert "the same command goes on from there" in said
    assert progress[-1] < slow.shards("killed-ray") < ALL_SHARDS

    slow.finish("killed-ray", *options(cluster))
    assert slow.files("killed-ray") == slow.files("whole")
    assert slow.leftovers("killed-ray") == []


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
def test_replicas_that_fit_on_no_node_are_a_bad_request(slow: SlowRun, cluster: Any) -> None:  # noqa: ANN401
    """Two nodes have two cores between them, and none has both."""
    process = slow.start("large", *options(cluster, 2))
    said = process.finish(120)
    assert process.returncode == 2, said
    assert "no node of the Ray cluster has room for a replica of 2 cores" in " ".join(said.split())


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


@pytest.mark.slow
def test_python_asks_for_a_cluster_of_its_own_which_leaves_nothing_running(
    slow: SlowRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever RAY_ADDRESS says, which Ray heeds where no address is given."""
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("PIDS", str(slow.pids))
    before = raylets()
    asked = {"perturbations": PERTURBATIONS, "out": "local", "engine": "ray", "address": "local"}
    code = f"import forenbench; forenbench.evaluate('slow.py', 'tiny', replica_cpus=1, **{asked!r})"
    subprocess.run([sys.executable, "-c", code], cwd=slow.folder, check=True)
    assert slow.files("local") == slow.files("whole")
    assert slow.leftovers("local") == []
    assert raylets() <= before


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
