"""LGrad's transformation models: their inputs, their mathematics, and the pictures they give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from math import prod, sqrt

import numpy as np
import pytest
import torch
from formula import gan_weights, he_weights, rgb, shapes_of
from numpy.typing import NDArray
from PIL import Image
from published_discriminators import Published, pggan, stylegan, stylegan2
from scipy.signal import correlate, upfirdn
from torch import Tensor, nn
from torchvision import models
from torchvision.models.vision_transformer import VisionTransformer
from transformation_files import filled, pretrained

from forenbench.detectors._nets import (
    gan_discriminators,
    idinvert_encoder,
    stylegan2_discriminator,
    transformations,
)
from forenbench.detectors._nets.gan_discriminators import (
    Scaled,
    fold,
    pggan_256,
    stylegan_256,
    with_deviation,
)
from forenbench.detectors._nets.gradients import gradient_images, gradients
from forenbench.detectors._nets.idinvert_encoder import idinvert_256
from forenbench.detectors._nets.image_models import of_clip
from forenbench.detectors._nets.pixels import CLIP, IMAGENET, SYMMETRIC, as_pixels
from forenbench.detectors._nets.stylegan2_discriminator import stylegan2_256
from forenbench.detectors._nets.transformations import TRANSFORMATIONS, Untrained, picture_maker
from forenbench.weights import Weights, WrongWeights, frozen, load_strict

Array = NDArray[np.float64]
GANS = ("stylegan-bedroom", "stylegan-cats", "stylegan2-church", "progan-bedroom", "progan-bridge")
FILES = {
    "vgg16": models.VGG16_Weights.IMAGENET1K_V1,
    "inception-v3": models.Inception_V3_Weights.IMAGENET1K_V1,
    "resnet50": models.ResNet50_Weights.IMAGENET1K_V1,
    "vit": models.ViT_B_16_Weights.IMAGENET1K_V1,
    "deeplab-v3": models.segmentation.DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1,
}
"""What torchvision says about its own files."""


# --- input


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_the_input_is_the_squashed_picture_in_the_networks_range(name: str) -> None:
    side = 224 if name in ("vit", "clip-rn50") else 256
    image = rgb("rgb384x512")
    filter = Image.Resampling.BICUBIC if name.endswith("tf-resize") else Image.Resampling.BILINEAR
    pixels = np.asarray(image.resize((side, side), filter), np.float64) / 255
    if name in FILES:
        published = FILES[name].transforms()
        pixels = (pixels - published.mean) / published.std
    elif name == "clip-rn50":
        pixels = (pixels - CLIP.mean) / CLIP.std
    elif name != "input-image":
        pixels = pixels * 2 - 1
    assert np.allclose(TRANSFORMATIONS[name].prepare(image).numpy(), pixels.transpose(2, 0, 1), atol=1e-5)


def test_the_older_resize_differs_only_where_something_is_resized() -> None:
    new, old = (TRANSFORMATIONS[f"stylegan-bedroom{end}"].prepare for end in ("", "-tf-resize"))
    assert torch.equal(new(rgb("rgb256a")), old(rgb("rgb256a")))
    assert (new(rgb("rgb301x257")) - old(rgb("rgb301x257"))).abs().max() > 2 / 255


# --- what the files hold


@pytest.mark.parametrize("name", FILES)
def test_torchvisions_files_are_the_ones_it_names_with_as_many_parameters(name: str) -> None:
    model = pretrained(name)
    assert FILES[name].url.endswith(f"/{model.checkpoint.file}")
    assert FILES[name].url in model.checkpoint.urls
    with torch.device("meta"):
        network = model.build()
    assert sum(one.numel() for one in network.parameters()) == FILES[name].meta["num_params"]


@pytest.mark.parametrize("name", [name for name, one in TRANSFORMATIONS.items() if one.checkpoints])
def test_marks_are_keys_of_the_file(name: str) -> None:
    model = pretrained(name)
    with torch.device("meta"):
        shapes = dict(shapes_of(model.build()))
    for key, shape in model.checkpoint.marks.items():
        assert shapes[key.removeprefix("visual.")] == shape


def test_stylegan2_has_the_published_entries() -> None:
    """Config F at 256 pixels: 32768 / side feature maps, at most 512 (Karras et al. 2020, official code)."""
    channels = [min(32768 // side, 512) for side in (256, 128, 64, 32, 16, 8, 4)]
    expected = {"input0.weight": (128, 3, 1, 1), "input0.bias": (128,)}
    for block in range(6):
        here, after = channels[block : block + 2]
        expected |= {
            f"layer{2 * block}.weight": (here, here, 3, 3),
            f"layer{2 * block}.bias": (here,),
            f"layer{2 * block + 1}.weight": (after, here, 3, 3),
            f"layer{2 * block + 1}.bias": (after,),
            f"layer{2 * block + 1}.filter.kernel": (1, 1, 4, 4),
            f"skip_layer{block}.weight": (after, here, 1, 1),
            f"skip_layer{block}.filter.kernel": (1, 1, 4, 4),
        }
    expected |= {"layer12.weight": (512, 513, 3, 3), "layer12.bias": (512,), "layer13.bias": (512,)}
    expected |= {"layer13.weight": (512, 8192), "layer14.weight": (1, 512), "layer14.bias": (1,)}
    with torch.device("meta"):
        assert dict(shapes_of(stylegan2_256())) == expected


def test_the_idinvert_encoder_has_the_published_entries() -> None:
    """64 feature maps, doubled by every block up to 1024; the shortcut has weights only where they widen."""

    def normalisation(key: str, channels: int) -> dict[str, tuple[int, ...]]:
        names = ("weight", "bias", "running_mean", "running_var")
        return {f"{key}.bn.{name}": (channels,) for name in names} | {f"{key}.bn.num_batches_tracked": ()}

    expected = {"block0.conv.weight": (64, 3, 3, 3), **normalisation("block0.bn", 64)}
    for block in range(1, 7):
        before, after = min(32 * 2**block, 1024), min(64 * 2**block, 1024)
        if before != after:
            expected[f"block{block}.conv.weight"] = (after, before, 1, 1)
            expected |= normalisation(f"block{block}.bn", after)
        for number, width in ((1, before), (2, after)):
            expected[f"block{block}.conv{number}.weight"] = (width, before, 3, 3)
            expected[f"block{block}.wscale{number}.bias"] = (width,)
            expected |= normalisation(f"block{block}.bn{number}", width)
    expected |= {"block7.fc.weight": (14 * 512, 1024 * 16), **normalisation("block7.bn", 14 * 512)}
    with torch.device("meta"):
        assert dict(shapes_of(idinvert_256())) == expected


def test_files_without_batch_counters_get_them_and_no_others_change() -> None:
    old = {"bn.weight": torch.ones(2), "bn.running_mean": torch.ones(2), "bn.running_var": torch.ones(2)}
    for state, counted in ((old, 0), ({**old, "bn.num_batches_tracked": torch.tensor(9)}, 9)):
        network = nn.ModuleDict({"bn": nn.BatchNorm2d(2)})
        load_strict(network, {**state, "bn.bias": torch.ones(2)}, pretrained("vgg16").checkpoint)
        assert network["bn"].num_batches_tracked == counted
    with pytest.raises(WrongWeights, match=r"'bn.running_mean' is missing"):
        load_strict(
            network, {"bn.weight": torch.ones(2), "bn.bias": torch.ones(2)}, pretrained("vgg16").checkpoint
        )


def test_clips_image_tower_is_found_beside_the_text_tower_and_alone() -> None:
    tower = {"conv1.weight": torch.ones(1)}
    whole = {"logit_scale": torch.ones(()), "visual.conv1.weight": tower["conv1.weight"]}
    assert of_clip(whole) == tower == of_clip(tower)


OUTPUTS = {
    "stylegan-bedroom": (1, 1),
    "stylegan2-church": (1, 1),
    "progan-bridge": (1, 1),
    "idinvert": (1, 14 * 512),
    "vgg16": (1, 1000),
    "inception-v3": (1, 1000),
    "resnet50": (1, 1000),
    "vit": (1, 1000),
    "clip-rn50": (1, 1024),
    "deeplab-v3": (1, 21, 256, 256),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_what_is_summed_is_what_the_table_says(name: str) -> None:
    image = TRANSFORMATIONS[name].prepare(rgb("rgb224"))[None]
    with torch.device("meta"):
        assert pretrained(name).build().eval()(image.to("meta")).shape == OUTPUTS[name]


@torch.no_grad()
def test_inception_gets_its_own_range_from_imagenets_statistics() -> None:
    pixels = torch.rand(1, 3, 8, 8)
    mean, std = torch.tensor(IMAGENET.mean)[:, None, None], torch.tensor(IMAGENET.std)[:, None, None]
    with torch.device("meta"):
        network = pretrained("inception-v3").build()
    assert torch.allclose(network._transform_input((pixels - mean) / std), pixels * 2 - 1, atol=1e-6)


@pytest.mark.slow
@torch.no_grad()
def test_deeplabs_auxiliary_head_is_not_summed() -> None:
    build = pretrained("deeplab-v3").build
    with torch.device("meta"):
        plain = models.segmentation.deeplabv3_resnet101(weights_backbone=None, aux_loss=False)
    state = filled(build)
    main = {key: state[key] for key in state if not key.startswith("aux_classifier.")}
    plain.load_state_dict(main, assign=True)
    image = torch.rand(1, 3, 32, 32)
    network = frozen(build, state, pretrained("deeplab-v3").checkpoint)
    plain = plain.eval().to(memory_format=torch.channels_last)  # the layout in which `frozen` rounds
    assert torch.equal(network(image), plain(image)["out"])


# --- mathematics, against formulae written another way


def lowpass(x: Array, padding: int) -> Array:
    """Filter each channel with [1, 3, 3, 1] / 8 down and across, zeros around."""
    taps = np.array([1, 3, 3, 1]) / 8
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    for axis in (1, 2):
        x = upfirdn(taps, x, axis=axis)
    return x[:, 3:-3, 3:-3]


def convolve(x: Array, weight: Array, mode: str = "same") -> Array:
    """Correlate (C, H, W) with (C', C, k, k)."""
    return np.array([sum(map(lambda a, b: correlate(a, b, mode), x, w)) for w in weight])


def lrelu(x: Array) -> Array:
    return np.where(x < 0, 0.2 * x, x)


def equalised(weight: Array) -> Array:
    return weight / sqrt(prod(weight.shape[1:]))


def stylegan2_by_formula(image: Array, w: dict[str, Array]) -> Array:
    """The official discriminator's definition, for one image (3, 256, 256)."""

    def bias(key: str, x: Array) -> Array:
        b = w[f"{key}.bias"]
        return sqrt(2) * lrelu(x + (b if x.ndim == 1 else b[:, None, None]))

    x = bias("input0", convolve(image, equalised(w["input0.weight"])))
    for block in range(6):
        skipped = convolve(lowpass(x, 1), equalised(w[f"skip_layer{block}.weight"]), "valid")[:, ::2, ::2]
        first, second = f"layer{2 * block}", f"layer{2 * block + 1}"
        x = bias(first, convolve(x, equalised(w[f"{first}.weight"])))
        x = bias(second, convolve(lowpass(x, 2), equalised(w[f"{second}.weight"]), "valid")[:, ::2, ::2])
        x = (x + skipped) / sqrt(2)
    x = np.concatenate([x, np.full((1, 4, 4), 1e-4)])
    x = bias("layer12", convolve(x, equalised(w["layer12.weight"]))).ravel()
    x = bias("layer13", equalised(w["layer13.weight"]) @ x)
    return equalised(w["layer14.weight"]) @ x + w["layer14.bias"]


def idinvert_by_formula(image: Array, w: dict[str, Array]) -> Array:
    """The official encoder's definition, for one image (3, 256, 256)."""

    def normal(key: str, x: Array) -> Array:
        scale = w[f"{key}.weight"] / np.sqrt(w[f"{key}.running_var"] + 1e-5)
        shape = (-1,) + (1,) * (x.ndim - 1)
        mean, shift = w[f"{key}.running_mean"].reshape(shape), w[f"{key}.bias"].reshape(shape)
        return (x - mean) * scale.reshape(shape) + shift

    x = lrelu(normal("block0.bn.bn", convolve(image, w["block0.conv.weight"])))
    for block in range(1, 7):
        x = x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2).mean((2, 4))
        key = f"block{block}"
        widens = f"{key}.conv.weight" in w
        shortcut = lrelu(normal(f"{key}.bn.bn", convolve(x, w[f"{key}.conv.weight"]))) if widens else x
        for number in (1, 2):
            weight = w[f"{key}.conv{number}.weight"]
            he = sqrt(2 / prod(weight.shape[1:]))
            x = convolve(x, weight) / he * he + w[f"{key}.wscale{number}.bias"][:, None, None]
            x = lrelu(normal(f"{key}.bn{number}.bn", x))
        x = x + shortcut
    weight = w["block7.fc.weight"]
    return normal("block7.bn.bn", weight @ x.ravel() / sqrt(weight.shape[1]))


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    narrowed(monkeypatch)


def narrowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have networks of the same depth with a few feature maps each."""
    for module in (gan_discriminators, stylegan2_discriminator):
        monkeypatch.setattr(module, "CHANNELS", (2, 3, 4, 4, 4, 4, 4))
    monkeypatch.setattr(idinvert_encoder, "WIDTHS", (2, 3, 4, 4, 4, 4, 4))
    monkeypatch.setattr(idinvert_encoder, "CODES", 5)


def in_double(build: Callable[[], nn.Module]) -> nn.Module:
    """Fill a network by formula, in float64, with the blur kernels it has of itself."""
    network = build()
    kernels = {key: value for key, value in network.state_dict().items() if key.endswith("kernel")}
    fill = he_weights if build is idinvert_256 else gan_weights
    network.load_state_dict(fill(shapes_of(network)) | kernels)
    return network.double().eval().requires_grad_(False)


def image_in_double() -> Tensor:
    return torch.from_numpy(np.random.RandomState(0).uniform(-1, 1, (1, 3, 256, 256)))


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize(
    ("build", "formula"), [(stylegan2_256, stylegan2_by_formula), (idinvert_256, idinvert_by_formula)]
)
def test_networks_compute_the_published_definition(
    build: Callable[[], nn.Module], formula: Callable[[Array, dict[str, Array]], Array]
) -> None:
    network, image = in_double(build), image_in_double()
    expected = formula(image[0].numpy(), {key: value.numpy() for key, value in network.state_dict().items()})
    assert network(image)[0].numpy() == pytest.approx(expected, rel=1e-9)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("build", [stylegan2_256, idinvert_256])
def test_the_gradient_is_the_slope_of_the_summed_outputs(build: Callable[[], nn.Module]) -> None:
    network, image = in_double(build), image_in_double()
    gradient = gradients(network, image)
    random = np.random.RandomState(1)
    for _ in range(3):
        step = torch.from_numpy(random.standard_normal(image.shape)) * 1e-6
        slope = (network(image + step).sum() - network(image - step).sum()) / 2
        assert slope.item() == pytest.approx((gradient * step).sum().item(), rel=1e-3)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize(
    ("build", "published"), [(stylegan_256, stylegan), (pggan_256, pggan), (stylegan2_256, stylegan2)]
)
def test_fewer_steps_give_what_the_published_ones_do(
    build: Callable[[], nn.Module], published: Published
) -> None:
    """Also at the borders, where filters and averages meet zeros; before folding and after."""
    network, image = in_double(build), image_in_double()
    entries = {key: value.clone() for key, value in network.state_dict().items()}
    leaf = image.clone().requires_grad_()
    expected = published(entries, leaf)
    (gradient,) = torch.autograd.grad(expected.sum(), leaf)
    for _ in ("as loaded", "folded", "folded again"):
        assert torch.allclose(network(image), expected, rtol=1e-9, atol=0)
        assert torch.allclose(
            gradients(network, image), gradient, rtol=1e-9, atol=gradient.abs().max() * 1e-9
        )
        fold(network)


@pytest.mark.usefixtures("narrow")
def test_a_loaded_transformation_multiplies_no_weights_any_more() -> None:
    network = TRANSFORMATIONS["progan-random"].load(Weights())
    assert network is not None
    scaled = [module for module in network.modules() if isinstance(module, Scaled)]
    assert len(scaled) == 22
    for module in scaled:
        weight, bias = module.scaled()
        assert weight is module.weight
        assert bias is module.bias
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_the_deviation_of_a_single_image_is_a_constant() -> None:
    x = torch.rand(2, 5, 4, 4)
    y = x[:1] - x[:1].mean(0)  # a group of one image
    expected = (y.square().mean(0) + 1e-8).sqrt().mean()
    assert torch.allclose(with_deviation(x)[:, 5], expected.expand(2, 4, 4))
    assert torch.equal(with_deviation(x)[:, :5], x)


# --- pictures


class Square(nn.Module):
    """Score = Σ x² / 2: the gradient is the image itself."""

    def forward(self, images: Tensor) -> Tensor:
        return images.square().sum((1, 2, 3)) / 2


def test_gradient_picture_is_stretched_by_its_own_extremes_and_rounded_half_to_even() -> None:
    image = torch.tensor([0.0, 1.0, 0.3, 0.1, 0.5, 0.999]).reshape(1, 3, 1, 2)  # 76.5, 25.5, 127.5, 254.7
    both = torch.cat([image, image * 8])
    pictures = gradient_images(Square(), both)
    assert pictures.dtype == torch.uint8
    assert pictures[0].flatten().tolist() == [0, 255, 76, 26, 128, 255]
    assert pictures[1].tolist() == pictures[0].tolist()


class Counting(Square):
    """Notes how many images it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        self.counts.append(len(images))
        return super().forward(images)


