"""Several outputs of one pass of an encoder: class tokens of the modules that a tap names."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from forenbench.detectors._nets.encoders import BACKBONES, FrozenEncoder
from forenbench.detectors._nets.pixels import CLIP, Preprocess
from forenbench.errors import BenchError


class Adds(nn.Module):
    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def forward(self, tokens: Tensor) -> Tensor:
        # In place, as an activation does: what was tapped before must not change with it.
        return tokens.add_(self.number)


class Tower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.ModuleDict({"norm": Adds(1), "mlp": Adds(10)}) for _ in range(3))
        self.last = Adds(100)

    def forward(self, tokens: Tensor) -> Tensor:
        for block in self.blocks:
            tokens = block["mlp"](block["norm"](tokens))
        return self.last(tokens)[:, 0] * 2


TAPS = {"norms": r"blocks\.\d+\.norm", "last": "last", "first": r"blocks\.0\.norm"}


def test_each_tap_gives_the_class_tokens_of_its_modules_in_the_order_of_the_pass() -> None:
    network = Tower()
    encoder = FrozenEncoder(network, Preprocess(CLIP), 2, taps=TAPS)
    batch = torch.tensor([[[0.0, 1.0], [500.0, 500.0]], [[2.0, 3.0], [500.0, 500.0]]])  # (n, tokens, width)
    found = encoder.outputs(batch.clone(), ("norms", "last", "", "first"))
    tokens = batch[:, 0]
    assert torch.equal(found["norms"], torch.stack([tokens + 1, tokens + 12, tokens + 23], 1))
    assert torch.equal(found["last"], tokens + 133)
    assert torch.equal(found["first"], tokens + 1)
    assert torch.equal(found[""], encoder.encode(batch.clone()))
    assert not any(module._forward_hooks for module in network.modules())


def test_an_encoder_that_other_statistics_were_given_has_the_same_taps() -> None:
    encoder = FrozenEncoder(Tower(), Preprocess(CLIP), 2, "tower", TAPS).with_statistics({}, "a file")
    assert set(encoder.outputs(torch.zeros(1, 2, 2), ("last",))) == {"", "last"}


def test_an_unknown_output_is_named_with_those_there_are() -> None:
    encoder = FrozenEncoder(Tower(), Preprocess(CLIP), 2, taps=TAPS)
    with pytest.raises(BenchError, match="unknown output of an encoder 'norm': did you mean norms"):
        encoder.outputs(torch.zeros(1, 2, 2), ("norm",))


def test_the_taps_of_clip_name_modules_that_it_has() -> None:
    backbone = BACKBONES["clip-vit-l14"]
    with torch.device("meta"):
        tower = backbone.network.build()
    encoder = FrozenEncoder(tower, backbone.prepare, backbone.width, taps=backbone.taps)
    found = encoder.outputs(torch.empty(2, 3, 224, 224, device="meta"), tuple(backbone.taps))
    assert {name: tuple(one.shape) for name, one in found.items()} == {
        "": (2, 768),
        "cls_ln2": (2, 24, 1024),
        "ln_post": (2, 1024),
    }
