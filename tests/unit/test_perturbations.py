"""Perturbations: their names, their errors, and that they are pure functions of image and seed."""

from __future__ import annotations

import hashlib
import io
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import correlate1d

from forenbench.errors import BenchError
from forenbench.perturbations import draw_generator, parse, parse_all
from forenbench.perturbations.kinds import KINDS, Kind

SHA = "a" * 64
KERNELS = ["", "-nearest", "-box", "-bicubic", "-lanczos"]
EXAMPLES = [
    *("none", "jpeg:75", "jpeg-cv2:75", "webp:80", "avif:60", "shift", "blur:1.5", "sharpen:1.5"),
    *(
        f"{resize.replace(':', f'{kernel}:')}"
        for resize in ("resize:0.5", "downup:0.5", "fit:20")
        for kernel in KERNELS
    ),
    *(
        "square:20",
        "crop:0.6",
        "crop-centre:0.6",
        "crop-texture:0.6",
        "noise:8.0",
        "poisson:90",
        "gamma:2.2",
        "jitter:0.4",
        "gray",
    ),
    *("frank-blur", "frank-crop", "frank-jpeg", "frank-noise", "frank-combined"),
]
RANDOM = ["crop:0.6", "shift", "noise:8.0", "poisson:90", "jitter:0.4", "crop:0.6+noise:8.0"]
SIZES = [(1, 1), (1, 9), (500, 3), (3, 500), (17, 23)]


def picture(width: int = 61, height: int = 43, seed: int = 3) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, size=(5, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def perturbed(name: str, image: Image.Image, *, seed: int = 0, sha: str = SHA) -> Image.Image:
    perturbation = parse(name)
    return perturbation.apply(image, draw_generator(seed, perturbation.name, sha))


def steps() -> st.SearchStrategy[str]:
    """Steps of every kind, with values over the whole range, in canonical and in loose spelling."""
    return st.sampled_from(KINDS).flatmap(step_of)


def step_of(kind: Kind) -> st.SearchStrategy[str]:
    if not kind.symbol:
        return st.just(kind.name)
    if kind.number is int:
        return st.integers(kind.low, kind.high).map(lambda value: f"{kind.name}:{value:04d}")
    return st.floats(kind.low, kind.high).map(lambda value: f" {kind.name.upper()}:{value!r} ")


def extremes(kind: Kind) -> list[str]:
    """Write a kind with the ends of its range."""
    return (
        [f"{kind.name}:{kind.number(value)}" for value in (kind.low, kind.high)]
        if kind.symbol
        else [kind.name]
    )


def test_every_kind_has_an_example_here() -> None:
    assert [kind.name for kind in KINDS] == [example.partition(":")[0] for example in EXAMPLES]


@pytest.mark.parametrize(
    "name", [*EXAMPLES, "blur:1.5+jpeg:75", "jpeg:30+jpeg:30", "crop:0.5+noise:2.0+gray"]
)
def test_canonical_names_stay(name: str) -> None:
    assert parse(name).name == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("jpeg:075", "jpeg:75"),
        ("blur:1", "blur:1.0"),
        ("blur:-0", "blur:0.0"),
        (" JPEG:75 + Blur:.50 ", "jpeg:75+blur:0.5"),
        ("none+jpeg:75+none", "jpeg:75"),
        ("none+none", "none"),
        ("Resize-Bicubic:.5", "resize-bicubic:0.5"),
    ],
)
def test_spellings_become_canonical(text: str, name: str) -> None:
    assert parse(text).name == name


@settings(deadline=None)
@given(st.lists(steps(), min_size=1, max_size=4).map("+".join))
def test_canonical_names_parse_to_themselves(text: str) -> None:
    name = parse(text).name
    assert parse(name).name == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("jpg:75", ["'jpg'", "did you mean", "jpeg", "blur"]),
        ("grey", ["did you mean", "gray"]),
        ("", ["unknown perturbation ''", "blur"]),
        ("jpeg:75+", ["unknown perturbation ''"]),
        ("jpeg", ["'jpeg'", "no value", "jpeg:Q", "1 to 100"]),
        ("jpeg:", ["no value", "jpeg:Q"]),
        ("jpeg:0", ["'jpeg:0'", "bad value", "whole number from 1 to 100"]),
        ("jpeg:101", ["'jpeg:101'"]),
        ("jpeg:75.5", ["'jpeg:75.5'", "whole number"]),
        ("blur:-1", ["'blur:-1'", "SIGMA", "0 to 100"]),
        ("blur:nan", ["'blur:nan'"]),
        ("noise:inf", ["'noise:inf'"]),
        ("resize:0", ["'resize:0'", "0.01 to 4"]),
        ("crop:1.5", ["'crop:1.5'", "0.01 to 1"]),
        ("jpeg:75+blur:soft", ["'blur:soft'", "decimal number"]),
        ("gray:1", ["'gray:1'", "takes no value"]),
        ("none:0", ["'none:0'", "takes no value"]),
        ("resize-cubic:0.5", ["did you mean", "resize-bicubic"]),
        ("fit:0.5", ["'fit:0.5'", "whole number from 1 to 65535"]),
        ("whatsap", ["did you mean", "whatsapp"]),
        ("gray+whatsapp:3", ["'whatsapp:3'", "takes no value"]),
    ],
)
def test_errors_name_the_value_and_the_way_out(text: str, words: list[str]) -> None:
    with pytest.raises(BenchError) as caught:
        parse(text)
    assert [word for word in words if word not in str(caught.value)] == []