ONE_BY_ONE = [1] * 5


@pytest.mark.parametrize(
    ("name", "counts"), [("stylegan-bedroom", ONE_BY_ONE), ("vit", ONE_BY_ONE), ("resnet50", [4, 1])]
)
def test_a_cpu_differentiates_large_maps_and_attention_one_image_at_a_time(
    name: str, counts: list[int]
) -> None:
    network = Counting()
    assert len(TRANSFORMATIONS[name].pictures(network, torch.rand(5, 3, 2, 2))) == 5
    assert network.counts == counts


@pytest.mark.parametrize("name", GANS)
def test_a_gpu_gets_more_at_once_whatever_its_memory(name: str) -> None:
    transformation = TRANSFORMATIONS[name]
    assert transformation.at_once(torch.device("cuda:1")) == (8 if name == "stylegan2-church" else 16)
    assert replace(transformation, on_cpu=3).at_once(torch.device("cpu")) == 3


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("field", ["on_cpu", "on_gpu"])
def test_kept_pictures_are_of_one_number_at_once(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It changes their last bits."""
    transformation = TRANSFORMATIONS["progan-random"]
    before = picture_maker("progan-random", Weights()).identity
    monkeypatch.setattr(
        transformations, "TRANSFORMATIONS", {"progan-random": replace(transformation, **{field: 7})}
    )
    assert picture_maker("progan-random", Weights()).identity != before


def test_a_constant_gradient_is_black_and_the_batch_is_untouched() -> None:
    batch = torch.full((2, 3, 4, 4), 0.5)
    with torch.no_grad():
        assert gradient_images(Square(), batch).sum() == 0
    assert not batch.requires_grad
    assert batch.grad is None


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_gradient_that_is_not_finite_makes_no_picture(bad: float) -> None:
    """It would be a black one, and score like any other."""
    batch = torch.rand(2, 3, 4, 4)
    batch[1, 2, 3, 3] = bad
    with pytest.raises(ValueError, match="gradient is not finite"):
        gradient_images(Square(), batch)


def test_without_a_transformation_the_classifier_sees_the_very_pixels() -> None:
    transformation = TRANSFORMATIONS["input-image"]
    every = Image.fromarray(np.arange(256 * 256 * 3, dtype=np.uint8).reshape(256, 256, 3))
    network = transformation.load(Weights())
    pictures = transformation.pictures(network, transformation.prepare(every)[None])
    assert pictures.dtype == torch.uint8
    assert np.array_equal(pictures[0].permute(1, 2, 0).numpy(), np.asarray(every))
    assert as_pixels(torch.tensor([0.0, 1.0])).tolist() == [0, 255]


@pytest.mark.slow
def test_random_weights_are_drawn_from_the_documented_seed() -> None:
    model = TRANSFORMATIONS["progan-random"].model
    assert isinstance(model, Untrained)
    network = model.load(Weights(), ())
    random, state = np.random.RandomState(0), network.state_dict()
    for key in ("input0.weight", "layer0.weight", "layer1.weight", "input1.weight"):
        expected = random.standard_normal(state[key].shape).astype(np.float32)
        assert np.array_equal(state[key].numpy(), expected)
    assert not any(value.any() for key, value in state.items() if not key.endswith("weight"))
    assert not any(parameter.requires_grad for parameter in network.parameters())


CONVOLUTIONAL = ("vgg16", "inception-v3", "resnet50", "deeplab-v3")
"""Take any size, so that a corner of the picture will do."""


class Loaded:
    """A transformation model with formula weights."""

    def __init__(self, name: str) -> None:
        self.transformation = TRANSFORMATIONS[name]
        model = pretrained(name)
        self.network = frozen(model.build, filled(model.build), model.checkpoint)
        self.side = 96 if name in CONVOLUTIONAL else self.transformation.prepare.resize


@pytest.fixture(scope="module", params=["stylegan2-church", "idinvert", "clip-rn50", *FILES])
def loaded(request: pytest.FixtureRequest) -> Iterator[Loaded]:
    with pytest.MonkeyPatch.context() as patch:
        narrowed(patch)
        patch.setattr(models, "vit_b_16", partial(VisionTransformer, 224, 16, 2, 12, 768, 3072))  # two layers
        yield Loaded(request.param)


@pytest.mark.slow
def test_pictures_are_the_gradient_of_the_sum_of_all_outputs_of_one_image(loaded: Loaded) -> None:
    """Also in a batch: nothing joins its images."""
    prepare = loaded.transformation.prepare
    corner = slice(loaded.side)
    batch = torch.stack([prepare(rgb(name))[:, corner, corner] for name in ("rgb256a", "rgb180x200")])
    with torch.no_grad():
        pictures = loaded.transformation.pictures(loaded.network, batch)
    assert pictures.shape == batch.shape
    assert pictures.flatten(1).amin(1).tolist() == [0, 0]
    assert pictures.flatten(1).amax(1).tolist() == [255, 255]
    alone = batch[1:2].clone().requires_grad_()
    loaded.network(alone).sum().backward()
    assert alone.grad is not None
    gradient = alone.grad[0].double().numpy()
    low, high = gradient.min(), gradient.max()
    expected = np.rint((gradient - low) / (high - low) * 255)
    difference = abs(pictures[1].numpy() - expected)
    assert (difference > 0).mean() < 0.1
    assert difference.max() <= 6


def test_statistics_are_the_published_ones() -> None:
    import open_clip

    published = open_clip.get_pretrained_cfg("RN50-quickgelu", "openai")
    assert (CLIP.mean, CLIP.std) == (published["mean"], published["std"])
    transforms = FILES["resnet50"].transforms()
    assert (list(IMAGENET.mean), list(IMAGENET.std)) == (transforms.mean, transforms.std)
    assert all(TRANSFORMATIONS[name].prepare.statistics == SYMMETRIC for name in GANS)


@pytest.mark.slow
@pytest.mark.parametrize("build", [stylegan_256, pggan_256])
def test_images_of_a_batch_do_not_see_each_other(build: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    network = build()
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    images = torch.rand(2, 3, 256, 256) * 2 - 1
    with torch.no_grad():
        network.requires_grad_(False)
        assert torch.allclose(network(images)[:1], network(images[:1]), atol=1e-4)
