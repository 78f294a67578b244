"""CycleGAN's networks and AutoGAN's: official names and sizes, official starts."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from forenbench.detectors._nets.autogan_generators import auto_encoder
from forenbench.detectors._nets.cyclegan import Discriminator, Generator, start

# `ResnetGenerator` with nine blocks and `NLayerDiscriminator` of models/networks.py, instance norm: places of
# layers in the sequence, and shapes. The official README prints 11.378 M and 2.765 M parameters.
GENERATOR = {
    **{"model.1": (64, 3, 7, 7), "model.4": (128, 64, 3, 3), "model.7": (256, 128, 3, 3)},
    **{f"model.{block}.conv_block.{layer}": (256, 256, 3, 3) for block in range(10, 19) for layer in (1, 5)},
    **{"model.19": (256, 128, 3, 3), "model.22": (128, 64, 3, 3), "model.26": (3, 64, 7, 7)},
}
DISCRIMINATOR = {
    **{"model.0": (64, 3, 4, 4), "model.2": (128, 64, 4, 4), "model.5": (256, 128, 4, 4)},
    **{"model.8": (512, 256, 4, 4), "model.11": (1, 512, 4, 4)},
}


@pytest.mark.parametrize(
    ("network", "layers", "parameters"),
    [(Generator(), GENERATOR, 11_378_179), (Discriminator(), DISCRIMINATOR, 2_764_737)],
)
def test_names_shapes_and_numbers_are_official(
    network: nn.Module, layers: dict[str, tuple[int, ...]], parameters: int
) -> None:
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    assert list(shapes) == [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    assert {key: shapes[f"{key}.weight"] for key in layers} == layers
    assert sum(value.numel() for value in network.parameters()) == parameters


def test_weights_start_from_a_normal_distribution_and_biases_from_zero() -> None:
    network = Generator(width=16, blocks=1)
    start(network)
    weights = torch.cat([one.flatten() for one in network.parameters() if one.ndim > 1])
    assert weights.std().item() == pytest.approx(0.02, rel=0.03)
    assert all(not one.any() for one in network.parameters() if one.ndim == 1)


def test_a_generator_is_the_official_sequence_of_operations() -> None:
    """The layers written out, with reflected borders and without learnt norms."""
    network = Generator(width=4, blocks=1)
    torch.manual_seed(1)
    for one in network.parameters():
        nn.init.normal_(one, 0, 0.3)
    state, image = network.state_dict(), torch.rand(2, 3, 16, 12) * 2 - 1

    def reflected(maps: torch.Tensor, border: int) -> torch.Tensor:
        return functional.pad(maps, [border] * 4, "reflect")

    def convolved(maps: torch.Tensor, name: str, **how: int) -> torch.Tensor:
        return functional.conv2d(maps, state[f"{name}.weight"], state[f"{name}.bias"], **how)

    def normed(maps: torch.Tensor) -> torch.Tensor:
        mean, deviation = maps.mean((2, 3), keepdim=True), maps.var((2, 3), unbiased=False, keepdim=True)
        return (maps - mean) / (deviation + 1e-5).sqrt()

    maps = normed(convolved(reflected(image, 3), "model.1")).relu()
    for name in ("model.4", "model.7"):
        maps = normed(convolved(maps, name, stride=2, padding=1)).relu()
    inner = normed(convolved(reflected(maps, 1), "model.10.conv_block.1")).relu()
    maps = maps + normed(convolved(reflected(inner, 1), "model.10.conv_block.5"))
    for name in ("model.11", "model.14"):
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        maps = functional.conv_transpose2d(maps, weight, bias, stride=2, padding=1, output_padding=1)
        maps = normed(maps).relu()
    expected = convolved(reflected(maps, 3), "model.18").tanh()
    torch.testing.assert_close(network(image), expected, rtol=1e-4, atol=1e-5)


def test_autogans_nearest_neighbours_are_doubled_as_progan_does() -> None:
    """`G_conv` of the branch `auto_gan`: convolution, scale, leaky ReLU, unit length; then without ReLU."""
    network = auto_encoder("nearest", width=8, blocks=2)
    names = [key for key in network.state_dict() if key.startswith(("model.12.", "model.14."))]
    assert len(names) == 6
    doubled = network.get_submodule("model.12")
    maps = torch.randn(1, 32, 3, 5)
    first, second = (one for one in doubled.children() if hasattr(one, "incoming"))
    wide = maps.repeat_interleave(2, 2).repeat_interleave(2, 3)
    for layer, slope, given in ((first, 0.2, 32), (second, 1.0, 16)):
        # He's rule, with the leaky ReLU's gain, sqrt(2 / 1.04), taken for its slope.
        scale = (2 / (1 + 2 / 1.04) / (9 * given)) ** 0.5
        wide = functional.conv2d(wide, layer.get_parameter("incoming.weight"), padding=1) * scale
        wide = functional.leaky_relu(wide + layer.get_parameter("bias")[:, None, None], slope)
        wide = wide / (wide.square().mean(1, keepdim=True) + 1e-8).sqrt()
    torch.testing.assert_close(doubled(maps), wide, rtol=1e-4, atol=1e-5)
    assert network.get_parameter("model.14.weight").shape == (3, 8, 1, 1)
    image = torch.rand(1, 3, 16, 20) * 2 - 1
    assert network(image).shape == image.shape
    with pytest.raises(ValueError, match="'bilinear' is none of transposed, nearest"):
        auto_encoder("bilinear")
