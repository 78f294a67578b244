"""Reader processes: order kept, bounded ahead, equal tensors, and no file lost when one is killed."""

from __future__ import annotations

import ctypes
import errno
import gc
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

import pytest
import torch
from PIL import Image

from forenbench.detectors._nets.pixels import IMAGENET, Preprocess
from forenbench.errors import BenchError, RunFailed
from forenbench.perturbations import parse
from forenbench.scoring import memory_files, reading
from forenbench.scoring.batches import Batch, ReadRequest
from forenbench.scoring.memory_files import MemoryFile
from forenbench.scoring.parcels import Parcel
from forenbench.scoring.preparing import Reader
from forenbench.scoring.reading import read_ahead
from forenbench.testing import Brightness, MemorySource, tiny_image

WANTED = ((0, (0, 1)), (1, (0,)))


def pixels(image: Image.Image) -> torch.Tensor:
    return torch.tensor(list(image.tobytes()), dtype=torch.uint8)


def width(image: Image.Image) -> torch.Tensor:
    return torch.tensor([float(image.width)])


def reader(images: int, prepare: object = pixels) -> Reader:
    source = MemorySource([tiny_image(i, 8 + i % 3) for i in range(images)])
    return Reader([source], [parse("none"), parse("noise:9")], [prepare, width], seed=0)  # type: ignore[list-item]


