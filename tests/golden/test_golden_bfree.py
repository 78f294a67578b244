"""B-Free against its official code: tokens of the five windows, logits, and what others feed it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from formula import he_weights, shapes_of
from golden import assert_sample, card, modern, picture
from PIL.Image import Image
from torch import Tensor
from torch.nn.functional import pad
from transformer_files import RULES, formula_weights, write_checkpoint

from forenbench.detectors._nets.pixels import CLIP, IMAGENET, Preprocess
from forenbench.detectors._nets.token_windows import SIDE, window_transformer, windows
from forenbench.detectors.bfree import BFree
from forenbench.testing import check_detector
from forenbench.weights import Weights

GOLDEN = modern("bfree")
IMAGES, WRONG = GOLDEN["golden"]["images"], GOLDEN["golden"]["wrong_variants"]
CORNERS = ("centre", "top_left", "bottom_left", "bottom_right", "top_right")
WITHIN = card("bfree").within
pytestmark = pytest.mark.slow


class Tiny(BFree):
    """The detector on a transformer of one narrow layer."""

    build = staticmethod(partial(window_transformer, embed_dim=24, depth=1, num_heads=2))


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> BFree:
    """Read from a file as it is published."""
    with torch.device("meta"):
        network = window_transformer()
    path = write_checkpoint(
        tmp_path_factory.mktemp("bfree") / "model_epoch_best.pth", formula_weights(network, GOLDEN)
    )
    made = BFree("dino2reg4", Weights(paths={"bfree": path}, unverified=True))
    path.unlink()
    return made


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    weights = he_weights(shapes_of(Tiny.build()), RULES)
    path = write_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.pth", weights)
    return Tiny("dino2reg4", Weights(paths={"bfree": path}, unverified=True))


@torch.no_grad()
@pytest.mark.parametrize("name", IMAGES)
def test_windows_hold_the_official_tokens(detector: BFree, name: str) -> None:
    golden, given = IMAGES[name], detector.prepare(picture(name))
    assert_sample(given, golden["input"], 1e-6)
    grid = detector.network.patch_embed.proj(given[None])
    assert list(grid.shape[2:]) == golden["patch_grid_hw"]
    seen = [window[0].flatten(1).T for window, _ in windows(grid)]
    assert len(seen) == (1 if golden["five_crops_equal"] else 5)
    for place, corner in enumerate(CORNERS):
        assert_sample(seen[place % len(seen)], golden["crop_tokens"][corner], 1e-5)


def pixels_repeated(image: Tensor) -> Tensor:
    """Fill 504 pixels as other implementations do, where the official code repeats tokens."""
    side = 14 * SIDE
    height, width = image.shape[1:]
    return image.repeat(1, -(-side // height), -(-side // width))[:, :side, :side]


@torch.no_grad()
def test_the_logit_is_the_official_one(detector: BFree) -> None:
    """Of one picture: whatever its size, the network sees windows of one size, which all are compared."""
    golden, seen = IMAGES["rgb301x257"], list[Tensor]()
    hook = detector.network.head.register_forward_pre_hook(lambda _, given: seen.extend(given))
    logit = detector.logit(detector.prepare(picture("rgb301x257"))[None]).item()
    hook.remove()
    assert_sample(seen[0][0], golden["head_input768_crop0"], within=WITHIN)
    assert logit == pytest.approx(golden["logit"], abs=WITHIN)


INSTEAD: dict[tuple[str, str], Callable[[Image], Tensor]] = {
    ("rgb301x257", "CLIP mean/std"): Preprocess(CLIP),
    (
        "rgb301x257",
        "wrap-around of pixels to 504 instead of wrap-around of patch embeddings",
    ): lambda image: pixels_repeated(BFree.prepare(image)),
    ("rgb301x257", "zero padding to 504 after normalisation, centred"): lambda image: pad(
        BFree.prepare(image), (123, 124, 101, 102)
    ),
    ("rgb301x257", "black padding to 504 before normalisation, centred"): Preprocess(
        IMAGENET, crop=14 * SIDE
    ),
    ("rgb301x257", "squash to 504x504 (bilinear)"): Preprocess(IMAGENET, resize=14 * SIDE),
    ("rgb640x480", "centre crop 504 with black padding"): Preprocess(IMAGENET, crop=14 * SIDE),
}


@torch.no_grad()
@pytest.mark.parametrize(("name", "what"), INSTEAD)
def test_what_others_feed_it_has_other_tokens_and_officially_another_logit(
    detector: BFree, name: str, what: str
) -> None:
    """A pass of the network takes four seconds, and what it makes of the right tokens is compared."""
    ((window, _),) = windows(detector.network.patch_embed.proj(INSTEAD[name, what](picture(name))[None]))
    with pytest.raises(AssertionError):
        assert_sample(window[0].flatten(1).T, IMAGES[name]["crop_tokens"]["centre"], 1e-2)
    assert abs(WRONG[name][what] - IMAGES[name]["logit"]) > 100 * WITHIN


@torch.no_grad()
def test_a_large_picture_is_the_mean_of_its_five_windows_logits(tiny: Tiny) -> None:
    given = tiny.prepare(picture("rgb602x650"))[None]
    grid = tiny.network.patch_embed.proj(given)
    logits = [
        tiny.network(grid[..., top : top + SIDE, left : left + SIDE]).item()
        for top, left in [(3, 5), (0, 0), (7, 0), (7, 10), (0, 10)]
    ]
    assert tiny.logit(given).item() == pytest.approx(sum(logits) / 5, abs=1e-6)
    assert len({round(logit, 4) for logit in logits}) == 5


@torch.no_grad()
def test_windows_that_coincide_count_as_often_as_there_are_corners(tiny: Tiny) -> None:
    tokens = torch.zeros(1, 24, SIDE, SIDE + 1)
    shares = [share for _, share in windows(tokens)]  # centre and both left corners are one window here
    assert shares == [pytest.approx(0.6), pytest.approx(0.4)]
    assert [share for _, share in windows(tokens[..., :SIDE])] == [1.0]


def test_contract(tiny: Tiny) -> None:
    assert [result.problem for result in check_detector(tiny) if result.problem] == []
