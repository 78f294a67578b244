"""Checkpoints as people save them: the content is found where it is beyond doubt, and loaded strictly."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from forenbench.weights import Checkpoint, Weights, WrongWeights, frozen, load_strict
from forenbench.weights.checkpoint_store import inspect

MARKS = {"conv1.weight": (4, 3, 1, 1), "fc.weight": (1, 4)}
NETWORK = Checkpoint("small", "small.pth", "there", "MIT", MARKS, key="model")


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1, self.fc = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Linear(4, 1)
        self.register_buffer("passing", torch.ones(1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.bn1(self.conv1(images)).mean((2, 3)))


torch.manual_seed(0)
NET = Small().eval()
STATE = NET.state_dict()
OTHER = {key: value + 1 for key, value in STATE.items()}


def prefixed(*prefixes: str, state: Mapping[str, Tensor] = STATE) -> dict[str, Tensor]:
    return {"".join(prefixes) + key: value for key, value in state.items()}


def load(path: Path, checkpoint: Checkpoint = NETWORK) -> tuple[nn.Module, str]:
    weights = Weights(paths={checkpoint.name: path})
    with weights.recording() as used:
        network = frozen(Small, weights.load(checkpoint), checkpoint)
    return network, " ".join(weights.remarks(used))


def same(network: nn.Module) -> bool:
    return all(torch.equal(value, network.state_dict()[key]) for key, value in STATE.items())


WRAPPINGS: dict[str, tuple[object, str]] = {
    "bare": (STATE, ""),
    "where it is published": ({"model": STATE, "optimizer": {"state": {0: {"step": torch.ones(1)}}}}, ""),
    "state_dict": ({"state_dict": STATE, "epoch": 3}, "key 'state_dict'"),
    "netC": ({"netC": STATE}, "key 'netC'"),
    "model_state_dict": ({"model_state_dict": STATE, "loss": 0.1}, "key 'model_state_dict'"),
    "two keys": ({"state": {"network": STATE}}, "key 'state/network'"),
    "DataParallel": (prefixed("module."), "without 'module.' before every key"),
    "both": ({"model": prefixed("module.")}, "without 'module.'"),
    "Lightning": (
        {"state_dict": prefixed("model."), "hyper_parameters": {"lr": 1e-4}, "callbacks": {}},
        "key 'state_dict', without 'model.' before every key",
    ),
    "compiled": (prefixed("_orig_mod."), "without '_orig_mod.'"),
    "compiled and parallel": ({"net": prefixed("module.", "_orig_mod.")}, "without 'module._orig_mod.'"),
    "arguments beside": ({"model": STATE, "args": argparse.Namespace(lr=1e-4)}, ""),
    "NumPy beside": ({"model": STATE, "best": np.float64(0.9), "curve": np.zeros(3)}, ""),
    "a path beside": ({"model": STATE, "cfg": {"out": Path("runs/x")}}, ""),
    "an average beside": ({"model": STATE, "model_ema": OTHER}, "leaving 'model_ema' aside"),
    "an average in front": ({"netEMA": OTHER, "net": STATE}, "key 'net', leaving 'netEMA' aside"),
    "twice the same": ({"best": STATE, "last": dict(STATE)}, "leaving 'last' aside"),
    "no counters": ({k: v for k, v in STATE.items() if "tracked" not in k}, ""),
    "parameters": (dict(NET.named_parameters()) | dict(NET.bn1.named_buffers("bn1")), ""),
    "a whole module": (NET, ""),
    "a whole module beside": ({"epoch": 3, "net": NET}, "key 'net'"),
}


@pytest.mark.parametrize("older", [False, True], ids=["zip", "older"])
def test_content_beyond_doubt_is_found_and_the_note_says_where(tmp_path: Path, older: bool) -> None:
    for name, (content, words) in WRAPPINGS.items():
        path = tmp_path / f"{name}.pth"
        torch.save(content, path, _use_new_zipfile_serialization=not older)
        network, note = load(path)
        assert same(network), name
        assert (words in note) if words else note == "", (name, note)
        if isinstance(content, Mapping):
            assert not inspect(NETWORK, path).problem, name


def test_safetensors_are_unwrapped_alike(tmp_path: Path) -> None:
    save_file(prefixed("module."), tmp_path / "small.safetensors")
    network, note = load(tmp_path / "small.safetensors")
    assert same(network)
    assert "without 'module.'" in note


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"teacher": STATE, "student": OTHER}, "several states that fit, under 'teacher' and 'student'"),
        ({"first_ema": STATE, "second_ema": OTHER}, "several states that fit"),
        ({"semantic": STATE, "net": OTHER}, "several states that fit, under 'semantic' and 'net'"),
        ({**prefixed("model."), "criterion.pos_weight": torch.ones(1)}, "'conv1.weight' is missing"),
        ({"model": {**STATE, "more": torch.ones(1)}}, "key 'more' is unexpected"),
        ({"model": {k: v for k, v in STATE.items() if "running_mean" not in k}}, "running_mean' is missing"),
        ({"model": {**STATE, "fc.bias": argparse.Namespace()}}, "'fc.bias' is no tensor but a 'argparse.Nam"),
    ],
)
def test_content_in_doubt_is_refused(tmp_path: Path, content: object, words: str) -> None:
    torch.save(content, tmp_path / "small.pth")
    with pytest.raises(WrongWeights, match=re.escape(words)):
        load(tmp_path / "small.pth")


def test_a_mark_is_a_whole_name_and_no_end_of_one(tmp_path: Path) -> None:
    torch.save({"preconv1.weight": torch.ones(4, 3, 1, 1), "prefc.weight": torch.ones(1, 4)}, tmp_path / "a")
    assert inspect(NETWORK, tmp_path / "a").problem


def test_one_wrong_shape_is_named_without_contradiction() -> None:
    for checkpoint in (NETWORK, replace(NETWORK, marks={"fc.weight": (1, 4)})):
        with pytest.raises(WrongWeights) as error:
            load_strict(Small(), {**STATE, "fc.bias": torch.zeros(2)}, checkpoint)
        assert "key 'fc.bias' has shape (2,), expected (1,). Get small.pth from there" in str(error.value)
        assert "seems to be" not in str(error.value)


def test_a_dict_inside_itself_ends_in_words(tmp_path: Path) -> None:
    endless: dict[str, object] = {"a": 1}
    endless["model"] = endless
    torch.save(endless, tmp_path / "small.pth")
    with pytest.raises(WrongWeights, match="a training checkpoint"):
        load(tmp_path / "small.pth")


@pytest.mark.parametrize("save", [lambda net: net, lambda net: {"model": net}])
def test_a_module_inside_itself_ends_in_words(tmp_path: Path, save: Callable[[nn.Module], object]) -> None:
    looped = nn.Module()
    looped._modules["again"] = looped
    torch.save(save(looped), tmp_path / "small.pth")
    with pytest.raises(WrongWeights, match="inside itself"):
        load(tmp_path / "small.pth")
