"""Memory that networks on a CPU compute in, kept from batch to batch, against what glibc does by itself.

PERF_SCALE makes batches smaller, and with them blocks, of which glibc keeps small ones by itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import process_time

import torch
from measuring import MIB, bench, ratio, scaled, title, value
from torch import Tensor, nn
from transformation_files import filled
from workloads import RESNET_50, WEIGHTS, load_resnet, workplace, write_pngs

from forenbench.detectors._nets.encoders import BACKBONES
from forenbench.detectors._nets.gradients import gradient_images
from forenbench.detectors._nets.networks import Network, resnet_50
from forenbench.detectors._nets.transformations import TRANSFORMATIONS
from forenbench.scoring.kept_memory import KEEP, keeping_memory

ROUNDS, SETTLING = 3, 3
"""Passes that are not counted after each change: the heap grows until every block has a gap that it fits."""


def passes(
    name: str, build: Callable[[], nn.Module], use: Callable[[nn.Module], Tensor], images: int
) -> None:
    """Compare processor time and faults of a network's passes, in turns; its output has to be the same."""
    network = build()
    network.load_state_dict(dict(filled(build)))
    network = network.to(memory_format=torch.channels_last).eval().requires_grad_(False)
    seconds: dict[str, list[float]] = {"cpu": [], "left alone": []}
    faults, outputs = dict.fromkeys(seconds, 0.0), {}
    for _ in range(ROUNDS):
        for device in seconds:  # any other than a CPU's name leaves the process alone
            with keeping_memory(device):
                for _ in range(SETTLING):
                    use(network)
                begun, before = process_time(), getrusage(RUSAGE_SELF).ru_minflt
                outputs[device] = use(network)
                seconds[device].append(process_time() - begun)
                faults[device] = (getrusage(RUSAGE_SELF).ru_minflt - before) / images
    assert torch.equal(*outputs.values())
    ratio(f"{name}: as glibc does / kept (processor time)", seconds["left alone"], seconds["cpu"])
    value("  page faults an image, as glibc does", faults["left alone"], "")
    value("  page faults an image, kept", faults["cpu"], "")


def forward(batch: Tensor, network: nn.Module) -> Tensor:
    """Run a network without gradients, as runs do."""
    with torch.no_grad():
        output: Tensor = network(batch)
    return output


def runs(root: Path) -> None:
    """Compare whole runs of ResNet-50, a process tree each: processor time, and memory at its peak."""
    load_resnet(root)
    write_pngs(root / "pictures", scaled(64, 8))
    weights = f"{WEIGHTS}={root / 'resnet50.pth'}"
    options = ("--detectors", RESNET_50, "--weights", weights, "--unverified", "--dataset", "pictures")
    found = {}
    for number in range(2):
        for keep in ("yes", "no"):
            os.environ[KEEP] = keep
            found[keep, number] = bench("run", *options, "--out", f"out-{keep}-{number}", folder=root)
    alone, kept = ([found[keep, number].processors for number in range(2)] for keep in ("no", "yes"))
    ratio("a run of ResNet-50, start included: as glibc does / kept (processor time)", alone, kept)
    for keep, what in (("no", "as glibc does"), ("yes", "kept")):
        value(f"  its memory at the peak, {what}", max(found[keep, n].peak for n in range(2)) / MIB, "MiB")


def main() -> None:
    title("Memory of networks on the CPU (batches of 32 and 8; gradients of 4)")
    batch = torch.randn(scaled(32, 2), 3, 224, 224)
    passes("ResNet-50", resnet_50, partial(forward, batch), len(batch))
    for name, some in (("efficientnet-lite0", 32), ("imagenet-vit-b16", 8)):
        few = batch[: scaled(some, 2)]
        passes(name, BACKBONES[name].network.build, partial(forward, few), len(few))
    model = TRANSFORMATIONS["stylegan-bedroom"].model
    assert isinstance(model, Network)
    pictures = torch.randn(scaled(4), 3, 256, 256)
    passes("gradients of StyleGAN", model.build, lambda network: gradient_images(network, pictures), 4)
    with workplace() as root:
        runs(root)


if __name__ == "__main__":
    main()
