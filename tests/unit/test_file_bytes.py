"""A checkpoint is read from the disk once: what is parsed are the very bytes that were hashed."""

from __future__ import annotations

import json
import mmap
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from forenbench.weights import Checkpoint, Weights, WrongWeights
from forenbench.weights.file_bytes import FileBytes, fill
from forenbench.weights.weight_files import read

ANY = Checkpoint("any", "any.pt", "nowhere", "none")
SAVED: dict[str, Callable[[dict[str, torch.Tensor], Path], object]] = {
    "torch": torch.save,
    "older": lambda state, path: torch.save(state, path, _use_new_zipfile_serialization=False),
    "safetensors": save_file,
}


def load(path: Path) -> dict[str, object]:
    return Weights(paths={"any": path}).load(ANY)


def bytes_read() -> int:
    """Say how many bytes this process has asked the system for so far."""
    counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counts["rchar"])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="only Linux counts what a process reads")
def test_a_checkpoint_is_read_once(tmp_path: Path) -> None:
    state = {f"layer{n}": torch.rand(1 << 18) for n in range(4)}
    for name, save in SAVED.items():
        path = tmp_path / name
        save(state, path)
        load(path)  # what is imported on the way is read as well
        before, size = bytes_read(), path.stat().st_size
        loaded = load(path)
        assert size <= bytes_read() - before < 1.05 * size, name
        assert all(torch.equal(value, loaded[key]) for key, value in state.items())


def test_what_becomes_of_a_file_after_it_was_hashed_is_not_parsed(tmp_path: Path) -> None:
    state = {"weight": torch.rand(300, 50)}
    for name, save in SAVED.items():
        path = tmp_path / name
        save(state, path)
        digest, file = sha256(path.read_bytes()).hexdigest(), FileBytes.of(path)
        with path.open("r+b") as opened:
            opened.write(b"another file by now")
            opened.truncate()
        assert file.sha256 == digest
        assert torch.equal(read(file, "cpu")["weight"], state["weight"])


def test_bytes_that_were_taken_out_take_no_memory_and_those_around_them_stay(tmp_path: Path) -> None:
    page = mmap.PAGESIZE
    content = bytes(range(1, 251)) * (4 * page // 250 + 1)
    (tmp_path / "file").write_bytes(content)
    for start, end, gone in (
        (page, 3 * page, range(page, 3 * page)),
        (page - 1, 3 * page + 1, range(page, 3 * page)),
        (page + 1, 3 * page - 1, range(2 * page, 2 * page)),
        (5, 7, range(0)),
    ):
        file, taken = FileBytes.of(tmp_path / "file"), torch.empty(end - start, dtype=torch.uint8)
        file.seek(start)
        fill(taken, file, file)
        assert bytes(taken.numpy()) == content[start:end]
        if gone:
            assert file[gone.start : gone.stop] == bytes(len(gone))
        assert file[:start] == content[:start]
        assert file[end:] == content[end:]


def test_a_file_shorter_than_the_system_says_is_named() -> None:
    short = Path("/sys/devices/system/cpu/online")  # such files claim a whole page
    if not short.exists() or short.stat().st_size <= len(short.read_bytes()):
        pytest.skip("no file here says that it is longer than it is")
    with pytest.raises(ValueError, match="was cut short while it was read"):
        FileBytes.of(short)


# --- safetensors, against the format's own library

KINDS = ("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2",
         "float8_e5m2fnuz", "complex64", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16",
         "uint8", "bool")  # fmt: skip


def test_tensors_of_every_type_are_those_that_the_formats_library_reads(tmp_path: Path) -> None:
    bits = torch.randint(0, 2, (1 << 10,), dtype=torch.uint8)
    state = {kind: bits.view(getattr(torch, kind)).clone().reshape(8, -1) for kind in KINDS}
    state |= {"scalar": torch.tensor(7), "nothing": torch.empty(0, 3), "odd": torch.ones(3, dtype=torch.int8)}
    path = tmp_path / "all.safetensors"
    save_file(state, path, {"format": "pt"})
    ours, theirs = load(path), load_file(path)
    assert list(ours) == list(theirs)
    assert ours.keys() == state.keys()
    for key, value in theirs.items():
        found = ours[key]
        assert isinstance(found, torch.Tensor)
        assert (found.dtype, found.shape) == (value.dtype, value.shape)
        assert found.reshape(-1).view(torch.uint8).equal(value.reshape(-1).view(torch.uint8)), key
    with path.open("rb") as file:
        shapes = read(file, "meta")
    assert {key: one.shape for key, one in shapes.items()} == {key: one.shape for key, one in theirs.items()}
    assert all(one.is_meta for one in shapes.values())


def entry(start: int, end: int, *shape: object, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


def written(path: Path, header: object, data: bytes, length: int | None = None) -> Path:
    text = json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)
    return path


def test_a_file_whose_header_does_not_account_for_its_bytes_is_broken(tmp_path: Path) -> None:
    path, data = tmp_path / "model", bytes(8)
    assert load(written(path, {"a": entry(0, 4, 1), "b": entry(4, 8)}, data)).keys() == {"a", "b"}
    headers: dict[str, object] = {
        "a hole": {"b": entry(4, 8, 1)},
        "the same bytes twice": {"a": entry(0, 8, 2), "b": entry(4, 8, 1)},
        "more than there is": {"a": entry(0, 1 << 45, 1 << 43)},
        "a larger shape": {"a": entry(0, 8, 1 << 43)},
        "a smaller shape": {"a": entry(0, 8, 1)},
        "bytes behind": {"a": entry(0, 4, 1)},
        "sides of less than nothing": {"a": entry(0, 8, -1, -2)},
        "no offsets": {"a": {"dtype": "F32", "shape": [2]}},
        "an unknown type": {"a": entry(0, 8, 2, dtype="F33")},
        "no whole sides": {"a": entry(0, 8, 2.0)},
    }
    for header in headers.values():
        with pytest.raises(WrongWeights, match="is broken or cut off"):
            load(written(path, header, data))
    header = {"a": entry(0, 1 << 45, 1 << 43)}  # refused before there is room for it
    with pytest.raises(ValueError, match="have 35184372088832 bytes, and it holds 8"):
        read(FileBytes.of(written(path, header, data)), "cpu")
    for length in (1 << 62, 100_000_001):  # more than the format allows
        with pytest.raises(WrongWeights, match=f"its header has {length} bytes"):
            load(written(path, {"a": entry(0, 8, 2)}, data, length))
    for length in (100, 3):
        with pytest.raises(WrongWeights, match="is broken or cut off"):
            load(written(path, {"a": entry(0, 8, 2)}, data, length))
