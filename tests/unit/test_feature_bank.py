"""The feature cache: what an address rests on, what comes back, what goes first, and what stops nothing."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from privileges import read_only, unprivileged
from torch import Tensor, nn

from forenbench.detectors._nets.encoders import BACKBONES, efficientnet_lite0
from forenbench.detectors._nets.pixels import SYMMETRIC, Preprocess
from forenbench.detectors._nets.transformations import TRANSFORMATIONS, picture_maker
from forenbench.errors import BenchError
from forenbench.files.checksums import sha256_of
from forenbench.files.sizes import parse_size
from forenbench.scoring.features import Address, FeatureCache, address, numerics, user_cache
from forenbench.weights import Weights

ENCODER = "clip-vit-l14, version 1"
IMAGES = [hashlib.sha256(bytes([i])).hexdigest() for i in range(4)]
LARGE = 10**9


def block(i: int, encoder: str = ENCODER) -> Address:
    return address(encoder, "none", i, IMAGES, "fp32")


def features(i: int = 0) -> Tensor:
    """100 float32 values: a file of 532 bytes."""
    return torch.full((4, 25), float(i))


FILE = 128 + 400 + 4  # header of a .npy file (a multiple of 64), values, checksum


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "encoder.txt"]


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    return FeatureCache(tmp_path / "features", LARGE)


# --- addresses

TEXTS = st.text(max_size=5)
PARTS = st.tuples(TEXTS, TEXTS, st.integers(0, 3), st.lists(TEXTS, max_size=3), TEXTS)


@given(PARTS, PARTS)
def test_equal_addresses_mean_that_everything_is_equal(
    one: tuple[str, str, int, list[str], str], other: tuple[str, str, int, list[str], str]
) -> None:
    assert (address(*one) == address(*other)) == (one == other)


@pytest.mark.parametrize(
    "changed",
    [
        ("other", "none", 0, IMAGES, "fp32"),
        (ENCODER, "jpeg:75", 0, IMAGES, "fp32"),
        (ENCODER, "none", 1, IMAGES, "fp32"),
        (ENCODER, "none", 0, IMAGES[::-1], "fp32"),
        (ENCODER, "none", 0, IMAGES[:3], "fp32"),
        (ENCODER, "none", 0, IMAGES, "bf16"),
    ],
)
def test_every_part_makes_another_address(changed: tuple[str, str, int, list[str], str]) -> None:
    assert address(*changed).digest != address(ENCODER, "none", 0, IMAGES, "fp32").digest


def test_numerics_name_the_precision_the_processor_and_the_packages() -> None:
    text = numerics("cpu", "fp32")
    assert all(part in text for part in ("fp32", "cpu", torch.__version__.partition("+")[0], "pillow"))
    assert text != numerics("cpu", "bf16")
    assert text != numerics("meta", "fp32")


@given(st.text())
def test_any_identity_makes_one_plain_folder_name(identity: str) -> None:
    folder = address(identity.replace("\ud800", ""), "none", 0, IMAGES, "").folder
    assert Path(folder).name == folder
    assert folder.isascii()
    assert len(folder) <= 60


# --- what comes back

DTYPES = [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.uint8, torch.int64, torch.bool]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(32, 768), (3, 3, 8, 8), (1,), (2, 0)])
def test_features_come_back_bit_for_bit(
    cache: FeatureCache, dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    made = torch.randn(shape).mul(100).to(dtype)
    cache.put(block(0), made)
    found = cache.get(block(0))
    assert cache.problem == ""
    assert found is not None
    assert (found.dtype, found.shape, found.device.type) == (dtype, made.shape, "cpu")
    assert torch.equal(found, made)


def test_not_a_number_and_infinity_come_back(cache: FeatureCache) -> None:
    made = torch.tensor([float("nan"), float("inf"), -0.0])
    cache.put(block(0), made)
    found = cache.get(block(0))
    assert found is not None
    assert np.array_equal(found.numpy().view(np.int32), made.numpy().view(np.int32))


def test_a_transposed_tensor_that_wants_gradients_comes_back(cache: FeatureCache) -> None:
    made = torch.randn(5, 3, requires_grad=True).T
    cache.put(block(0), made)
    found = cache.get(block(0))
    assert found is not None
    assert torch.equal(found, made)


def test_files_are_numpy_files_that_other_programs_can_read(cache: FeatureCache) -> None:
    made = torch.randn(32, 768)
    cache.put(block(0), made)
    (path,) = files(cache.folder)
    assert np.array_equal(np.load(path), made.numpy())
    assert path.relative_to(cache.folder).parts[1:] == (block(0).digest[:2], f"{block(0).digest}.npy")


def test_a_note_says_whose_features_they_are(cache: FeatureCache) -> None:
    cache.put(block(0), features())
    (note,) = cache.folder.glob("*/encoder.txt")
    assert note.read_text() == f"{ENCODER}\n"
    assert note.parent.name.startswith("clip-vit-l14-")


def test_writing_to_what_was_found_changes_no_file(cache: FeatureCache) -> None:
    cache.put(block(0), features(1))
    found = cache.get(block(0))
    assert found is not None
    found.zero_()
    again = cache.get(block(0))
    assert again is not None
    assert torch.equal(again, features(1))


def test_what_was_found_outlives_its_file(cache: FeatureCache) -> None:
    made = torch.randn(100, 1000)
    cache.put(block(0), made)
    found = cache.get(block(0))
    cache.clear([block(0).folder])
    assert not files(cache.folder)
    assert found is not None
    assert torch.equal(found, made)


def test_a_limit_of_zero_keeps_and_finds_nothing(tmp_path: Path) -> None:
    FeatureCache(tmp_path, LARGE).put(block(0), features())
    off = FeatureCache(tmp_path, 0)
    off.put(block(1), features())
    assert off.get(block(0)) is None
    assert len(files(tmp_path)) == 1


# --- damage


@pytest.mark.slow
@given(st.integers(0, FILE - 1))
def test_a_file_cut_anywhere_counts_as_absent_and_goes(length: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cache = FeatureCache(Path(folder), LARGE)
        cache.put(block(0), features(3))
        (path,) = files(cache.folder)
        assert path.stat().st_size == FILE
        os.truncate(path, length)
        assert cache.get(block(0)) is None
        assert not path.exists()


@pytest.mark.slow
@given(st.integers(0, FILE - 1), st.integers(1, 255))
def test_one_wrong_byte_anywhere_is_noticed(position: int, change: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cache = FeatureCache(Path(folder), LARGE)
        cache.put(block(0), features(3))
        (path,) = files(cache.folder)
        content = bytearray(path.read_bytes())
        content[position] ^= change
        path.write_bytes(content)
        assert cache.get(block(0)) is None
        assert not path.exists()


@pytest.mark.parametrize("length", [4, FILE, 4096])
def test_zeros_after_a_power_failure_are_no_features(cache: FeatureCache, length: int) -> None:
    cache.put(block(0), features(3))
    (path,) = files(cache.folder)
    path.write_bytes(bytes(length))
    assert cache.get(block(0)) is None
    cache.put(block(0), features(3))
    assert cache.get(block(0)) is not None


# --- the limit


def age(folder: Path) -> None:
    """Let a second pass for every file; the clock of file systems is coarser than a test is quick."""
    for path in files(folder):
        before = path.stat().st_mtime_ns - 10**9
        os.utime(path, ns=(before, before))


@pytest.mark.slow
@given(st.lists(st.tuples(st.sampled_from(["get", "put"]), st.integers(0, 7)), max_size=40))
def test_the_least_recently_used_go_first(steps: list[tuple[str, int]]) -> None:
    """Against a list in order of use: five files fit, and 90 % of the limit means four."""
    kept: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        cache = FeatureCache(Path(folder), 5 * FILE)
        for step, i in steps:
            age(cache.folder)
            if step == "get":
                found = cache.get(block(i))
                assert (found is not None) == (i in kept)
                assert found is None or torch.equal(found, features(i))
            else:
                cache.put(block(i), features(i))
            if step == "put" or i in kept:
                kept = [*(one for one in kept if one != i), i]
            if len(kept) > 5:
                kept = kept[-4:]
            assert {path.stem for path in files(cache.folder)} == {block(one).digest for one in kept}
        assert cache.problem == ""


@pytest.mark.slow
@given(st.lists(st.integers(1, 400), min_size=1, max_size=30), st.integers(1000, 4000))
def test_the_limit_holds_after_every_put(lengths: list[int], limit: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cache = FeatureCache(Path(folder), limit)
        for i, length in enumerate(lengths):
            cache.put(block(i), torch.zeros(length, dtype=torch.uint8))
            assert sum(path.stat().st_size for path in files(cache.folder)) <= limit
            assert cache.get(block(i)) is not None


@pytest.mark.slow
def test_what_earlier_and_other_processes_wrote_counts(tmp_path: Path) -> None:
    one, other = FeatureCache(tmp_path, 40 * FILE), FeatureCache(tmp_path, 40 * FILE)
    for i in range(100):
        one.put(block(2 * i), features())
        other.put(block(2 * i + 1), features())
        unseen = 2 * (40 * FILE // 16)
        assert sum(path.stat().st_size for path in files(tmp_path)) <= 40 * FILE + unseen


def test_remains_of_killed_runs_are_evicted_too(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, 4 * FILE)
    cache.put(block(0), features())
    remains = files(tmp_path)[0].with_name(f".{block(9).digest}.npy.1.part")
    remains.write_bytes(bytes(3 * FILE))
    os.utime(remains, (0, 0))
    cache.put(block(1), features())
    cache.clear([])  # looks again
    cache.put(block(2), features())
    assert not remains.exists()
    assert len(files(tmp_path)) == 3


def test_files_of_others_in_the_folder_are_let_alone(tmp_path: Path) -> None:
    others = [tmp_path / "thesis.npy", tmp_path / "data" / "thesis.npy"]
    others[1].parent.mkdir()
    for path in others:
        path.write_bytes(bytes(10 * FILE))
    cache = FeatureCache(tmp_path, 2 * FILE)
    for i in range(5):
        cache.put(block(i), features())
    assert [one.encoder for one in cache.usage()] == [block(0).folder]
    cache.clear(one.encoder for one in cache.usage())
    assert sorted(files(tmp_path)) == sorted(others)


def test_one_block_above_the_limit_does_not_empty_the_cache(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, 2 * FILE)
    cache.put(block(0), features())
    cache.put(block(1), torch.zeros(5000))
    assert cache.problem.endswith("20.1 kB do not fit into 1.1 kB")
    assert cache.get(block(0)) is not None


def test_a_put_looks_at_the_folder_rarely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = FeatureCache(tmp_path, 1600 * FILE)
    looks, walk = [], os.walk
    monkeypatch.setattr(os, "walk", lambda folder: looks.append(folder) or walk(folder))
    for i in range(301):
        cache.put(block(i), features())
    assert len(looks) == 1 + 2  # at first, and after every sixteenth of the limit: 100 files


# --- what stops no run


def test_a_folder_that_cannot_be_written_is_read_and_said_once() -> None:
    with unprivileged() as folder:
        FeatureCache(folder, LARGE).put(block(0), features(5))
        with read_only(folder):
            cache = FeatureCache(folder, LARGE)
            cache.put(block(1), features())
            first = cache.problem
            assert first.startswith(f"features are no longer kept in {folder}: [Errno 13] Permission denied")
            cache.put(block(2, "another encoder"), features())
            assert cache.problem == first
            found = cache.get(block(0))
            assert found is not None
            assert torch.equal(found, features(5))


def test_blocks_that_may_not_be_read_are_computed_again() -> None:
    with unprivileged() as folder:
        cache = FeatureCache(folder, LARGE)
        cache.put(block(0), features())
        (path,) = files(folder)
        path.chmod(0)
        assert cache.get(block(0)) is None
        assert path.exists()


def test_a_file_in_place_of_the_folder_is_a_problem_in_words(tmp_path: Path) -> None:
    (tmp_path / "features").write_text("")
    cache = FeatureCache(tmp_path / "features", LARGE)
    cache.put(block(0), features())
    assert "features are no longer kept" in cache.problem
    assert cache.get(block(0)) is None
    assert cache.usage() == []


def test_a_type_that_numpy_lacks_is_a_problem_in_words(cache: FeatureCache) -> None:
    cache.put(block(0), torch.zeros(3).to(torch.float8_e5m2))
    assert "Float8_e5m2" in cache.problem
    assert not files(cache.folder)


FULL_DISK = """
import resource, sys, torch
from pathlib import Path
from forenbench.scoring.features import FeatureCache, address

