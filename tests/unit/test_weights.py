"""Weights: what is refused, and what the message says."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.overrides import TorchFunctionMode

from forenbench.detectors._nets.fredect_statistics import MEAN, VARIANCE, statistics
from forenbench.errors import BenchError
from forenbench.files.checksums import sha256_of
from forenbench.weights import (
    Checkpoint,
    MissingWeights,
    Weights,
    WrongWeights,
    describe,
    frozen,
    load_strict,
    weight_files,
)
from forenbench.weights.checkpoint_store import Verdict, cached, inspect

HEAD = Checkpoint("head", "head.pth", "https://example.org/head", "MIT", {"weight": (1, 4), "bias": (1,)})
OTHER = Checkpoint("stem", "stem.pth", "https://example.org/stem", "MIT", {"conv.weight": (2, 3, 3, 3)})


def head() -> torch.nn.Linear:
    return torch.nn.Linear(4, 1)


def state(**changes: object) -> dict[str, object]:
    values = {"weight": torch.ones(1, 4), "bias": torch.zeros(1)} | changes
    return {key: value for key, value in values.items() if value is not None}


def load(path: Path, checkpoint: Checkpoint = HEAD) -> dict[str, object]:
    return Weights(paths={checkpoint.name: path}).load(checkpoint)


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_both_formats_are_told_by_content(tmp_path: Path, suffix: str) -> None:
    for save, name in ((torch.save, "torch"), (save_file, "safe")):
        path = tmp_path / f"{name}.{suffix}"
        save(state(), path)
        loaded = load(path)
        assert loaded.keys() == {"weight", "bias"}
        assert torch.equal(loaded["weight"], torch.ones(1, 4))


def test_older_torch_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "old.pth"
    torch.save(state(), path, _use_new_zipfile_serialization=False)
    assert load(path).keys() == {"weight", "bias"}


def test_frozen_network_carries_the_weights_and_no_gradient(tmp_path: Path) -> None:
    network = frozen(head, state(weight=torch.full((1, 4), 2.0, dtype=torch.float16)), HEAD)
    assert not network.training
    assert network.weight.dtype == torch.float32
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert network(torch.ones(1, 4)).item() == 8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bias": None}, "key 'bias' is missing"),
        ({"scale": torch.ones(1)}, "key 'scale' is unexpected"),
        ({"weight": torch.ones(1, 5)}, r"key 'weight' has shape \(1, 5\), expected \(1, 4\)"),
        ({"weight": 3.0}, "key 'weight' is no tensor but a 'float'"),
    ],
)
def test_strict_loading_names_the_first_wrong_key(change: dict[str, object], words: str) -> None:
    network = head()
    before = network.weight.clone()
    with pytest.raises(WrongWeights, match=words) as error:
        load_strict(network, state(**change), HEAD)
    assert "https://example.org/head" in str(error.value)
    assert torch.equal(network.weight, before)


def test_strict_loading_says_which_known_file_it_is_instead() -> None:
    conv = {"conv.weight": torch.zeros(2, 3, 3, 3), "conv.bias": torch.zeros(2)}
    with pytest.raises(WrongWeights, match=r"it seems to be weights 'stem' \(stem.pth\)"):
        load_strict(head(), conv, HEAD, (OTHER,))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "an empty dict"),
        (state(), "weights 'head' (head.pth)"),
        ({"module.weight": torch.ones(1, 4), "module.bias": torch.ones(1)}, "with 'module.' before its keys"),
        ({"model": {"fc.weight": torch.ones(1, 4), "fc.bias": torch.ones(1)}, "total_steps": 3},
         "a training checkpoint (keys model, total_steps) around weights 'head' (head.pth), "
         "with 'fc.' before its keys"),
        ({"generator": {}, "discriminator": {}}, "a file with a generator and a discriminator"),
        ({"a": torch.ones(2), "b": 1, "c": 1, "d": 1}, "a dict of 4 entries: 'a' (2,), 'b' None, 'c'"),
    ],
)  # fmt: skip
def test_describe_says_what_a_file_seems_to_be(content: dict[str, object], words: str) -> None:
    assert words in describe(content, (HEAD, OTHER))


def test_sha256_must_be_the_published_one_and_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "head.pth"
    torch.save(state(), path)
    right = Checkpoint("head", "head.pth", "there", "MIT", HEAD.marks, sha256=sha256_of(path))
    weights = Weights(paths={"head": path})
    with weights.recording() as used:
        weights.load(right)
    assert used == {"head": right.sha256}
    wrong = Checkpoint("head", "head.pth", "there", "MIT", HEAD.marks, sha256="0" * 64)
    with pytest.raises(WrongWeights, match=r"expected 0000.*it has the keys of head.pth, and other values"):
        load(path, wrong)


def test_a_file_of_a_sister_family_is_refused_by_its_sha256_where_its_shapes_fit(tmp_path: Path) -> None:
    path = tmp_path / "head.pth"
    torch.save(state(), path)
    sister = replace(HEAD, name="sister", sha256=sha256_of(path)[:8])
    weights = Weights(paths={"head": path, "sister": path}, known=(HEAD, OTHER, sister))
    with pytest.raises(WrongWeights, match=r"head.pth is the published file of 'sister'; it has the keys of"):
        weights.load(HEAD)
    weights.load(sister)
    weights.load(replace(HEAD, sha256=sister.sha256))  # one file may have two names
    replace(weights, unverified=True).load(HEAD)


def test_files_of_a_shared_object_count_for_everyone_who_asks(tmp_path: Path) -> None:
    path = tmp_path / "head.pth"
    torch.save(state(), path)
    weights, made = Weights(paths={"head": path}), []
    for _ in range(2):
        with weights.recording() as used:
            made.append(weights.shared("encoder", lambda: weights.load(HEAD)))
        assert used == {"head (unverified)": sha256_of(path)}
    assert made[0] is made[1]
    with weights.recording() as used:
        pass
    assert used == {}


def test_leading_digits_of_a_sha256_are_compared(tmp_path: Path) -> None:
    path = tmp_path / "head.pth"
    torch.save(state(), path)
    load(path, replace(HEAD, sha256=sha256_of(path)[:8]))
    with pytest.raises(WrongWeights, match="expected 12345678"):
        load(path, replace(HEAD, sha256="12345678"))


@pytest.fixture
def _nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty the cache, and name no folder of the user's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FORENBENCH_WEIGHTS", raising=False)


@pytest.mark.parametrize(
    ("checkpoint", "words"),
    [
        (HEAD, ("https://example.org/head", "MIT", "--weights head=PATH", "FORENBENCH_WEIGHTS", "by hand")),
        (replace(HEAD, urls=("https://example.org/head.pth",)), ("'bench weights fetch head'", "MIT")),
        (
            replace(HEAD, command="bench train head"),
            ("nobody has published", "Train them: bench train head"),
        ),
    ],
)
@pytest.mark.usefixtures("_nothing_here")
def test_an_absent_file_says_how_to_get_it_and_how_to_name_it(
    checkpoint: Checkpoint, words: tuple[str, ...]
) -> None:
    with pytest.raises(MissingWeights) as error:
        Weights().load(checkpoint)
    assert all(word in str(error.value) for word in words)
    assert ("weights fetch" in str(error.value)) == bool(checkpoint.urls)


@pytest.mark.usefixtures("_nothing_here")
def test_places_are_looked_into_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, named = tmp_path / "mine", tmp_path / "named.pth"
    monkeypatch.setenv("FORENBENCH_WEIGHTS", str(folder))
    folder.mkdir()
    stem = replace(HEAD, name="stem")  # its file is called head.pth, too
    places = [cached(stem), folder / "head.pth", folder / "stem.pth", folder / "stem" / "head.pth"]
    for path in places:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        assert Weights().path(stem) == path
    named.touch()
    assert Weights(paths={"stem": named}).path(stem) == named


@pytest.mark.usefixtures("_nothing_here")
def test_the_users_folder_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORENBENCH_WEIGHTS", "/no/such/folder")
    with pytest.raises(BenchError, match="FORENBENCH_WEIGHTS='/no/such/folder' is no folder"):
        Weights().path(HEAD)


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("save", [torch.save, save_file])
def test_a_file_without_a_known_sha256_is_judged_by_its_structure(
    tmp_path: Path, save: Callable[[object, Path], None], wrapped: bool
) -> None:
    path, content = tmp_path / "head.pth", state()
    if wrapped and save is save_file:
        content = {f"module.{key}": value for key, value in content.items()}
    elif wrapped:
        content = {"model": content, "total_steps": 3}
    save(content, path)
    assert inspect(HEAD, path) == Verdict("", verified=False)
    assert "it seems to be" in inspect(OTHER, path).problem


def test_a_known_sha256_or_size_decides(tmp_path: Path) -> None:
    path = tmp_path / "head.pth"
    path.write_bytes(b"not even a torch file")
    right = replace(HEAD, sha256=sha256_of(path), size=21)
    assert inspect(right, path) == Verdict("", verified=True)
    assert "has 21 bytes, expected 22" in inspect(replace(right, size=22), path).problem
    assert "expected 0000" in inspect(replace(right, sha256="0000"), path).problem
    assert "neither a torch nor a safetensors file" in inspect(HEAD, path).problem


def test_a_path_that_is_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"no file at .*nowhere\.pth"):
        load(tmp_path / "nowhere.pth")


def test_a_shipped_file_is_found_in_its_package() -> None:
    shipped = Checkpoint("kept", "py.typed", "here", "MIT", shipped=True, package="forenbench")
    assert Weights().path(shipped).name == "py.typed"


def test_a_shipped_file_that_was_not_shipped_is_named() -> None:
    lost = Checkpoint("lost", "weights/lost.safetensors", "here", "MIT", shipped=True)
    with pytest.raises(MissingWeights, match=r"no file at .*lost\.safetensors"):
        Weights().path(lost)


class Bomb:
    """Unpickling it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("save", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_a_pickle_bomb_is_refused_and_does_not_go_off(
    tmp_path: Path, save: Callable[[object, Path], object]
) -> None:
    path, target = tmp_path / "bomb.pth", tmp_path / "exploded"
    save({"weight": Bomb(target), "bias": torch.zeros(1)}, path)
    with pytest.raises(
        WrongWeights, match=r"'weight' is no tensor but a 'posix.mkdir'|torch.save did not write"
    ):
        frozen(head, load(path), HEAD)
    assert not target.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n<!DOCTYPE html><html>Sign in</html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "is a Git LFS pointer"),
        (b"\x89PNG\r\n\x1a\n and more", "is neither a torch nor a safetensors file"),
        (b"PK\x03\x04 cut off", "is broken or cut off"),
        (b"\x40\x00\x00\x00\x00\x00\x00\x00{cut off", "is broken or cut off"),
    ],
)
@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_what_people_save_by_mistake_is_named(
    tmp_path: Path, content: bytes, words: str, suffix: str
) -> None:
    path = tmp_path / f"head.{suffix}"
    path.write_bytes(content)
    with pytest.raises(WrongWeights, match=words) as error:
        load(path)
    assert str(path) in str(error.value)
    assert "https://example.org/head" in str(error.value)