def orders(images: int, size: int = 4) -> list[ReadRequest]:
    paths = [str(i) for i in range(images)]
    return [
        ReadRequest(0, tuple(paths[at : at + size]), ("",) * len(paths[at : at + size]), WANTED)
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

    def counted() -> Iterator[ReadRequest]:
        nonlocal taken
        for order in orders(400):
            taken += 1
            yield order

    batches = read_ahead(reader(400), counted(), 2)
    for done in range(1, 20):
        next(batches)
        assert taken - done <= 2 * 2
    batches.close()  # type: ignore[attr-defined]


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def ended() -> None:
    """As native code may: with status 0, and nothing that Python could catch."""
    ctypes.CDLL(None)._exit(0)


class KillsOnce:
    """A prepare whose process is killed, the first time it meets a wide image."""

    def __init__(self, marker: Path, times: int, die: Callable[[], None] = killed) -> None:
        self.marker, self.times, self.die = marker, times, die

    def __call__(self, image: Image.Image) -> torch.Tensor:
        killed = list(self.marker.iterdir())
        if image.width == 10 and len(killed) < self.times:
            (self.marker / str(len(killed))).touch()
            self.die()
        return pixels(image)


@pytest.mark.slow
def test_a_killed_reader_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    alone = [contents(batch) for batch in read_ahead(reader(22), orders(22), 0)]
    killing = reader(22, KillsOnce(tmp_path, times=1))
    assert [contents(batch) for batch in read_ahead(killing, orders(22), 2)] == alone
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.slow
def test_what_ends_every_reader_is_left_alone_and_named_and_other_detectors_keep_their_images(
    tmp_path: Path,
) -> None:
    killing = reader(6, KillsOnce(tmp_path, 99, ended))
    alone = read_ahead(reader(6), orders(6), 0)
    for order, batch, whole in zip(orders(6), read_ahead(killing, orders(6), 1), alone, strict=True):
        wide = {at for at, path in enumerate(order.paths) if int(path) % 3 == 2}
        for key, missing in batch.missing.items():
            lost = wide if key[1] == 0 else set()
            assert set(missing) == lost
            assert {result.status for result in missing.values()} <= {"failed"}
            assert values(batch, key) == {at: v for at, v in values(whole, key).items() if at not in lost}


def values(batch: Batch, key: tuple[int, int]) -> dict[int, list[float]]:
    return {at: t.tolist() for ats, ts in batch.tensors(key) for at, t in zip(ats, ts, strict=True)}


@pytest.mark.slow
def test_a_detector_that_never_comes_back_from_a_file_loses_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a loop or a lock: in a process of its own, which is ended; short waits do not add up."""
    monkeypatch.setenv("FORENBENCH_MAX_SECONDS", "1")

    def stuck(image: Image.Image) -> torch.Tensor:
        time.sleep(99 if image.width == 10 else 0.15)
        return pixels(image)

    (batch,) = read_ahead(reader(4, stuck), orders(4), 1)
    for key, missing in batch.missing.items():
        lost = {2} if key[1] == 0 else set()
        assert set(missing) == lost
        assert set(values(batch, key)) == {0, 1, 2, 3} - lost
        reasons = {result.error for result in missing.values()}
        assert reasons <= {"reading it takes longer than 1 s (FORENBENCH_MAX_SECONDS)"}


@pytest.mark.slow
def test_ctrl_c_is_no_death_of_a_file_that_is_tried_by_itself(tmp_path: Path) -> None:
    """It reaches every process of a terminal, also one that looks for the file over which a reader died."""

    def interrupted(image: Image.Image) -> torch.Tensor:
        mark = tmp_path / "a reader died"
        if not mark.exists():
            mark.touch()
            killed()
        os.kill(os.getpid(), signal.SIGINT)
        return pixels(image)

    (batch,) = read_ahead(reader(3, interrupted), orders(3), 1)
    assert [set(missing) for missing in batch.missing.values()] == [set()] * 3


@pytest.mark.slow
def test_readers_that_wait_for_work_are_not_out_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORENBENCH_MAX_SECONDS", "1")
    batches = read_ahead(reader(8), orders(8), 1)
    first = contents(next(batches))
    time.sleep(1.2)
    assert [first, *map(contents, batches)] == [contents(one) for one in read_ahead(reader(8), orders(8), 0)]


def test_a_limit_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORENBENCH_MAX_SECONDS", "1 min")
    with pytest.raises(BenchError, match="FORENBENCH_MAX_SECONDS: '1 min' is no number of seconds"):
        list(read_ahead(reader(4), orders(4), 1))


@pytest.mark.slow
def test_a_file_that_kills_whatever_reads_it_is_lost_to_all() -> None:
    class Deadly(MemorySource):
        def read(self, path: str) -> bytes:
            if path == "1":
                killed()
            return super().read(path)

    some = reader(3)
    some.sources = [Deadly(some.sources[0].images)]  # type: ignore[attr-defined]
    (batch,) = read_ahead(some, orders(3), 1)
    assert [set(missing) for missing in batch.missing.values()] == [{1}] * 3


def test_an_error_of_the_orders_is_not_taken_for_a_readers_death() -> None:
    """Else what was not handed out would be left out, and the run end as if it were whole."""

    def failing() -> Iterator[ReadRequest]:
        yield from orders(8)
        raise OSError("the run folder is gone")

    for processes in (0, 1):
        with pytest.raises(OSError, match="the run folder is gone"):
            list(read_ahead(reader(12), failing(), processes))


class Unpicklable(Reader):
    def __getitem__(self, order: ReadRequest) -> Batch:
        batch = super().__getitem__(order)
        batch.drawn[0] = [lambda: None]  # type: ignore[list-item]
        return batch


@pytest.mark.slow
def test_a_batch_that_cannot_be_sent_is_an_error_and_not_waited_for() -> None:
    some = reader(4)
    with pytest.raises(Exception, match=r"pickle|[Ll]ocal object"):
        list(read_ahead(Unpicklable(some.sources, some.perturbations, some.prepares, 0), orders(4), 1))


MOUNTED = """
import subprocess, sys
sys.path.insert(0, {folder!r})
import test_reading as t
from forenbench.scoring.reading import read_ahead

wide = lambda image: t.torch.full((1 << 18,), float(image.width))
alone = list(read_ahead(t.reader(12, wide), t.orders(12), 0))
for options in {options!r}:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", "/dev/shm"], check=True)
    told = []
    ahead = list(read_ahead(t.reader(12, wide), t.orders(12), 2, tell=told.append))
    assert all(t.same(one, other) for one, other in zip(ahead, alone, strict=True))
    print(*told)
"""
DEV_SHM = {
    "size=64k": "",
    "ro": "no reader processes can be had",
    "size=1g": "",
}
"""How it is mounted, and what is said of it."""


def same(batch: Batch, other: Batch) -> bool:
    keys = [(place, index) for place, indices in WANTED for index in indices]
    pairs = [zip(batch.tensors(key), other.tensors(key), strict=True) for key in keys]
    return all(at == there and torch.equal(a, b) for pair in pairs for (at, a), (there, b) in pair)


@pytest.fixture(scope="module")
def said_of_dev_shm() -> dict[str, str]:
    """What is said by how /dev/shm is mounted: by one process, each mount over the one before."""
    unshare = ["unshare", "--mount"]
    mount = ["mount", "-t", "tmpfs", "tmpfs", "/dev/shm"]
    if (
        not shutil.which("unshare")
        or subprocess.run([*unshare, *mount], capture_output=True, check=False).returncode
    ):
        pytest.skip("may not mount a file system")
    code = MOUNTED.format(folder=str(Path(__file__).parent), options=list(DEV_SHM))
    command = [*unshare, sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    return dict(zip(DEV_SHM, run.stdout.splitlines(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("options", DEV_SHM)
def test_no_batch_needs_room_in_dev_shm(said_of_dev_shm: dict[str, str], options: str) -> None:
    """Of which containers have little; batches here are of 8 MiB."""
    assert DEV_SHM[options] in said_of_dev_shm[options]
    assert bool(DEV_SHM[options]) == bool(said_of_dev_shm[options])


@pytest.mark.slow
def test_without_files_in_memory_batches_are_copied_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a system that has none, or with as many files open as a process may have."""

    def refused(name: str) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    alone = list(read_ahead(reader(12), orders(12), 0))
    monkeypatch.setattr(os, "memfd_create", refused)
    told: list[str] = []
    for processes in (0, 2):
        copied = list(read_ahead(reader(12), orders(12), processes, tell=told.append))
        assert all(same(one, other) for one, other in zip(copied, alone, strict=True))
    (said,) = told
    assert "copied instead, which is slower: OSError: [Errno 24] Too many open files" in said


def test_a_batch_that_no_descriptor_is_left_to_hand_over_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(descriptor: int) -> object:
        raise OSError(errno.EMFILE, "Too many open files")

    batch, other = (reader(4)[request] for request in orders(4) * 2)
    monkeypatch.setattr(memory_files, "DupFd", refused)
    parcel = Parcel.of(batch)
    assert "Too many open files" in parcel.why_copied
    assert same(parcel.open(), other)


def test_a_batch_goes_to_another_process_without_its_values() -> None:
    (whole,) = orders(12, 12)
    batch = reader(12, lambda image: torch.zeros(1 << 18))[whole]
    parcel = Parcel.of(batch)
    assert not parcel.why_copied
    assert len(parcel.content) < 10_000
    # Opened at once: what wants a descriptor fails where that is taken for what it is.
    assert isinstance(parcel.open().held, torch.Tensor)


def test_a_system_that_writes_less_than_was_asked_is_asked_again() -> None:
    """As Linux does beyond 2 GiB."""

    class Slow(FileIO):
        def write(self, data: memoryview) -> int:  # type: ignore[override]
            return super().write(data[:3])

    file = MemoryFile(Slow(os.memfd_create("slow"), "r+b"))
    begins = [file.append(torch.arange(7)), file.append(torch.tensor(-1.5))]
    memory = file.bytes()
    assert memory[begins[0] :][:56].view(torch.int64).tolist() == list(range(7))
    assert memory[begins[1] :].view(torch.float32).tolist() == [-1.5]


def test_no_descriptor_stays_open() -> None:
    def count() -> int:
        gc.collect()  # PyTorch's loader is part of a circle, and its pipes go with it
        return len([*Path("/proc/self/fd").iterdir()])

    list(read_ahead(reader(4), orders(4), 1))  # what is opened once
    before = count()
    for processes in (0, 1):
        list(read_ahead(reader(12), orders(12), processes))
    assert count() <= before


@pytest.mark.slow
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
    shapes = [(3,), (0,), (2, 2), (3,), (), (5,), (1, 7)]
    kinds = [torch.float32, torch.float64, torch.bool, torch.float32, torch.int16]
    made = [
        torch.arange(math.prod(shape)).reshape(shape).to(kind)
        for shape, kind in zip(shapes, [*kinds, torch.bfloat16, torch.complex128], strict=True)
    ]
    source = MemorySource([tiny_image(i, 1 + i) for i in range(7)])
    some = Reader([source], [parse("none")], [lambda image: made[image.width - 1]], seed=0)
    order = ReadRequest(0, tuple("0123456"), ("",) * 7, ((0, (0,)),))
    for processes in (0, 1):
        (batch,) = read_ahead(some, [order], processes)
        found = {}
        for positions, stacked in batch.tensors((0, 0)):
            found |= dict(zip(positions, stacked, strict=True))
        for position, tensor in enumerate(made):
            assert found[position].dtype == tensor.dtype
            assert torch.equal(found[position], tensor)


def test_a_file_that_changed_since_it_was_listed_is_not_scored_as_the_old_one() -> None:
    order = ReadRequest(0, ("0", "1"), ("", "0" * 64), ((0, (0,)),))
    missing = reader(2)[order].missing[0, 0]
    assert set(missing) == {1}
    assert missing[1].status == "failed"
    assert "changed since the test set was listed" in missing[1].error


def test_a_file_that_is_gone_from_this_machine_failed_and_is_tried_again(tmp_path: Path) -> None:
    """Status unreadable would say that the data are at fault."""
    from forenbench.data.sources.folder import Folder

    some = Reader([Folder(tmp_path)], [parse("none")], [pixels], seed=0)
    listed, never = (
        ReadRequest(0, ("x.png",), ("ab" * 32,), ((0, (0,)),)),
        ReadRequest(0, ("x.png",), ("",), ((0, (0,)),)),
    )
    assert some[listed].missing[0, 0][0].status == "failed"
    assert some[never].missing[0, 0][0].status == "unreadable"


def test_readers_find_imported_what_our_detectors_prepare_with_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "torchvision.transforms", raising=False)
    reading._import_for([Brightness().prepare])
    assert "torchvision.transforms" not in sys.modules
    reading._import_for([Brightness().prepare, Preprocess(IMAGENET).levels])
    assert "torchvision.transforms" in sys.modules
