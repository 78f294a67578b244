"""Networks that a file fills: built without numbers of their own, but for what no file holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from forenbench.weights import Checkpoint, frozen

LAYER = Checkpoint("layer", "layer.pth", "https://example.org/layer", "MIT", {"weight": (3, 2)})


class Initialised(nn.Module):
    """A layer as constructors fill it, and a constant that none of its files has."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(2, 3), nn.BatchNorm1d(3)
        nn.init.trunc_normal_(self.layer.weight, std=0.02)
        nn.init.kaiming_normal_(self.layer.weight, mode="fan_out")
        self.layer.bias.data.uniform_(-1, 1).mul_(2)
        self.constant = nn.init.constant_(torch.empty(2, device="cpu"), 0.5).add_(torch.ones(2, device="cpu"))


class Called(TorchDispatchMode):
    """Notes what torch does."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,  # noqa: ANN401 - torch's
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever the function returns
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def test_nothing_is_drawn_for_weights_that_a_file_has() -> None:
    state = Initialised().state_dict()
    with Called() as called:
        network = frozen(Initialised, state, LAYER)
    assert not [name for name in called.names if any(word in name for word in ("uniform", "normal"))]
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())
    assert network.constant.tolist() == [1.5, 1.5]