def test_a_truncated_download_is_named(tmp_path: Path) -> None:
    path = tmp_path / "head.pth"
    torch.save({"weight": torch.zeros(5000)}, path)
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(WrongWeights, match="is broken or cut off"):
        load(path)


class _WithoutDoubles(TorchFunctionMode):
    """The meta device in the place of Apple's GPUs: it refuses float64, as they do."""

    def __torch_function__(
        self,
        function: Callable[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        made = function(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor) and made.device.type == "meta" and made.dtype == torch.float64:
            raise TypeError("this device has no float64")
        return made


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_float64_is_narrowed_before_it_goes_to_a_device_that_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    monkeypatch.setattr(weight_files, "_WITHOUT_DOUBLES", ("meta",))
    paths = {one.name: tmp_path / one.file for one in (MEAN, VARIANCE)}
    for path in paths.values():
        torch.save(torch.ones(3, 224, 224, dtype=torch.float64), path)
    weights = Weights(paths=paths, device=device)
    with _WithoutDoubles():
        loaded = [weights.load(MEAN)["tensor"], *statistics(weights)]
    types = torch.float64 if device == "cpu" else torch.float32, torch.float32, torch.float32
    assert [(one.device.type, one.dtype) for one in loaded] == [(device, of) for of in types]


def test_a_lone_tensor_has_a_name_of_ours_and_a_list_has_none(tmp_path: Path) -> None:
    path = tmp_path / "tensor.pth"
    torch.save(torch.arange(3.0), path)
    with pytest.raises(WrongWeights, match=r"key 'weight' is missing; it seems to be .*'tensor' \(3,\)"):
        load_strict(head(), load(path), HEAD)
    torch.save([torch.zeros(3)], path)
    with pytest.raises(WrongWeights, match="holds a list, not a dict of tensors"):
        load(path)


def test_errors_are_requests_that_cannot_be_carried_out() -> None:
    assert issubclass(MissingWeights, BenchError)
    assert issubclass(WrongWeights, BenchError)


def test_importing_weights_does_not_import_torch() -> None:
    import subprocess

    code = "import sys, forenbench.weights; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
