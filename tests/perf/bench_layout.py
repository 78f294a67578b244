"""Memory layout and gradient mode of frozen networks on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from measuring import alternately, ratio, scaled, title
from torch import Tensor, nn
from transformation_files import filled

from forenbench.detectors._nets.encoders import BACKBONES
from forenbench.detectors._nets.gradients import gradient_images
from forenbench.detectors._nets.networks import Network, resnet_50
from forenbench.detectors._nets.transformations import TRANSFORMATIONS

ROUNDS = 3


def made(build: Callable[[], nn.Module], layout: torch.memory_format) -> nn.Module:
    """Build a frozen network with weights by formula, in one layout."""
    network = build()
    network.load_state_dict(dict(filled(build)))
    return network.to(memory_format=layout).eval().requires_grad_(False)


def layouts(name: str, build: Callable[[], nn.Module], use: Callable[[nn.Module], object]) -> None:
    """Compare a network in both layouts; inputs are contiguous, as readers hand them over."""
    both = {one: made(build, getattr(torch, one)) for one in ("contiguous_format", "channels_last")}
    for network in both.values():
        use(network)
    seconds = alternately(ROUNDS, {one: partial(use, network) for one, network in both.items()})
    ratio(f"{name}: contiguous / channels-last", seconds["contiguous_format"], seconds["channels_last"])


def forward(batch: Tensor, network: nn.Module) -> None:
    """Run a network without gradients, as runs do."""
    with torch.no_grad():
        network(batch)


def modes(batch: Tensor) -> None:
    """Compare ResNet-50 without gradients with inference mode."""
    network = made(resnet_50, torch.channels_last)

    def inference() -> None:
        with torch.inference_mode():
            network(batch)

    forward(batch, network)
    seconds = alternately(2 * ROUNDS, {"no_grad": partial(forward, batch, network), "inference": inference})
    ratio("ResNet-50: no_grad / inference_mode", seconds["no_grad"], seconds["inference"])


def main() -> None:
    title("Layout of frozen networks (batches of 32; gradients of 4)")
    batch = torch.randn(scaled(32, 2), 3, 224, 224)
    for name in ("resnet50", "efficientnet-lite0", "imagenet-vit-b16"):
        build = resnet_50 if name == "resnet50" else BACKBONES[name].network.build
        layouts(name, build, partial(forward, batch))
    pictures = torch.randn(scaled(4), 3, 256, 256)
    for name in ("stylegan-bedroom", "progan-bedroom"):
        model = TRANSFORMATIONS[name].model
        assert isinstance(model, Network)
        layouts(f"gradients of {name}", model.build, lambda network: gradient_images(network, pictures))
    modes(batch)


if __name__ == "__main__":
    main()