cache = FeatureCache(Path(sys.argv[1]), 10**9)
place = address("encoder", "none", 0, ["a"], "")
cache.put(place, torch.zeros(10))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
cache.put(address("encoder", "none", 0, ["b"], ""), torch.zeros(10_000))
print(cache.problem)
print(cache.get(place).tolist())
"""


@pytest.mark.slow
def test_a_disk_that_takes_no_more_stops_only_the_keeping(tmp_path: Path) -> None:
    """The operating system cuts every file at 1000 bytes, in the middle of a write, as a full disk does."""
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert output[0].startswith(f"features are no longer kept in {tmp_path}: [Errno 27] File too large")
    assert output[1] == str([0.0] * 10)
    assert len(files(tmp_path)) == 1


def test_a_vanished_folder_comes_back(cache: FeatureCache) -> None:
    cache.put(block(0), features())
    FeatureCache(cache.folder, LARGE).clear([block(0).folder])
    assert cache.get(block(0)) is None
    cache.put(block(1), features())
    assert cache.problem == ""
    assert cache.get(block(1)) is not None
    assert (cache.folder / block(0).folder / "encoder.txt").is_file()


HAMMER = """
import random, sys, torch
from pathlib import Path
from forenbench.scoring.features import FeatureCache, address

draw, cache, hits = random.Random(int(sys.argv[2])), FeatureCache(Path(sys.argv[1]), 60_000), 0
for _ in range(2000):
    i = draw.randrange(40)
    place, value = address(f"encoder-{i % 3}", "none", i, ["a"], ""), torch.full((1 + i, 100), float(i))
    found = cache.get(place)
    if found is None:
        cache.put(place, value)
    else:
        hits += 1
        assert torch.equal(found, value), (i, found)
    if draw.random() < 0.002:
        cache.clear(one.encoder for one in cache.usage())
    assert not cache.problem, cache.problem
