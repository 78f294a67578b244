"""TorchScript archives: the tensors torch itself reads from them, and nothing that they ask to run."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict
from io import BytesIO
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformation_files import filled

from forenbench.detectors._nets.encoders import BACKBONES
from forenbench.weights import Checkpoint, Weights, WrongWeights
from forenbench.weights.torchscript import read_torchscript

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
    shapes = read_torchscript(path, "meta")
    assert {key: one.shape for key, one in shapes.items()} == {key: one.shape for key, one in STATE.items()}
    assert all(one.is_meta for one in shapes.values())


@torch.no_grad()
def test_openais_file_gives_the_features_that_open_clips_copy_gives(tmp_path: Path) -> None:
    """OpenAI keeps half precision and a few numbers beside the weights."""
    backbone = BACKBONES["clip-rn50"]
    halved = {key: value.half() for key, value in filled(backbone.build).items() if value.is_floating_point()}
    state = {f"visual.{key}": value for key, value in {**filled(backbone.build), **halved}.items()}
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
    [(Harmful(), r"needs the Python object 'posix.mkdir'"), (Outside(), "is broken or cut off")],
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
