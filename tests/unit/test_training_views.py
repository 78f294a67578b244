"""What a network is shown of a training image: order, probabilities and places of the draws."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional
from training_jobs import RECIPE

from forenbench.draws import Draw
from forenbench.errors import BenchError
from forenbench.perturbations import parse
from forenbench.training.randomness import ORDER, TRAIN, draws
from forenbench.training.recipes import CNNDETECTION, Augmentation
from forenbench.training.views import TrainView, ValidationView, augment, crop_and_flip, crop_each, resized

NONE = Draw(np.random.default_rng(0))


def noise(height: int, width: int, seed: int = 0) -> Image.Image:
    pixels = np.random.RandomState(seed).randint(0, 256, (height, width, 3)).astype(np.uint8)
    return Image.fromarray(pixels)


def test_draws_depend_on_all_four_numbers() -> None:
    seen = {draws(*key).random() for key in np.ndindex(2, 2, 3, 3)}
    assert len(seen) == 36
    assert draws(1, TRAIN, 2, 3).random() == draws(1, TRAIN, 2, 3).random()
    assert draws(0, ORDER, 0).random() != draws(0, TRAIN, 0).random()


def test_blur_comes_before_jpeg_with_the_drawn_strengths() -> None:
    image, both = noise(64, 64), Augmentation(1.0, 1.0)
    random, same = np.random.default_rng(3), np.random.default_rng(3)
    found = augment(image, both, random)
    same.random()
    sigma = same.uniform(0, 3)
    same.random()
    quality = same.integers(30, 101)
    assert np.array_equal(found, parse(f"blur:{sigma}+jpeg:{quality}").apply(image, NONE))
    assert not np.array_equal(found, parse(f"jpeg:{quality}+blur:{sigma}").apply(image, NONE))


def test_blur_and_jpeg_are_drawn_by_themselves_with_their_probabilities() -> None:
    """800 draws of a 16-pixel image: each of the four outcomes within five standard deviations."""
    image, augmentation, count = noise(16, 16), Augmentation(0.5, 0.25, (2.0, 2.0), (40, 40)), Counter[str]()
    outcomes = {
        name: parse(name).apply(image, NONE).tobytes()
        for name in ("none", "blur:2.0", "jpeg:40", "blur:2.0+jpeg:40")
    }
    for index in range(800):
        found = augment(image, augmentation, draws(0, TRAIN, 0, index)).tobytes()
        count[next(name for name, pixels in outcomes.items() if pixels == found)] += 1
    shares = {"none": 0.375, "blur:2.0": 0.375, "jpeg:40": 0.125, "blur:2.0+jpeg:40": 0.125}
    for name, share in shares.items():
        assert count[name] == pytest.approx(800 * share, abs=5 * np.sqrt(800 * share * (1 - share)))


def test_both_ends_of_the_quality_range_occur() -> None:
    image, augmentation = noise(16, 16), Augmentation(jpeg=1.0, quality=(30, 31))
    found = {augment(image, augmentation, draws(0, TRAIN, 0, index)).tobytes() for index in range(40)}
    assert found == {parse(f"jpeg:{quality}").apply(image, NONE).tobytes() for quality in (30, 31)}


def test_validation_is_blurred_with_1_5_and_compressed_with_65_then_cut_from_the_centre() -> None:
    image = noise(301, 257)
    recipe = replace(CNNDETECTION, augmentation=Augmentation(1.0, 1.0))
    found = ValidationView(recipe)(image, np.random.default_rng(0))
    small = functional.resize(image, 256)
    changed = parse("blur:1.5+jpeg:65").apply(small, NONE)
    expected = functional.pil_to_tensor(functional.center_crop(changed, [224, 224]))
    assert torch.equal(found, expected)
    assert found.dtype == torch.uint8


def test_resizing_leaves_images_of_that_size_alone_and_keeps_the_aspect_of_others() -> None:
    image = noise(256, 300)
    assert resized(image, 256) is image
    assert resized(image, None) is image
    assert resized(noise(480, 640), 256).size == (341, 256)  # int(256 · 640 / 480)


def test_crops_reach_every_place_and_half_are_mirrored() -> None:
    recipe = replace(RECIPE, crop=3)
    picture = torch.arange(20, dtype=torch.uint8).reshape(1, 4, 5)
    count = Counter[tuple[int, bool]]()
    for index in range(1200):
        square = crop_and_flip(picture, recipe, draws(0, TRAIN, 0, index))
        assert square.shape == (1, 3, 3)
        mirrored = bool(square[0, 0, 0] > square[0, 0, 1])
        count[int(square[0, 0].min()), mirrored] += 1
    places = {0, 1, 2, 5, 6, 7}  # two rows, three columns
    assert count.keys() == {(place, mirrored) for place in places for mirrored in (False, True)}
    assert all(number == pytest.approx(100, abs=50) for number in count.values())


def test_a_training_view_draws_augmentation_then_crop_from_one_generator() -> None:
    image, recipe = noise(40, 48), replace(RECIPE, augmentation=Augmentation(1.0, 1.0))
    found = TrainView(recipe)(image, draws(0, TRAIN, 1, 2))
    random = draws(0, TRAIN, 1, 2)
    picture = functional.pil_to_tensor(augment(image, recipe.augmentation, random))
    assert torch.equal(found, crop_and_flip(picture, recipe, random))


def test_pictures_of_a_batch_are_cut_each_by_its_own_generator() -> None:
    pictures = torch.randint(0, 256, (3, 3, 20, 22), dtype=torch.uint8)
    randoms = [draws(0, TRAIN, 0, index) for index in range(3)]
    alone = [crop_and_flip(pictures[i], RECIPE, draws(0, TRAIN, 0, i)) for i in range(3)]
    assert torch.equal(crop_each(pictures, RECIPE, randoms), torch.stack(alone))


def test_too_small_a_picture_is_named() -> None:
    with pytest.raises(BenchError, match="12×20 pixels is smaller than the crop of 16"):
        crop_and_flip(torch.zeros(3, 20, 12), RECIPE, np.random.default_rng(0))
