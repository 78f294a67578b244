"""LGrad's gradients against the official loop: one image at a time, of networks as they were published.

Both sides make the same 8-bit pictures. Threads are as many as ``OMP_NUM_THREADS`` says, and seconds are
those of processors: others at work on the machine count less so.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from functools import partial

import torch
from measuring import alternately, ratio, scaled, title
from published_discriminators import Published, pggan, stylegan, stylegan2
from torch import Tensor, nn
from transformation_files import filled

from forenbench.detectors._nets.gan_discriminators import fold
from forenbench.detectors._nets.gradients import gradient_images, to_pictures
from forenbench.detectors._nets.networks import Network, resnet_50
from forenbench.detectors._nets.pixels import IMAGENET, normalise
from forenbench.detectors._nets.transformations import TRANSFORMATIONS

ROUNDS = 5
GANS: Mapping[str, Published] = {
    "stylegan-bedroom": stylegan,
    "progan-bedroom": pggan,
    "stylegan2-church": stylegan2,
}
OTHERS = ("vgg16", "inception-v3", "resnet50", "clip-rn50", "vit", "deeplab-v3", "idinvert")


def official(score: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    """Make pictures as the official script does: one by one, keeping what second derivatives would need."""
    made = []
    for image in batch.split(1):  # type: ignore[no-untyped-call]
        leaf = image.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(score(leaf).sum(), leaf, create_graph=True, retain_graph=True)
        made.append(to_pictures(gradient.detach()))
    return torch.cat(made)


def as_published(name: str, build: Callable[[], nn.Module]) -> Callable[[Tensor], Tensor]:
    """Make what the official loop differentiates: of contiguous weights that could be trained."""
    entries = {key: value.clone() for key, value in filled(build).items()}
    if name in GANS:
        learnt = {key: value.requires_grad_("kernel" not in key) for key, value in entries.items()}
        return partial(GANS[name], learnt)
    network = build().eval()
    network.load_state_dict(entries)
    return network


def ours(build: Callable[[], nn.Module]) -> nn.Module:
    """Make the network that detectors run on a CPU."""
    network = build()
    network.load_state_dict(dict(filled(build)))
    network = network.to(memory_format=torch.channels_last).eval().requires_grad_(False)
    fold(network)
    return network


def compare(name: str) -> None:
    """Compare the pictures' making, and images at once."""
    transformation = TRANSFORMATIONS[name]
    model = transformation.model
    assert isinstance(model, Network)
    side = transformation.prepare.resize or 256
    images = torch.rand(scaled(4), 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    score, network = as_published(name, model.build), ours(model.build)
    tasks: dict[str, Callable[[], object]] = {
        "official": partial(official, score, images),
        "ours": partial(transformation.pictures, network, images),
    }
    tasks |= {str(n): partial(gradient_images, network, images, n) for n in (1, 2, 4)}
    for task in tasks.values():
        task()
    seconds = alternately(ROUNDS, tasks, time.process_time)
    ratio(f"{name}: official / ours", seconds["official"], seconds["ours"])
    for number in ("1", "2"):
        ratio(f"{name}: four at once / {number}", seconds["4"], seconds[number])
    levels = (official(score, images).int() - transformation.pictures(network, images).int()).abs()
    share = (levels > 0).float().mean().item()
    print(f"{name}: {share:.3%} of the pictures' values differ, by {levels.max().item()} levels at most")


def classifier() -> None:
    """Compare what comes after: the official ResNet-50, one picture at a time, with ours on a batch."""
    entries = dict(filled(resnet_50))
    plain = resnet_50().eval()
    plain.load_state_dict(entries)
    network = ours(resnet_50)
    pictures = torch.randint(256, (scaled(8), 3, 256, 256), dtype=torch.uint8)

    def at_once(model: nn.Module, number: int) -> None:
        with torch.no_grad():
            for some in torch.split(pictures, number):
                model(normalise(some, IMAGENET))

    tasks = {"official": partial(at_once, plain, 64), "ours": partial(at_once, network, 32)}
    for task in tasks.values():
        task()
    seconds = alternately(ROUNDS, tasks, time.process_time)
    ratio("classifier of the pictures: official / ours", seconds["official"], seconds["ours"])


def main() -> None:
    title(f"LGrad, {torch.get_num_threads()} threads: the official loop / ours, processor time")
    for name in sys.argv[1:] or (*GANS, *OTHERS, "classifier"):
        if name == "classifier":
            classifier()
        else:
            compare(name)


if __name__ == "__main__":
    main()
