"""Networks with Fourier transforms compute in bfloat16, too: the transforms themselves in float32."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from forenbench.detectors._nets.fourier_types import for_fourier
from forenbench.detectors._nets.frequency_maps import PerturbationMap
from forenbench.detectors._nets.frequency_network import FrequencyNetwork, high_pass
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
        assert for_fourier(values) is values
    assert for_fourier(torch.ones(2, dtype=torch.float16)).dtype == torch.float32
