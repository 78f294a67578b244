"""What bfloat16 is too narrow for is computed in float32: transforms, probabilities, differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from forenbench.detectors._nets.frequency_maps import PerturbationMap
from forenbench.detectors._nets.frequency_network import FrequencyNetwork, high_pass
from forenbench.detectors._nets.patch_networks import after_softmax, before_softmax
from forenbench.detectors._nets.pixel_pairs import generated
from forenbench.detectors._nets.widening import widened
from forenbench.detectors.aide import AIDE
from forenbench.detectors.autogan import AutoGAN
from forenbench.detectors.drct import DRCT
from forenbench.detectors.effort import EffortOfDeepfakeBench
from forenbench.detectors.fatformer import FatFormer
from forenbench.detectors.gend import GenD
from forenbench.detectors.safe import SAFE
from forenbench.scoring.numerics import Numerics


@pytest.fixture(autouse=True)
def _seed() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def pictures() -> Tensor:
    return torch.randn(2, 3, 32, 32)


def filled(network: nn.Module) -> nn.Module:
    """Give a value to what begins with zeros."""
    for parameter in network.parameters():
        if not parameter.detach().any():
            nn.init.normal_(parameter, std=0.1)
    return network.eval()


@pytest.mark.parametrize("build", [FrequencyNetwork, lambda: PerturbationMap(width=4, blocks=1)])
def test_under_autocast_the_numbers_stay_near(build: type[nn.Module]) -> None:
    network, batch = filled(build()), pictures()
    with Numerics("cpu", "fp32").applied():
        exact = network(batch)
    with Numerics("cpu", "bf16").applied():
        rounded = network(batch)
    assert exact.abs().max() > 1e-3
    # eight bits of a number, through tens of layers
    assert (rounded.float() - exact).abs().max() < 0.05 * exact.abs().max()
    assert not torch.equal(rounded.float(), exact)


def test_what_convolutions_made_in_bfloat16_is_widened_where_autocast_does_not() -> None:
    """As on a GPU, where autocast leaves transforms alone."""
    maps = torch.randn(1, 64, 8, 8).bfloat16()
    for dims in ((1,), (2, 3)):
        assert high_pass(maps, dims).dtype == torch.float32
    with torch.no_grad():
        assert FrequencyNetwork()._spectrum(maps, 1).dtype == torch.float32


def test_wider_numbers_stay_what_they_are() -> None:
    for dtype in (torch.float32, torch.float64):
        values = torch.ones(2, dtype=dtype)
        assert widened(values) is values
    assert widened(torch.ones(2, dtype=torch.float16)).dtype == torch.float32


# --- two classes


CLASSES = [[7.9375, 0.0390625], [-3.015625, 4.96875], [2.015625, 2.0]]
"""Numbers that bfloat16 holds."""


class Classes(nn.Module):
    """A network that makes nothing else, whatever it is given; with sides, as a map."""

    def __init__(self, *sides: int) -> None:
        super().__init__()
        self.sides = sides

    def forward(self, batch: Tensor) -> Tensor:
        return torch.tensor(CLASSES).bfloat16().view(3, 2, *self.sides)


def probabilities() -> Tensor:
    return torch.tensor(CLASSES).double().softmax(1)[:, 1]


def differences() -> Tensor:
    first, second = torch.tensor(CLASSES).double().unbind(1)
    return second - first


def unfilled(kind: type[Any], network: nn.Module | None = None) -> Any:  # noqa: ANN401 - of any detector's class
    """Make a detector of a class with this network and no weights."""
    detector = kind.__new__(kind)
    detector.network = network or Classes()
    return detector


BATCH = torch.zeros(3, 3, 8, 8)
MADE: dict[str, tuple[Callable[[], Tensor], Callable[[], Tensor]]] = {
    "DRCT": (lambda: unfilled(DRCT).score(BATCH), probabilities),
    "Effort": (lambda: unfilled(EffortOfDeepfakeBench).score(BATCH), probabilities),
    "GenD": (lambda: unfilled(GenD).score(BATCH), probabilities),
    "Patch-Forensics": (lambda: after_softmax(Classes(1, 1)(BATCH)), lambda: 1 - probabilities()),
    "Patch-Forensics, before": (lambda: before_softmax(Classes(1, 1)(BATCH)), lambda: 1 - probabilities()),
    "AIDE": (lambda: unfilled(AIDE).logit(BATCH), differences),
    "FatFormer": (lambda: unfilled(FatFormer).logit(BATCH), differences),
    "SAFE": (lambda: unfilled(SAFE).logit(BATCH), differences),
    "AutoGAN": (lambda: unfilled(AutoGAN).logit(BATCH), lambda: -differences()),
    "co-occurrence": (lambda: generated(Classes()(BATCH)), differences),
}


@pytest.mark.parametrize("name", MADE)
def test_of_two_classes_in_bfloat16_no_digit_is_lost(name: str) -> None:
    made, exact = MADE[name]
    with Numerics("cpu", "bf16").applied():
        found = made()
    assert found.dtype == torch.float32
    assert found.double().tolist() == pytest.approx(exact().tolist(), rel=1e-3)
