"""Networks that files fill are built without random weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.models import resnet18

from forenbench.weights import Checkpoint, frozen
from forenbench.weights.unfilled import unfilled

_DRAWN = {"uniform_", "normal_", "fill_", "zero_", "erfinv_"}


class Computed(TorchDispatchMode):
    """Notes the names of what torch computes."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        self.names.add(str(func).split(".")[1])
        return func(*args, **(kwargs or {}))


def transformer() -> nn.Module:
    return VisionTransformer(img_size=32, embed_dim=12, depth=1, num_heads=2)


@pytest.mark.parametrize("build", [resnet18, transformer])
def test_a_network_has_its_entries_and_no_number_is_drawn_for_them(build: Callable[[], nn.Module]) -> None:
    filled = build().state_dict()
    with Computed() as computed, unfilled():
        state = build().state_dict()
    assert [(key, value.shape, value.dtype) for key, value in state.items()] == [
        (key, value.shape, value.dtype) for key, value in filled.items()
    ]
    assert all(value.is_meta for value in state.values())
    assert computed.names & _DRAWN == set()


def test_what_a_network_computes_by_itself_is_computed() -> None:
    with unfilled():
        kernel = torch.ones(3, device="cpu").mul_(2).add_(torch.full((3,), 1.0, device="cpu"))
        assert torch.ones(3).mul_(2).is_meta
    assert kernel.tolist() == [3, 3, 3]
    assert torch.ones(2).mul_(2).tolist() == [2, 2]


def test_a_network_that_a_file_fills_draws_nothing_first() -> None:
    state = resnet18().state_dict()
    with Computed() as computed:
        network = frozen(resnet18, state, Checkpoint("net", "net.pth", "https://example.org/net", "MIT"))
    assert computed.names & _DRAWN == set()
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())
