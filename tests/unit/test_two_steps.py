"""Preparations in two steps: 8 bits cross to the network, and what it sees is the same bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import functional

from forenbench.detectors._nets.encoders import BACKBONES
from forenbench.detectors._nets.opencv_resizing import SquashedByOpenCV
from forenbench.detectors._nets.pixels import (
    CLIP,
    IMAGENET,
    PLAIN,
    SYMMETRIC,
    FlooredCrop,
    Preprocess,
    Statistics,
    Tiled,
    normalise,
)
from forenbench.detectors.aeroblade import WholeLatents
from forenbench.detectors.rine import TenCrops
from forenbench.perturbations import parse
from forenbench.scoring.batches import ReadRequest
from forenbench.scoring.calls import TwoSteps, distinct_prepares, prepare_of
from forenbench.scoring.lineup import Lineup
from forenbench.scoring.numerics import Numerics
from forenbench.scoring.pipeline import Scorer
from forenbench.scoring.preparing import Reader
from forenbench.testing import MemorySource, run_check, tiny_image

PREPARES = {
    "cropped": Preprocess(IMAGENET, crop=40),
    "squashed": Preprocess(SYMMETRIC, resize=40),
    "as it is": Preprocess(PLAIN),
    "shorter side": Preprocess(CLIP, resize=40, crop=36, squash=False, resample="bicubic"),
    "floored": FlooredCrop(IMAGENET, crop=40),
    "tiled": Tiled(48, Preprocess(CLIP, crop=40)),
    "by OpenCV": SquashedByOpenCV(CLIP, 40, "CUBIC"),
    "ten crops": TenCrops(crop=40),
    "whole latents": WholeLatents(),
}
IMAGES = [tiny_image(i, 41, 57) for i in range(5)]


class Sees:
    """A detector that keeps what it is given."""

    version, threshold = "1", 0.5

    def __init__(self, name: str, prepare: Callable[[Image.Image], Tensor]) -> None:
        self.name, self.prepare = name, prepare
        self.seen: list[Tensor] = []

    def score(self, batch: Tensor) -> Tensor:
        self.seen.append(batch)
        return batch.flatten(1).float().mean(1)


def run(*detectors: Any) -> Reader:  # noqa: ANN401 - whatever serves as a detector
    """Send `IMAGES` through reader and networks as a run does."""
    lineup = Lineup(detectors, [parse("none")])
    todo = [(0, range(len(detectors)))]
    paths = tuple(map(str, range(len(IMAGES))))
    reader = Reader.of(lineup, [MemorySource(IMAGES)])
    batch = reader[ReadRequest(0, paths, ("",) * len(paths), lineup.wanted(todo))]
    for results in Scorer(lineup, Numerics()).score(batch, todo).values():
        assert {result.status for result in results} == {"ok"}, results[0].error
    return reader


def same_bits(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.numpy().tobytes() == other.numpy().tobytes()


@pytest.mark.parametrize("name", PREPARES)
def test_a_network_sees_what_prepare_gives_bit_for_bit_and_eight_bits_cross(name: str) -> None:
    detector = Sees(name, PREPARES[name])
    reader = run(detector)
    (seen,) = detector.seen
    assert same_bits(seen, torch.stack([PREPARES[name](image) for image in IMAGES]))
    (first_step,) = reader.prepares
    assert first_step(IMAGES[0]).dtype == torch.uint8
    assert seen.dtype == torch.float32


@pytest.mark.parametrize("statistics", [CLIP, IMAGENET, SYMMETRIC, PLAIN])
def test_normalising_a_stack_is_what_torchvision_makes_of_each_image(statistics: Statistics) -> None:
    """Every level of every channel, against the library that official code calls."""
    levels = np.tile(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3)
    picture = Image.fromarray(levels)
    each = functional.normalize(functional.to_tensor(picture), list(statistics.mean), list(statistics.std))
    stack = functional.pil_to_tensor(picture)[None].repeat(7, 1, 1, 1)
    before = stack.clone()
    assert same_bits(normalise(stack, statistics), each[None].repeat(7, 1, 1, 1))
    assert torch.equal(stack, before)


def test_floats_are_not_normalised_where_they_lie() -> None:
    floats = torch.full((2, 3, 4, 4), 255.0)
    assert torch.equal(normalise(floats, PLAIN), torch.ones(2, 3, 4, 4))
    assert floats.unique().tolist() == [255]


def test_readers_do_once_what_differs_in_statistics_alone() -> None:
    """Crops of 224 for CLIP and for ImageNet's networks are one; other geometries are others."""
    detectors = [
        Sees("a", Preprocess(CLIP, crop=40)),
        Sees("b", Preprocess(IMAGENET, crop=40)),
        Sees("c", FlooredCrop(IMAGENET, crop=40)),
        Sees("d", Tiled(48, Preprocess(IMAGENET, crop=40))),
        Sees("e", Tiled(48, Preprocess(CLIP, crop=40))),
        Sees("f", Tiled(49, Preprocess(CLIP, crop=40))),
    ]
    assert distinct_prepares(detectors)[1] == [0, 0, 1, 2, 2, 3]
    run(*detectors)
    for detector in detectors:
        assert same_bits(detector.seen[0], torch.stack([detector.prepare(image) for image in IMAGES]))


