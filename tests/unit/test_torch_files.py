"""Files of torch: the tensors torch itself reads from them, and nothing that they ask to run."""

from __future__ import annotations

import os
import pickle
import tracemalloc
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import cast

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformation_files import filled

from forenbench.detectors._nets.encoders import BACKBONES
from forenbench.weights import Checkpoint, Weights, WrongWeights, pickles
from forenbench.weights.file_bytes import FileBytes
from forenbench.weights.weight_files import read

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning"),
    pytest.mark.filterwarnings("ignore:TypedStorage is deprecated:UserWarning"),
]
ANY = Checkpoint("any", "any.pt", "nowhere", "none")


class Holder(nn.Module):
    """A module tree with the tensors of a state dict, and attributes of other kinds."""

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        self.sizes, self.rates, self.note, self.table = [3, 4], [0.5], "text", {"a": 1}
        for key, value in state.items():
            self._place(key.split("."), value)

    def _place(self, names: list[str], value: Tensor) -> None:
        here: nn.Module = self
        for name in names[:-1]:
            if not hasattr(here, name):
                here.add_module(name, nn.Module())
            here = here.get_submodule(name)
        here.register_buffer(names[-1], value)

    def forward(self, images: Tensor) -> Tensor:
        """Do something, so that there is a program."""
        return images + len(self.sizes)


def archive(state: dict[str, Tensor], path: Path) -> Path:
    """Write what ``torch.jit`` writes."""
    torch.jit.save(torch.jit.script(Holder(state)), path)
    return path


STATE = {
    "visual.conv1.weight": torch.randn(4, 3, 2, 2).half(),
    "visual.0.bn.running_var": torch.rand(5),
    "visual.0.bn.num_batches_tracked": torch.tensor(7),
    "visual.transposed": torch.arange(6.0).reshape(2, 3).T,
    "visual.empty": torch.empty(0, 3),
    "input_resolution": torch.tensor(224),
    "flags": torch.tensor([True, False]),
}


def load(path: Path) -> dict[str, object]:
    return Weights(paths={"any": path}).load(ANY)


def test_tensors_are_those_that_torch_reads(tmp_path: Path) -> None:
    path = archive(STATE, tmp_path / "model.pt")
    ours, theirs = load(path), torch.jit.load(path).state_dict()
    assert ours.keys() == theirs.keys() == STATE.keys()
    for key, value in theirs.items():
        found = ours[key]
        assert isinstance(found, Tensor)
        assert found.dtype == value.dtype
        assert torch.equal(found, value)
    shapes = read(FileBytes.of(path), "meta")
    assert {key: one.shape for key, one in shapes.items()} == {key: one.shape for key, one in STATE.items()}
    assert all(one.is_meta for one in shapes.values())


@pytest.mark.slow
@torch.no_grad()
def test_openais_file_gives_the_features_that_open_clips_copy_gives(tmp_path: Path) -> None:
    """OpenAI keeps half precision and a few numbers beside the weights."""
    backbone = BACKBONES["clip-rn50"]
    halved = {
        key: value.half()
        for key, value in filled(backbone.network.build).items()
        if value.is_floating_point()
    }
    state = {f"visual.{key}": value for key, value in {**filled(backbone.network.build), **halved}.items()}
    numbers = {key: torch.tensor(1) for key in ("input_resolution", "context_length", "vocab_size")}
    official = archive(state | numbers | {"logit_scale": torch.zeros(())}, tmp_path / "RN50.pt")
    copy = tmp_path / "open_clip_model.safetensors"
    save_file({key: value.float() if "tracked" not in key else value for key, value in state.items()}, copy)
    image = torch.rand(1, 3, 224, 224)
    one, other = (
        backbone.load(Weights(paths={"clip-rn50": path})).encode(image) for path in (official, copy)
    )
    assert one.dtype == torch.float32
    assert torch.equal(one, other)


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize(
    "value", [torch.randn(3, 4, 2).double().permute(2, 0, 1), nn.Parameter(torch.ones(2))]
)
def test_a_bare_tensor_is_one_entry(value: Tensor, older: bool, tmp_path: Path) -> None:
    path = tmp_path / "mean"
    torch.save(value, path, _use_new_zipfile_serialization=not older)
    found = load(path)
    assert found.keys() == {"tensor"}
    assert torch.equal(found["tensor"], value)  # type: ignore[arg-type]
    assert found["tensor"].dtype == value.dtype  # type: ignore[attr-defined]
    shapes = read(FileBytes.of(path), "meta")
    assert {key: (one.shape, one.is_meta) for key, one in shapes.items()} == {"tensor": (value.shape, True)}
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(WrongWeights, match="is broken or cut off"):
        load(path)


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("made",)


