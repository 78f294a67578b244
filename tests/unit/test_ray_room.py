"""What a cluster has room for, and which nodes are refused."""

from __future__ import annotations

import pytest
from simulated_cluster import Silence

from forenbench.errors import BenchError
from forenbench.scoring.engines.replica import compare_versions
from forenbench.scoring.lineup import Lineup

pytest.importorskip("ray", reason="the extra 'ray' is not installed")

from forenbench.scoring.engines.ray import RayEngine, room, share

CPUS = [{"CPU": 3.0}, {"CPU": 3.0}, {"CPU": 8.0}, {"memory": 1.0}]
GPUS = [{"CPU": 64.0, "GPU": 4.0}, {"CPU": 2.0, "GPU": 4.0}, {"CPU": 16.0}]


@pytest.mark.parametrize(
    ("nodes", "cores", "gpus", "replicas"),
    [(CPUS, 1, 0, 14), (CPUS, 2, 0, 6), (CPUS, 4, 0, 2), (GPUS, 1, 1, 6), (GPUS, 4, 1, 4), (GPUS, 32, 1, 2)],
)
def test_a_replica_fits_on_one_node_or_not_at_all(
    nodes: list[dict[str, float]], cores: int, gpus: int, replicas: int
) -> None:
    assert room(nodes, cores, gpus) == replicas


@pytest.mark.parametrize(("nodes", "cores", "gpus"), [(CPUS, 9, 0), (CPUS, 1, 1), (GPUS, 65, 1), ([], 1, 0)])
def test_what_fits_nowhere_is_refused_with_the_way_out(
    nodes: list[dict[str, float]], cores: int, gpus: int
) -> None:
    with pytest.raises(BenchError, match=rf"a replica of {cores} cores and {gpus} GPUs.*replica_cpus"):
        room(nodes, cores, gpus)


def test_a_gpu_has_its_share_of_the_cores_of_the_poorest_node() -> None:
    assert share([{"CPU": 64.0, "GPU": 8.0}, {"CPU": 40.0, "GPU": 8.0}, {"CPU": 1.0}]) == 5
    assert share([{"CPU": 128.0, "GPU": 1.0}]) == 16
    assert share([{"CPU": 2.0, "GPU": 4.0}]) == 1


def test_where_others_hold_all_shards_no_cluster_is_joined() -> None:
    engine = RayEngine([], lambda device: [], address="127.0.0.1:1")
    assert list(engine.score(Lineup((), ()), [], iter(()), Silence())) == []


def test_a_node_with_other_packages_is_named_with_what_differs() -> None:
    same = {"torch": "2.6", "pillow": "11.3"}
    compare_versions(same, dict(same))
    with pytest.raises(BenchError, match=r"has faiss-cpu absent instead of 1.8, pillow 11.2 "):
        compare_versions(same | {"pillow": "11.2"}, same | {"faiss-cpu": "1.8"})