@settings(deadline=None)
@given(st.text(max_size=20))
def test_any_text_is_a_perturbation_or_a_named_error(text: str) -> None:
    try:
        assert parse(text).name
    except BenchError as error:
        assert str(error)  # noqa: PT017 - both outcomes are right


@pytest.mark.parametrize("name", [*EXAMPLES, *RANDOM])
def test_equal_seeds_give_equal_pixels_and_the_input_stays(name: str) -> None:
    image = picture()
    before = image.copy()
    first, second = perturbed(name, image), perturbed(name, image)
    assert first.tobytes() == second.tobytes()
    assert first.mode == "RGB"
    assert image == before
    assert image.info == before.info


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(steps(), st.sampled_from(SIZES), st.integers(0, 5), st.sampled_from("abcd"))
def test_every_kind_and_value_is_a_pure_function_of_image_and_seed(
    text: str, size: tuple[int, int], seed: int, digit: str
) -> None:
    image = picture(*size, seed)
    before = image.tobytes()
    results = [perturbed(text, image, seed=seed, sha=digit * 64) for _ in range(2)]
    assert image.tobytes() == before
    assert results[0].tobytes() == results[1].tobytes()
    assert (results[0].mode, np.asarray(results[0]).dtype) == ("RGB", np.uint8)
    assert min(results[0].size) >= 1


@pytest.mark.parametrize("name", [name for kind in KINDS for name in extremes(kind)])
@pytest.mark.parametrize("size", SIZES)
def test_the_ends_of_every_range_work_on_any_size(name: str, size: tuple[int, int]) -> None:
    result = perturbed(name, picture(*size))
    assert result.mode == "RGB"
    assert min(result.size) >= 1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_kinds_that_draw_say_so(kind: Kind) -> None:
    name = next(name for name in EXAMPLES if name.partition(":")[0] == kind.name)
    seen = {perturbed(name, picture(), seed=seed).tobytes() for seed in range(12)}
    assert (len(seen) > 1) == kind.random


@pytest.mark.parametrize("name", RANDOM)
def test_other_seeds_and_other_images_draw_otherwise(name: str) -> None:
    image = picture()
    drawn = [perturbed(name, image, seed=seed, sha=sha * 64) for seed in (0, 1) for sha in "ab"]
    assert len({result.tobytes() for result in drawn}) == 4


@pytest.mark.parametrize("name", [*EXAMPLES, *RANDOM, "blur:1.5+jpeg:75"])
def test_pickled_perturbations_do_the_same(name: str) -> None:
    copy = pickle.loads(pickle.dumps(parse(name)))
    image = picture()
    assert copy.apply(image, draw_generator(0, name, SHA)).tobytes() == perturbed(name, image).tobytes()


@pytest.mark.parametrize(
    "name",
    [
        *("none", "jpeg:1", "jpeg-cv2:1", "webp:1", "avif:1", "blur:3", "sharpen:3", "noise:50", "poisson:9"),
        *("gamma:0.5", "jitter:1", "gray", "crop:1", "crop-centre:1", "crop-texture:1", "resize:1", "fit:61"),
        *(f"downup{kernel}:0.3" for kernel in KERNELS),
    ],
)
def test_size_is_kept(name: str) -> None:
    assert perturbed(name, picture()).size == (61, 43)


@pytest.mark.parametrize("name", ["none", "none+none"])
def test_none_does_nothing_at_all(name: str) -> None:
    image = picture()
    assert perturbed(name, image) is image


@pytest.mark.parametrize(
    "name",
    [
        *("blur:0", "sharpen:0", "noise:0", "gamma:1", "jitter:0", "fit:61", "fit-box:900"),
        *("crop:1", "crop-centre:1", "crop-texture:1", "resize:1", "resize-lanczos:1", "downup-bicubic:1"),
    ],
)
def test_values_without_effect(name: str) -> None:
    assert perturbed(name, picture()).tobytes() == picture().tobytes()