class Outside:
    """A tensor of a thousand numbers on a storage of one."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        storage = torch.zeros(1).storage()
        return torch._utils._rebuild_tensor_v2, (storage, 0, (1000,), (1,), False, OrderedDict())


class Tree(pickle.Pickler):
    def persistent_id(self, value: object) -> object:
        return ("storage", torch.FloatStorage, "0", "cpu", 1) if torch.is_storage(value) else None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Harmful(), r"holds the Python object 'posix.mkdir', and making that could run code"),
        (Outside(), "is broken or cut off"),
    ],
)
def test_what_is_no_tensor_is_refused_and_not_run(
    value: object, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, tree = tmp_path / "model.pt", BytesIO()
    Tree(tree, protocol=2).dump(value)
    with zipfile.ZipFile(path, "w") as made:
        for name, data in (("data.pkl", tree.getvalue()), ("data/0", bytes(4)), ("constants.pkl", b"")):
            made.writestr(f"model/{name}", data)
    with pytest.raises(WrongWeights, match=words):
        load(path)
    assert not Path("made").exists()


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    path = archive(STATE, tmp_path / "model.pt")
    content = bytearray(path.read_bytes())
    where = content.index(STATE["visual.0.bn.running_var"].numpy().tobytes())
    content[where] ^= 1
    path.write_bytes(content)
    with pytest.raises(WrongWeights, match=r"is broken or cut off .*CRC"):
        load(path)


# --- hostile files

MARK = "made"
"""What code from a file would make in the current folder."""


class Calls:
    """Pickles into a call of any function, found where the file names it."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.reduced


def opcodes(module: str, name: str, argument: str) -> Iterator[bytes]:
    """Write a call in each of the ways that pickle has."""
    text = f"V{argument}\n".encode()
    where = f"{module}\n{name}\n".encode()
    yield b"c" + where + b"(" + text + b"tR."
    yield b"(" + text + b"i" + where + b"."
    yield b"(c" + where + text + b"o."
    yield b"c" + where + b"(" + text + b"t\x81."
    yield b"c" + where + b"(" + text + b"t}\x92."
    yield f"V{module}\nV{name}\n".encode() + b"\x93(" + text + b"tR."
    yield b"c" + where + b"(V__call__\nVx\ndb(" + text + b"tR."


