"""What networks do by themselves: rates by precision and layout, LGrad's gradients, and copies to a GPU."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from gpu_parity import PRECISIONS
from gpu_place import Facts, Place
from measuring import MIB
from torch import nn
from transformation_files import filled

from forenbench.detectors._nets.encoders import clip_tower
from forenbench.detectors._nets.gan_discriminators import stylegan_256
from forenbench.detectors._nets.gradients import gradients
from forenbench.detectors._nets.networks import resnet_50
from forenbench.detectors._nets.small import small_discriminator, small_resnet
from forenbench.scoring.batches import BATCH
from forenbench.scoring.numerics import Numerics


def _network(build: Callable[[], nn.Module], place: Place) -> nn.Module:
    with torch.device("meta"):
        network = build()
    network.load_state_dict(dict(filled(build)), assign=True)
    return network.eval().requires_grad_(False).to(place.device)


def _rate(call: Callable[[], object], images: int, place: Place) -> float:
    """Return images a second of a call, after a first one, over a second (a CPU: once)."""
    call()
    place.wait()
    begun, calls = time.perf_counter(), 0
    while calls == 0 or (not place.tiny and time.perf_counter() - begun < 1):
        call()
        place.wait()
        calls += 1
    return images * calls / (time.perf_counter() - begun)


def rates(place: Place) -> Facts:
    """Give networks a batch that is on the device: images a second by network, layout and precision."""
    builds = {"small": small_resnet} if place.tiny else {"ResNet-50": resnet_50, "ViT-L/14": clip_tower}
    images = 2 if place.tiny else BATCH
    batch = torch.rand(images, 3, 224, 224, generator=torch.Generator().manual_seed(0)).to(place.device)
    found: Facts = {}
    for name, build in builds.items():
        network = _network(build, place)
        for layout, form in {"": torch.contiguous_format, " channels-last": torch.channels_last}.items():
            network.to(memory_format=form)
            given = batch.contiguous(memory_format=form)
            for precision in PRECISIONS:
                with Numerics(place.device, precision).applied():
                    rate = _rate(lambda: network(given), images, place)  # noqa: B023 - called at once
                found.setdefault(f"{name}{layout}, images/s", {})[precision] = rate
    return found


def sweep(place: Place) -> Facts:
    """Differentiate LGrad's discriminator with more and more images at once: images a second, and memory."""
    network = _network(small_discriminator if place.tiny else stylegan_256, place)
    images = 2 if place.tiny else BATCH
    batch = torch.rand(images, 3, 256, 256, generator=torch.Generator().manual_seed(0)).to(place.device)
    found: Facts = {}
    for precision in PRECISIONS:
        for at_once in (size for size in (1, 2, 4, 8, 16, 32) if size <= images):
            if not place.tiny:
                torch.cuda.reset_peak_memory_stats(place.device)
            with Numerics(place.device, precision).applied():
                rate = _rate(lambda: gradients(network, batch, at_once), images, place)  # noqa: B023
            found.setdefault(f"{precision}, images/s by images at once", {})[str(at_once)] = rate
            if not place.tiny:
                memory = torch.cuda.max_memory_allocated(place.device) // MIB
                found.setdefault(f"{precision}, MiB", {})[str(at_once)] = memory
    return found


def copies(place: Place) -> Facts:
    """Copy a batch of 32 pictures of 224², pinned and not: GB a second."""
    memory = torch.ones(BATCH, 3, 224, 224)
    kinds = {"as it is": memory, "pinned": memory.pin_memory()}
    size = memory.nbytes / 1e9
    return {
        "GB/s": {
            name: size * _rate(lambda: kept.to(place.device, non_blocking=True), 1, place)  # noqa: B023
            for name, kept in kinds.items()
        }
    }