print(hits)
"""


def hammer(folder: Path, seed: int) -> int:
    """Look up and keep blocks in a process of its own, all of which would take ten times the limit."""
    command = [sys.executable, "-c", HAMMER, str(folder), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return int(done.stdout)


def damage(path: Path) -> None:
    """Put a broken file in the place of a whole one."""
    damaged = path.with_suffix(".broken")
    damaged.write_bytes(bytes(700))
    damaged.replace(path)


@pytest.mark.slow
def test_processes_that_hammer_one_folder_never_see_wrong_features(tmp_path: Path) -> None:
    """Three processes read, write, evict and clear at once, while a fourth damages files."""
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(hammer, tmp_path, seed) for seed in range(3)]
        while not all(one.done() for one in running):
            with suppress(FileNotFoundError):  # what is found here may be gone when it is to be damaged
                damage(next(tmp_path.glob("*/*/*.npy"), tmp_path / "none" / "none"))
            time.sleep(0.01)
    assert all(one.result() > 0 for one in running)


# --- sizes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("20GB", 20 * 10**9),
        ("1.5 TB", 1_500_000_000_000),
        (" 500mb ", 500_000_000),
        ("3K", 3000),
        ("7 B", 7),
        ("123456", 123456),
        ("0", 0),
        ("0.1GB", 100_000_000),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "much", "-1GB", "1e9", "10 GiB", "GB", "1,5GB", "nan", "²GB", "1GB 2GB"]
)
def test_what_is_no_size_is_named(text: str) -> None:
    with pytest.raises(BenchError, match="is no size; write one such as 20GB, 500MB or 0") as error:
        parse_size(text)
    assert str(error.value).startswith(f"'{text}' ")


def test_the_users_cache_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("FORENBENCH_FEATURES", raising=False)
    assert user_cache().folder == tmp_path / "forenbench" / "features"
    assert user_cache().limit == 10 * 10**9
    monkeypatch.setenv("FORENBENCH_FEATURES", "20GB")
    assert user_cache().limit == 20 * 10**9
    assert user_cache(limit=5).limit == 5
    monkeypatch.setenv("FORENBENCH_FEATURES", "a lot")
    with pytest.raises(BenchError, match=r"^FORENBENCH_FEATURES: 'a lot' is no size"):
        user_cache()


# --- the built-in encoders


def test_encoders_say_what_their_features_are() -> None:
    """The sample's, with everything they rest on: file, preparation, version."""
    weights = Weights("sample")
    backbone, transformation = BACKBONES["efficientnet-lite0"], TRANSFORMATIONS["nearest-gan"]
    made = [
        (
            "efficientnet-lite0, version 1",
            backbone.checkpoint,
            backbone.prepare,
            efficientnet_lite0(weights).identity,
        ),
        (
            "lgrad-nearest-gan, version 2",
            transformation.checkpoints[0],
            transformation.prepare,
            picture_maker("nearest-gan", weights).identity,
        ),
    ]
    for start, checkpoint, prepare, identity in made:
        assert identity.startswith(start)
        assert sha256_of(weights.path(checkpoint)) in identity
        assert repr(prepare) in identity
        assert " at 0x" not in identity  # an address in memory is another one in the next run