def zipped(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as made:
        for name, data in members.items():
            made.writestr(f"model/{name}", data)
    return path


def test_no_way_of_naming_code_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = f"open('{MARK}', 'w')"
    inner = BytesIO()
    torch.save(Calls(os.mkdir, MARK), inner)
    names = (("posix", "mkdir", MARK), ("builtins", "exec", code), ("__builtin__", "eval", code),
             ("os", "system", f"touch {MARK}"), ("subprocess", "Popen", f"touch {MARK}"),
             ("torch", "compile", code), ("torch.hub", "load", code), ("__torch__.net", "Net", code),
             ("torch._utils", "_rebuild_tensor_v2.__globals__", code))  # fmt: skip
    calls = [
        Calls(os.mkdir, MARK),
        Calls(exec, code),
        Calls(torch.storage._load_from_bytes, inner.getvalue()),
    ]
    programs = [pickle.dumps({"weight": one}, 2) for one in calls]
    programs += [program for name in names for program in opcodes(*name)]
    tried = 0
    for program in programs:
        for members in ({}, {"constants.pkl": b""}):
            path = zipped(tmp_path / "model.pt", {"data.pkl": program, **members})
            with suppress(WrongWeights):
                load(path)
            assert not Path(MARK).exists(), program
            tried += 1
    torch.save(Calls(os.mkdir, MARK), tmp_path / "older.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(WrongWeights):
        load(tmp_path / "older.pt")
    assert not Path(MARK).exists()
    assert tried == 2 * (len(calls) + 7 * len(names))


@pytest.mark.parametrize(
    "state", [b"(NVappend\nVchanged\nd\x86", b"(Vappend\nVchanged\nd"], ids=["slots", "dict"]
)
def test_what_a_file_sets_on_a_class_or_function_no_other_file_sees(state: bytes, tmp_path: Path) -> None:
    """A pickle may set attributes on what it names; that of the next file has none of them."""
    names = [("any", "Thing"), ("torch._utils", "_rebuild_tensor_v2"), *pickles._FIRST, *pickles._PLAIN]
    for module, name in names:
        with suppress(WrongWeights):
            load(zipped(tmp_path / "model.pt", {"data.pkl": f"c{module}\n{name}\n".encode() + state + b"b."}))
    assert pickles.Holder.append.__name__ == "append"
    assert not any(
        hasattr(one, "append") for one in (pickles.Program._tensor, pickles.Program._first, OrderedDict)
    )
    assert load(archive(STATE, tmp_path / "fine.pt")).keys() == STATE.keys()


def test_no_tensor_is_made_over_by_a_state_beside_it(tmp_path: Path) -> None:
    """It would take any size for a storage of four numbers, and memory for all of it."""

    class MadeOver(Calls):
        def __reduce__(self) -> tuple[object, ...]:
            return *super().__reduce__(), (made, 0, (1 << 30,), (1,))

    class Whole(pickle.Pickler):
        def persistent_id(self, value: object) -> object:
            return ("storage", torch.FloatStorage, "0", "cpu", 4) if torch.is_storage(value) else None

    arguments = torch.zeros(4).storage(), 0, (4,), (1,), False, OrderedDict()
    made = Calls(torch._utils._rebuild_tensor_v2, *arguments)
    file = BytesIO()
    Whole(file, protocol=2).dump({"weight": MadeOver(torch._utils._rebuild_tensor_v2, *arguments)})
    path = zipped(tmp_path / "model.pt", {"data.pkl": file.getvalue(), "data/0": bytes(16)})
    with pytest.raises(WrongWeights, match="a Tensor has a state"):
        load(path)


def storage(count: int, key: str = "0", *, bare: bool = False) -> bytes:
    """Write the pickle of a state dict with one tensor of so many numbers, or of that tensor alone."""

    class Whole(pickle.Pickler):
        def persistent_id(self, value: object) -> object:
            return ("storage", torch.FloatStorage, key, "cpu", count) if torch.is_storage(value) else None

    file = BytesIO()
    tensor = Calls(
        torch._utils._rebuild_tensor_v2, torch.zeros(1).storage(), 0, (count,), (1,), False, OrderedDict()
    )
    Whole(file, protocol=2).dump(tensor if bare else {"weight": tensor})
    return file.getvalue()


@pytest.mark.parametrize("older", [False, True])
def test_a_file_that_somebody_zipped_is_read_but_not_one_in_two_archives(older: bool, tmp_path: Path) -> None:
    inner = BytesIO()
    torch.save(STATE, inner, _use_new_zipfile_serialization=not older)
    members = {"readme.txt": b"PK", "model.pth": inner.getvalue()}
    read = load(zipped(tmp_path / "once.zip", members, zipfile.ZIP_DEFLATED))
    assert all(torch.equal(cast("Tensor", read[key]), value) for key, value in STATE.items())
    twice = {"model.pth": (tmp_path / "once.zip").read_bytes()}
    for wrong in (twice, {**members, "other.pth": b"PK"}, {"readme.txt": b"PK"}):
        with pytest.raises(WrongWeights, match="broken"):
            load(zipped(tmp_path / "wrong.zip", wrong))


@pytest.mark.slow
def test_nothing_is_unpacked_that_the_files_length_does_not_account_for(tmp_path: Path) -> None:
    zeros, deflated = bytes(1 << 26), zipfile.ZIP_DEFLATED
    many = {f"data/{key}": zeros for key in "01"}
    bare = storage(1 << 24, bare=True)
    bombs = {
        "a storage that inflates": ({"data.pkl": storage(1 << 24), **many}, deflated, "more numbers than"),
        "a bare tensor that inflates": ({"data.pkl": bare, **many}, deflated, "more numbers than"),
        "a storage that is not there": ({"data.pkl": storage(1 << 40)}, deflated, "more numbers than"),
        "a storage of less than nothing": ({"data.pkl": storage(-4)}, deflated, "more numbers than"),
        "a storage of another size": ({"data.pkl": storage(3), "data/0": bytes(16)}, 0, "16 bytes, not 12"),
        "a pickle that inflates": ({"data.pkl": zeros}, deflated, "its pickle has more than"),
        "a mark that inflates": ({"data.pkl": storage(1), "byteorder": zeros}, deflated, "big-endian"),
        "a memo that takes all memory": ({"data.pkl": b"\x80\x02}r\xff\xff\xff\x7f."}, deflated, ""),
        "a file that inflates": ({"model.pth": zeros}, deflated, "more than 4 times its bytes"),
        "a tensor larger than its storage": ({"data.pkl": pickle.dumps(Outside(), 2)}, deflated, "broken"),
    }  # fmt: skip
    for name, (members, compression, words) in bombs.items():
        path = zipped(tmp_path / "bomb.pt", members, compression)
        tracemalloc.start()
        with suppress(WrongWeights) if not words else pytest.raises(WrongWeights, match=words):
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 25, name
        tracemalloc.stop()


def test_a_file_cut_off_anywhere_or_with_a_flipped_bit_never_gives_other_numbers(tmp_path: Path) -> None:
    state = {"weight": torch.arange(40.0), "bias": torch.ones(3).half()}
    whole = tmp_path / "whole.pt"
    for older in (False, True):
        torch.save(state, whole, _use_new_zipfile_serialization=not older)
        content, path = whole.read_bytes(), tmp_path / "cut.pt"
        for end in range(1, len(content), 97):
            path.write_bytes(content[:end])
            with pytest.raises(WrongWeights):
                load(path)
    torch.save(state, whole)
    for at in range(0, len(content := whole.read_bytes()), 29):
        path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        with suppress(WrongWeights):
            found = load(path)
            assert all(torch.equal(value, found[key]) for key, value in state.items() if key in found), at


def test_a_tensor_that_is_to_be_negated_when_it_is_read_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.tensor([1 + 2j]).conj().imag}, tmp_path / "negated.pt")
    with pytest.raises(WrongWeights):
        load(tmp_path / "negated.pt")
