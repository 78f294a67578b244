"""What less precision gains and costs on a CPU: processor time, scores and average precision.

Of the sample's detectors on the sample's test images, which they were trained for; and of networks of the
papers' size filled by formula, whose scores mean nothing: of these only the time says something.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from measuring import SCALE, scaled, title
from torch import Tensor
from transformation_files import filled
from workloads import SETTINGS, load_sample

from forenbench.data.catalogue import open_dataset
from forenbench.detectors._nets.encoders import BACKBONES
from forenbench.detectors._nets.networks import resnet_50
from forenbench.metrics.classification import average_precision
from forenbench.plugins.loaded import LoadedDetector
from forenbench.scoring.batches import BATCH, ReadRequest
from forenbench.scoring.calls import encoder_of, finished, scored
from forenbench.scoring.lineup import Lineup
from forenbench.scoring.numerics import Numerics
from forenbench.scoring.preparing import Reader

ROUNDS = 3
SAMPLE = ("lgrad", "univfd:lc", "univfd:nn-k9", "cnndetection", "cooccurrence", "durall", "frank")
NETWORKS = {"ResNet-50": 16, "efficientnet-lite0": 16, "imagenet-vit-b16": 8, "clip-vit-l14": 8}


def applied(precision: str, work: Callable[[], Tensor]) -> tuple[float, Tensor]:
    """Do work in a precision; return its processor time and what it made."""
    with Numerics("cpu", precision).applied():
        begun = time.process_time()
        made = work()
        return time.process_time() - begun, made


def in_turns(work: Callable[[], Tensor]) -> tuple[float, Tensor, Tensor]:
    """Return how many times as fast bf16 is as fp32, and what either made."""
    ratios = []
    for _ in range(ROUNDS):
        whole, exact = applied("fp32", work)
        less, rounded = applied("bf16", work)
        ratios.append(whole / less)
    return median(ratios), exact, rounded


def sample_batches(detector: LoadedDetector) -> tuple[list[Tensor], list[int]]:
    """Prepare the sample's test images for a detector; with their labels."""
    (dataset,) = open_dataset("sample", data_root=Path())
    batches, labels = [], []
    for testset in dataset.testsets:
        reader = Reader.of(Lineup([detector.detector], SETTINGS.perturbations), [testset.source])
        samples = testset.samples[:: max(1, round(1 / SCALE))]
        for start in range(0, len(samples), BATCH):
            some = samples[start : start + BATCH]
            read = reader[ReadRequest(0, tuple(one.path for one in some), ("",) * len(some), ((0, (0,)),))]
            batches += [finished(detector.detector, tensor) for _, tensor in read.tensors((0, 0))]
            labels += [int(one.label) for one in some]
    return batches, labels


def scores(detector: LoadedDetector, batches: Sequence[Tensor]) -> Tensor:
    """Score prepared images, float32 (n,)."""
    encoder = encoder_of(detector.detector)
    found = []
    for batch in batches:
        inputs = batch if encoder is None else encoder.encode(batch).float()
        found.append(scored(detector.detector, inputs)[0])
    return torch.cat(found)


def network(name: str) -> torch.nn.Module:
    """Build a network filled by formula, as runs have them on a CPU."""
    build = resnet_50 if name == "ResNet-50" else BACKBONES[name].network.build
    made = build()
    made.load_state_dict(dict(filled(build)))
    return made.to(memory_format=torch.channels_last).eval().requires_grad_(False)


def main() -> None:
    title("bf16 on this processor (one thread, processor time)")
    torch.set_num_threads(1)
    has = torch.cpu.get_capabilities()
    print(f"bf16: {', '.join(name for name in has if name.endswith('bf16') and has[name]) or 'none'}")
    for name, images in NETWORKS.items():
        made, batch = network(name), torch.randn(scaled(images), 3, 224, 224)
        gain, _, _ = in_turns(partial(made, batch))
        print(f"{name:<24} {gain:6.2f} times as fast", flush=True)
    for detector in load_sample(*SAMPLE):
        batches, labels = sample_batches(detector)
        gain, exact, rounded = in_turns(partial(scores, detector, batches))
        change = (exact - rounded).abs().max().item()
        before, after = (100 * average_precision(np.array(labels), made.numpy()) for made in (exact, rounded))
        print(
            f"{detector.name:<24} {gain:6.2f} times as fast, scores move by up to {change:.4f}, "
            f"A.P. {before:.2f} → {after:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
