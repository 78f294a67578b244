"""A Ray cluster gives the files of a local run, whatever dies on the way."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slow_run import SlowRun

ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")
KILLS = 8
"""Of the process that the user started; with test_kill.py's, 25 and more."""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> SlowRun:
    """A slow run, done once by the local engine as ``whole``."""
    slow = SlowRun(tmp_path_factory.mktemp("slow"))
    slow.finish("whole")
    return slow


@pytest.fixture(scope="module")
def cluster(slow: SlowRun) -> Iterator[Any]:
    """A cluster of a head without room and three nodes of one core each, all on this machine."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIDS", str(slow.pids))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        for _ in range(3):
            cluster.add_node(num_cpus=1)
        yield cluster
        cluster.shutdown()


def options(cluster: Any) -> list[str]:  # noqa: ANN401 - Ray's own class
    return ["--engine", "ray", "--address", cluster.address]


@pytest.mark.slow
def test_a_cluster_gives_the_files_of_a_local_run(slow: SlowRun, cluster: Any) -> None:  # noqa: ANN401
    slow.finish("ray", *options(cluster))
    assert slow.files("ray") == slow.files("whole")
    assert slow.leftovers("ray") == []


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
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert "its shards go to others" in said
    assert slow.files("battered") == slow.files("whole")


@pytest.mark.slow
def test_killed_at_random_and_started_again_the_files_are_whole(slow: SlowRun, cluster: Any) -> None:  # noqa: ANN401
    moments, progress = random.Random(11), []
    for kill in range(KILLS):
        process = slow.start("killed", *options(cluster))
        if kill % 3:
            slow.wait_for_progress(process, "killed")
        time.sleep(moments.uniform(0, 0.6))
        slow.kill(process)
        progress.append(slow.parts("killed"))
    assert progress == sorted(progress), "a finished part was lost"
    slow.finish("killed", *options(cluster))
    assert slow.files("killed") == slow.files("whole")
    assert slow.leftovers("killed") == []


@pytest.mark.slow
def test_no_cluster_is_a_bad_request(slow: SlowRun, tmp_path: Path) -> None:
    process = slow.start("none", "--engine", "ray", "--address", "127.0.0.1:1")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "no Ray cluster at '127.0.0.1:1'" in said
    assert "ray start --head" in said
