"""Reader processes: order kept, bounded ahead, equal tensors, and no file lost when one is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from forenbench.batches import Batch, Order, Reader
from forenbench.perturbations import parse
from forenbench.reading import read_ahead
from forenbench.testing import Images, tiny_image
from forenbench.types import RunFailed

WANTED = ((0, (0, 1)), (1, (0,)))


def pixels(image: Image.Image) -> torch.Tensor:
    return torch.tensor(list(image.tobytes()), dtype=torch.uint8)


def width(image: Image.Image) -> torch.Tensor:
    return torch.tensor([float(image.width)])


def reader(images: int, prepare: object = pixels) -> Reader:
    source = Images([tiny_image(i, 8 + i % 3) for i in range(images)])
    return Reader([source], [parse("none"), parse("noise:9")], [prepare, width], seed=0)  # type: ignore[list-item]


def orders(images: int, size: int = 4) -> list[Order]:
    paths = [str(i) for i in range(images)]
    return [
        Order(0, tuple(paths[at : at + size]), ("",) * len(paths[at : at + size]), WANTED)
        for at in range(0, images, size)
    ]


def contents(batch: Batch) -> list[object]:
    keys = [(place, index) for place, indices in WANTED for index in indices]
    return [[(at, tensor.tolist()) for at, tensor in batch.tensors(key)] for key in keys]


@pytest.mark.parametrize("processes", [1, 2])
def test_processes_give_what_one_process_gives_in_the_same_order(processes: int) -> None:
    alone = [contents(batch) for batch in read_ahead(reader(22), orders(22), 0)]
    ahead = [contents(batch) for batch in read_ahead(reader(22), orders(22), processes)]
    assert ahead == alone
    assert len(alone) == 6


def test_orders_are_taken_only_as_far_ahead_as_there_is_work_for() -> None:
    """Back-pressure: however many orders there are, few batches are in memory."""
    taken = 0

    def counted() -> Iterator[Order]:
        nonlocal taken
        for order in orders(400):
            taken += 1
            yield order

    batches = read_ahead(reader(400), counted(), 2)
    for done in range(1, 20):
        next(batches)
        assert taken - done <= 2 * 2
    batches.close()  # type: ignore[attr-defined]


class KillsOnce:
    """A prepare whose process is killed, the first time it meets a wide image."""

    def __init__(self, marker: Path, times: int) -> None:
        self.marker, self.times = marker, times

    def __call__(self, image: Image.Image) -> torch.Tensor:
        killed = list(self.marker.iterdir())
        if image.width == 10 and len(killed) < self.times:
            (self.marker / str(len(killed))).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return pixels(image)


def test_a_killed_reader_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    alone = [contents(batch) for batch in read_ahead(reader(22), orders(22), 0)]
    killing = reader(22, KillsOnce(tmp_path, times=1))
    assert [contents(batch) for batch in read_ahead(killing, orders(22), 2)] == alone
    assert len(list(tmp_path.iterdir())) == 1


def test_files_that_kill_every_reader_are_left_alone_and_named(tmp_path: Path) -> None:
    killing = reader(12, KillsOnce(tmp_path, times=99))
    alone = read_ahead(reader(12), orders(12), 0)
    for order, batch, whole in zip(orders(12), read_ahead(killing, orders(12), 2), alone, strict=True):
        wide = {at for at, path in enumerate(order.paths) if int(path) % 3 == 2}
        for key, missing in batch.missing.items():
            assert set(missing) == wide
            assert {result.status for result in missing.values()} <= {"failed"}
            found = {at: t.tolist() for ats, ts in batch.tensors(key) for at, t in zip(ats, ts, strict=True)}
            expected = {
                at: t.tolist() for ats, ts in whole.tensors(key) for at, t in zip(ats, ts, strict=True)
            }
            assert found == {at: values for at, values in expected.items() if at not in wide}


def test_processes_that_die_for_another_reason_end_the_run(tmp_path: Path) -> None:
    """Killed once they have seen two widths: never over one image alone."""

    def kills_at_second(image: Image.Image) -> torch.Tensor:
        seen = tmp_path / str(os.getpid())
        if seen.exists() and seen.read_text() != str(image.width):
            os.kill(os.getpid(), signal.SIGKILL)
        seen.write_text(str(image.width))
        return pixels(image)

    with pytest.raises(RunFailed, match=r"4 files from '0' on, but over none of them alone"):
        list(read_ahead(reader(8, kills_at_second), orders(8), 1))


def test_tensors_of_every_shape_and_type_come_back_as_they_were() -> None:
    shapes = [(3,), (0,), (2, 2), (3,), ()]
    kinds = [torch.float32, torch.float64, torch.bool, torch.float32, torch.int16]
    made = [torch.ones(shape).to(kind) for shape, kind in zip(shapes, kinds, strict=True)]
    source = Images([tiny_image(i, 1 + i) for i in range(5)])
    some = Reader([source], [parse("none")], [lambda image: made[image.width - 1]], seed=0)
    order = Order(0, tuple("01234"), ("",) * 5, ((0, (0,)),))
    found = {}
    for positions, stacked in some[order].tensors((0, 0)):
        found |= dict(zip(positions, stacked, strict=True))
    for position, tensor in enumerate(made):
        assert found[position].dtype == tensor.dtype
        assert torch.equal(found[position], tensor)


def test_a_file_that_changed_since_it_was_listed_is_not_scored_as_the_old_one() -> None:
    order = Order(0, ("0", "1"), ("", "0" * 64), ((0, (0,)),))
    missing = reader(2)[order].missing[0, 0]
    assert set(missing) == {1}
    assert missing[1].status == "failed"
    assert "changed since the test set was listed" in missing[1].error


def test_a_file_that_is_gone_from_this_machine_failed_and_is_tried_again(tmp_path: Path) -> None:
    """Status unreadable would say that the data are at fault."""
    from forenbench.sources.folder import Folder

    some = Reader([Folder(tmp_path)], [parse("none")], [pixels], seed=0)
    listed, never = (
        Order(0, ("x.png",), ("ab" * 32,), ((0, (0,)),)),
        Order(0, ("x.png",), ("",), ((0, (0,)),)),
    )
    assert some[listed].missing[0, 0][0].status == "failed"
    assert some[never].missing[0, 0][0].status == "unreadable"