def test_what_one_network_writes_into_its_images_no_other_sees() -> None:
    class Writes(Sees):
        def score(self, batch: Tensor) -> Tensor:
            return super().score(batch.mul_(0))

    for prepare in (Preprocess(CLIP, crop=40), Preprocess(CLIP, crop=40).__call__):
        writes, sees = Writes("writes", prepare), Sees("sees", prepare)
        for order in ((writes, sees), (sees, writes)):
            sees.seen.clear()
            run(*order)
            assert same_bits(sees.seen[0], torch.stack([prepare(image) for image in IMAGES]))


def test_features_get_no_second_step() -> None:
    class Encoder:
        prepare = Preprocess(IMAGENET, crop=40)

        def encode(self, batch: Tensor) -> Tensor:
            return batch

    head = Sees("head", Preprocess(CLIP, crop=40))
    head.encoder = Encoder()  # type: ignore[attr-defined]
    run(head)
    assert same_bits(head.seen[0], torch.stack([Encoder.prepare(image) for image in IMAGES]))


def test_the_second_step_that_fails_is_its_detectors_alone() -> None:
    class Fails(Preprocess):
        def normalised(self, levels: Tensor) -> Tensor:
            raise SystemExit("no statistics")

    fails, sees = Sees("fails", Fails(CLIP, crop=40)), Sees("sees", Preprocess(CLIP, crop=40))
    lineup, todo = Lineup([fails, sees], [parse("none")]), [(0, (0, 1))]
    batch = Reader.of(lineup, [MemorySource(IMAGES)])[ReadRequest(0, ("0",), ("",), lineup.wanted(todo))]
    found = Scorer(lineup, Numerics()).score(batch, todo)
    assert (found[0, 0][0].status, found[0, 1][0].status) == ("failed", "ok")
    assert "no statistics" in found[0, 0][0].error


def test_encoders_of_ours_are_prepared_for_in_two_steps() -> None:
    assert all(isinstance(backbone.prepare, TwoSteps) for backbone in BACKBONES.values())
    assert not isinstance(prepare_of(Sees("plugin", lambda image: torch.zeros(1))), TwoSteps)


def test_the_contract_finds_steps_that_do_not_make_the_whole() -> None:
    class Drifts(Preprocess):
        def normalised(self, levels: Tensor) -> Tensor:
            return super().normalised(levels) - levels.float().mean() * 1e-6

    batch = "a batch gives what single images give"
    assert not run_check(batch, Sees("right", Preprocess(PLAIN, crop=40)))
    assert "other values than prepare" in run_check(batch, Sees("drifts", Drifts(PLAIN, crop=40)))
