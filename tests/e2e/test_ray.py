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
    """A cluster of a head without room and two nodes of one core each, all on this machine."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIDS", str(slow.pids))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        yield cluster
        cluster.shutdown()


def options(cluster: Any, cores: int = 1) -> list[str]:  # noqa: ANN401 - Ray's own class
    return ["--engine", "ray", "--address", cluster.address, "--replica-cpus", str(cores)]


@pytest.mark.slow
def test_a_cluster_that_python_asks_for_gives_the_same_files(slow: SlowRun, cluster: Any) -> None:  # noqa: ANN401
    asked = {"perturbations": PERTURBATIONS, "out": "python", "engine": "ray", "address": cluster.address}
    code = f"import forenbench; forenbench.evaluate('slow.py', 'tiny', replica_cpus=1, **{asked!r})"
    environment = {**os.environ, "PIDS": str(slow.pids)}
    subprocess.run([sys.executable, "-c", code], cwd=slow.folder, env=environment, check=True)
    assert slow.files("python") == slow.files("whole")
    assert slow.leftovers("python") == []


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
def test_killed_at_random_and_started_again_the_files_are_whole(slow: SlowRun, cluster: Any) -> None:  # noqa: ANN401
    moments, progress = random.Random(11), []
    for kill in range(KILLS):
        process = slow.start("killed-ray", *options(cluster))
        if kill % 3:
            slow.wait_for_progress(process, "killed-ray")
        time.sleep(moments.uniform(0, 0.6))
        process.kill()
        progress.append(slow.shards("killed-ray"))
    assert progress == sorted(progress), "a finished shard was lost"
    slow.finish("killed-ray", *options(cluster))
    assert slow.files("killed-ray") == slow.files("whole")
    assert slow.leftovers("killed-ray") == []


@pytest.mark.slow
def test_ctrl_c_ends_after_a_shard_and_the_same_command_goes_on(slow: SlowRun, cluster: Any) -> None:  # noqa: ANN401
    process = slow.start("stopped-ray", *options(cluster))
    slow.wait_for_progress(process, "stopped-ray")
    process.interrupt()
    said = process.finish(120)
    assert process.returncode == 130, said
    assert "the same command goes on from there" in said
    assert 0 < slow.shards("stopped-ray") < ALL_SHARDS
    slow.finish("stopped-ray", *options(cluster))
    assert slow.files("stopped-ray") == slow.files("whole")


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
def test_a_node_with_other_packages_is_refused(slow: SlowRun, cluster: Any, tmp_path: Path) -> None:  # noqa: ANN401
    other = tmp_path / "pillow-0.0.1.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: pillow\nVersion: 0.0.1\n")
    assert "has pillow 0.0.1 instead of" in said_on_a_node_with(tmp_path, slow, cluster)


@pytest.mark.slow
def test_a_node_without_this_package_is_no_endless_loop(slow: SlowRun, cluster: Any, tmp_path: Path) -> None:  # noqa: ANN401
    package = tmp_path / "forenbench"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('half an installation')\n")
    assert "no replica of the detectors could be made" in said_on_a_node_with(tmp_path, slow, cluster)


def said_on_a_node_with(path: Path, slow: SlowRun, cluster: Any) -> str:  # noqa: ANN401
    """Run on a node, the only one with two cores, that has a folder first in its Python path; it fails."""
    node = cluster.add_node(num_cpus=2, env_vars={"PYTHONPATH": str(path)})
    try:
        process = slow.start(path.name, *options(cluster, 2))
        said = process.finish(120)
    finally:
        cluster.remove_node(node)
    assert process.returncode == 1, said
    return " ".join(said.split())


@pytest.mark.slow
def test_local_is_a_cluster_of_its_own_and_leaves_nothing_running(
    slow: SlowRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever RAY_ADDRESS says, which Ray heeds where no address is given."""
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    before = raylets()
    slow.finish("local", "--engine", "ray", "--address", "local")
    assert slow.files("local") == slow.files("whole")
    assert raylets() <= before


def raylets() -> set[int]:
    """List the processes that are nodes of a cluster."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):  # it just ended
            if path.read_text().strip() == "raylet":
                found.add(int(path.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "[::1]:1", "nowhere.invalid:6379", "ray://127.0.0.1:1", "here"]
)
def test_no_cluster_is_a_bad_request(slow: SlowRun, address: str) -> None:
    process = slow.start("none", "--engine", "ray", "--address", address)
    said = process.finish(60)
    assert process.returncode == 2, said
    assert f"'{address}'" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_no_cluster_on_this_machine_is_a_bad_request(slow: SlowRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    process = slow.start("none", "--engine", "ray")
    said = process.finish(60)
    assert process.returncode == 2, said
    assert "no Ray cluster at 'auto'" in said
    assert "ray start --head" in said


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