@pytest.mark.slow
def test_another_preparation_or_file_is_another_encoder(tmp_path: Path) -> None:
    backbone = BACKBONES["efficientnet-lite0"]
    plain = backbone.load(Weights("sample")).identity
    resized = replace(backbone, prepare=Preprocess(SYMMETRIC, resize=256))
    assert resized.load(Weights("sample")).identity != plain
    file = tmp_path / "mine.pth"
    state = dict(Weights("sample").load(backbone.checkpoint))
    torch.save({key: value + 1 if isinstance(value, Tensor) else value for key, value in state.items()}, file)
    mine = Weights("sample", {backbone.checkpoint.name: file}, unverified=True)
    assert sha256_of(file) in backbone.load(mine).identity


@pytest.mark.slow
def test_a_network_serves_all_who_ask_for_it_but_not_as_another_network_needs_it() -> None:
    """An encoder takes the classifier off its own; another network of the same file is another one."""
    backbone = BACKBONES["efficientnet-lite0"]
    for weights in (Weights("sample"), Weights("sample")):
        before = backbone.network.load(weights)
        encoder = backbone.load(weights)
        assert isinstance(encoder.network.classifier, nn.Identity)
        assert isinstance(before.classifier, nn.Linear)
        assert backbone.network.load(weights) is before
        assert backbone.load(weights) is encoder
        assert replace(backbone.network, build=lambda: backbone.network.build()).load(weights) is not before


def test_the_identity_is_the_same_when_the_network_was_there_already() -> None:
    weights = Weights("sample")
    TRANSFORMATIONS["nearest-gan"].load(weights)
    fresh = picture_maker("nearest-gan", Weights("sample")).identity
    assert picture_maker("nearest-gan", weights).identity == fresh


def test_pictures_that_cost_nothing_are_not_kept() -> None:
    assert picture_maker("input-image", Weights("published")).identity == ""