def test_suites_and_profiles_are_read_each_perturbation_once() -> None:
    names = [one.name for one in parse_all(["jpeg:30", "field:double-jpeg", "none", "whatsapp"])]
    assert names == [
        *("jpeg:30", "none", "jpeg:75", "jpeg:90+jpeg:75", "jpeg:90+shift+jpeg:75"),
        "fit-lanczos:1600+jpeg:50",
    ]


def test_a_profile_within_a_chain_is_its_steps() -> None:
    assert parse("gray+X+noise:2").name == "gray+fit-lanczos:4096+jpeg:85+noise:2.0"


def test_a_chain_is_its_steps_in_order() -> None:
    image = picture()
    draw = draw_generator(0, "noise:8.0+crop:0.6", SHA)
    one_by_one = parse("crop:0.6").apply(parse("noise:8.0").apply(image, draw), draw)
    assert perturbed("noise:8.0+crop:0.6", image).tobytes() == one_by_one.tobytes()


def test_seeding_is_as_documented_and_stays() -> None:
    digest = hashlib.sha256(f"0\nnoise:5.0\n{SHA}".encode()).hexdigest()
    documented = np.random.Generator(np.random.PCG64(int(digest, 16)))
    draw = draw_generator(0, "noise:5.0", SHA)
    drawn = [draw.integer("number", 0, 999_999) for _ in range(3)]
    assert drawn == documented.integers(1_000_000, size=3).tolist() == [440696, 811638, 843534]


def test_jpeg_is_pillows_default() -> None:
    image, file = picture(), io.BytesIO()
    image.save(file, "JPEG", quality=40, subsampling="4:2:0")
    assert perturbed("jpeg:40", image).tobytes() == Image.open(file).convert("RGB").tobytes()


def test_blur_truncates_after_each_axis() -> None:
    radius, sigma = 6, 1.5
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    image = picture()
    expected = np.asarray(image).astype(np.float64)
    for axis in (0, 1):
        expected = np.floor(correlate1d(expected, weights / weights.sum(), axis, mode="reflect"))
    assert np.array_equal(np.asarray(perturbed("blur:1.5", image)), expected)


def test_resize_and_crop_round_their_sides() -> None:
    assert perturbed("resize:0.5", picture()).size == (30, 22)
    assert perturbed("crop:0.6", picture()).size == (37, 26)


def test_shrinking_does_not_alias() -> None:
    stripes = np.zeros((40, 40, 3), dtype=np.uint8)
    stripes[:, ::2] = 200
    inner = np.asarray(perturbed("resize:0.5", Image.fromarray(stripes)))[:, 1:-1]
    assert np.all(np.abs(inner.astype(int) - 100) <= 1)


def test_crop_takes_pixels_from_every_place() -> None:
    columns = Image.fromarray(np.repeat(np.arange(10, dtype=np.uint8), 3).reshape(1, 10, 3))
    lefts = {perturbed("crop:0.5", columns, seed=seed).getpixel((0, 0))[0] for seed in range(60)}
    assert lefts == {0, 1, 2, 3, 4, 5}


def test_noise_has_its_deviation_and_no_memory_of_strips() -> None:
    grey = Image.new("RGB", (200, 150), (128, 128, 128))
    noise = np.asarray(perturbed("noise:8", grey)).astype(float) - 128
    whole = np.rint(8 * draw_generator(0, "noise:8.0", SHA).normal((150, 200, 3)))
    assert np.array_equal(noise, whole)
    assert noise.std() == pytest.approx(8, rel=0.02)


def test_noise_is_clipped() -> None:
    noisy = np.asarray(perturbed("noise:255", Image.new("RGB", (50, 50), (250, 5, 128))))
    assert (noisy.min(), noisy.max()) == (0, 255)


def test_gray_has_equal_channels() -> None:
    red, green, blue = np.moveaxis(np.asarray(perturbed("gray", picture())), -1, 0)
    assert np.array_equal(red, green)
    assert np.array_equal(red, blue)


@pytest.mark.parametrize("name", ["webp:80", "jpeg:80", "jpeg-cv2:80"])
def test_sides_too_long_for_a_codec_are_named(name: str) -> None:
    with pytest.raises(BenchError, match="cannot hold 70000×1 pixels"):
        perturbed(name, Image.new("RGB", (70_000, 1)))


def test_enlarging_beyond_the_pixel_limit_is_refused() -> None:
    with pytest.raises(BenchError, match=r"resize:4\.0 of 4000×4000"):
        perturbed("resize:4", Image.new("RGB", (4000, 4000)))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_kinds_describe_themselves(kind: Kind) -> None:
    assert kind.description
    assert kind.syntax.startswith(kind.name)
    assert bool(kind.range) == (":" in kind.syntax)
