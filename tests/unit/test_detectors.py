"""The three detectors as plugins: variants, sharing, batches, wrong files; without published weights."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from forenbench.detectors._nets.encoders import EFFICIENTNET_LITE0, efficientnet_lite0
from forenbench.detectors._nets.gan_discriminators import pggan_256, stylegan_256
from forenbench.detectors._nets.gradients import gradient_images
from forenbench.detectors._nets.neighbours import FeatureBank
from forenbench.detectors._nets.networks import resnet_50
from forenbench.detectors._nets.pixels import CLIP, IMAGENET, SYMMETRIC, Preprocess
from forenbench.detectors._nets.small import small_discriminator, small_resnet
from forenbench.detectors.cnndetection import CNNDetection
from forenbench.detectors.lgrad import LGrad
from forenbench.detectors.univfd import HEAD, UnivFD
from forenbench.types import BenchError, Detector, LogitDetector, Plugin
from forenbench.weights import MissingWeights, Weights, WrongWeights, frozen

PLUGINS = {"lgrad": LGrad, "univfd": UnivFD, "cnndetection": CNNDetection}
SAMPLE = [(name, variant) for name, plugin in PLUGINS.items() for variant in plugin.variants["sample"]]
PUBLISHED = [(name, variant) for name, plugin in PLUGINS.items() for variant in plugin.variants["published"]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """Random files in the place of the shipped ones."""
    folder = tmp_path_factory.mktemp("sample")
    torch.manual_seed(0)
    contents = {
        "sample-nearest_discriminator": small_discriminator().state_dict(),
        "sample-lgrad": small_resnet().state_dict(),
        "sample-cnndetection": small_resnet().state_dict(),
        "sample-univfd_lc": torch.nn.Linear(1280, 1).state_dict(),
        "sample-univfd_bank": {"real": torch.randn(20, 1280).half(), "fake": torch.randn(12, 1280).half()},
    }
    paths = {name: folder / f"{name}.safetensors" for name in contents}
    for name, content in contents.items():
        save_file(content, paths[name])
    return Weights(kind="sample", paths=paths)


def photograph(width: int = 300, height: int = 260, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.RandomState(seed).randint(0, 256, (height, width, 3)).astype(np.uint8))


@torch.no_grad()
def scores(detector: Detector, images: list[Image.Image]) -> Tensor:
    batch = torch.stack([detector.prepare(image) for image in images])
    encoder = getattr(detector, "encoder", None)
    return detector.score(batch if encoder is None else encoder.encode(batch))


@pytest.mark.parametrize(("name", "variant"), SAMPLE)
def test_sample_variants_are_detectors(weights: Weights, name: str, variant: str) -> None:
    detector = PLUGINS[name](variant, weights)
    assert isinstance(detector, Detector)
    assert detector.name == f"{name}:{variant}"
    assert detector.threshold == (0.5 if isinstance(detector, LogitDetector) else 0.0)
    assert pickle.loads(pickle.dumps(detector.prepare)) == detector.prepare


@pytest.mark.parametrize(("name", "variant"), SAMPLE)
def test_a_batch_gives_what_each_image_gives_alone(weights: Weights, name: str, variant: str) -> None:
    detector = PLUGINS[name](variant, weights)
    images = [photograph(seed=seed) for seed in range(3)]
    together = scores(detector, images)
    assert together.shape == (3,)
    assert together.dtype == torch.float32
    alone = torch.cat([scores(detector, [image]) for image in images])
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize(("name", "variant"), SAMPLE)
@pytest.mark.parametrize("size", [(1, 1), (40, 300), (500, 333)])
def test_any_size_gives_one_finite_score(
    weights: Weights, name: str, variant: str, size: tuple[int, int]
) -> None:
    assert torch.isfinite(scores(PLUGINS[name](variant, weights), [photograph(*size)])).all()


@pytest.mark.parametrize("plugin", PLUGINS.values())
def test_variants_share_what_they_can(weights: Weights, plugin: Plugin) -> None:
    detectors = [plugin(variant, weights) for variant in plugin.variants["sample"]]
    for one in ("encoder", "bank", "network"):
        found = [id(getattr(detector, one)) for detector in detectors if hasattr(detector, one)]
        assert len(set(found)) <= 1
    assert len({detector.prepare for detector in detectors}) == (2 if plugin is CNNDetection else 1)


@pytest.mark.parametrize("name", PLUGINS)
def test_rows_are_variants_and_checkpoints_have_distinct_names(name: str) -> None:
    plugin = PLUGINS[name]
    for kind, rows in getattr(plugin, "rows", plugin.variants).items():
        assert set(rows) <= set(plugin.variants[kind])
    names = [checkpoint.name for checkpoint in plugin.checkpoints]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("name", "variant"), PUBLISHED)
def test_absent_published_weights_are_named_with_their_source(name: str, variant: str) -> None:
    with pytest.raises(MissingWeights, match=r"Get them from .*--weights [a-z0-9.-]+=PATH"):
        PLUGINS[name](variant, Weights())


def test_what_nobody_published_is_said_to_be_the_users_own(tmp_path: Path) -> None:
    path = tmp_path / "pggan.pth"
    torch.save(pggan_256().state_dict(), path)
    with pytest.raises(MissingWeights, match="your own training: nobody has published it"):
        LGrad("progan-bedroom", Weights(paths={"progan-bedroom": path}))


def test_every_checkpoint_read_is_recorded(weights: Weights) -> None:
    for _ in range(2):
        with weights.recording() as used:
            UnivFD("nn-k3", weights)
        assert set(used) == {"efficientnet-lite0", "sample-univfd_bank"}


# --- prepare


def test_small_images_are_padded_with_black_before_normalising() -> None:
    tensor = Preprocess(IMAGENET, crop=224)(Image.new("RGB", (200, 180), "white"))
    black = -torch.tensor(IMAGENET.mean) / torch.tensor(IMAGENET.std)
    assert torch.allclose(tensor[:, 0, 0], black)
    first = (tensor[0] > 0).nonzero()[0].tolist()
    assert first == [22, 12]


def test_squashing_ignores_the_aspect_ratio_and_keeps_the_range() -> None:
    tensor = Preprocess(SYMMETRIC, resize=256)(photograph(512, 64))
    assert tensor.shape == (3, 256, 256)
    assert -1 <= tensor.min() < tensor.max() <= 1


def test_equal_preprocessing_compares_equal_and_another_does_not() -> None:
    assert Preprocess(CLIP, crop=224) == Preprocess(CLIP, crop=224)
    assert Preprocess(CLIP, crop=224) != Preprocess(IMAGENET, crop=224)
    image = photograph()
    before = image.tobytes()
    Preprocess(CLIP, crop=224)(image)
    assert image.tobytes() == before


# --- gradients


class Square(torch.nn.Module):
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


def test_a_constant_gradient_is_black_and_the_batch_is_untouched() -> None:
    batch = torch.full((2, 3, 4, 4), 0.5)
    with torch.no_grad():
        assert gradient_images(Square(), batch).sum() == 0
    assert not batch.requires_grad
    assert batch.grad is None


@pytest.mark.parametrize("build", [stylegan_256, pggan_256])
def test_images_of_a_batch_do_not_see_each_other(build: Callable[[], torch.nn.Module]) -> None:
    torch.manual_seed(0)
    network = build()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter)
    images = torch.rand(3, 3, 256, 256) * 2 - 1
    with torch.no_grad():
        network.requires_grad_(False)
        assert torch.allclose(network(images)[:1], network(images[:1]), atol=1e-4)


# --- wrong files


def test_lgrad_names_a_classifier_given_for_the_discriminator(tmp_path: Path) -> None:
    path = tmp_path / "resnet.pth"
    torch.save(resnet_50().state_dict(), path)
    with pytest.raises(WrongWeights, match="key 'lod' is missing; it seems to be weights 'lgrad-4class'"):
        LGrad("stylegan-bedroom", Weights(paths={"stylegan-bedroom": path}))


def test_lgrad_names_the_other_discriminator(tmp_path: Path) -> None:
    path = tmp_path / "pggan.pth"
    torch.save({"discriminator": pggan_256().state_dict()}, path)
    with pytest.raises(WrongWeights, match=r"layer1.blur.kernel' is missing; .* weights 'progan-bedroom'"):
        LGrad("stylegan-bedroom", Weights(paths={"stylegan-bedroom": path}))


def test_lgrad_reads_the_discriminator_of_a_genforce_triple(tmp_path: Path) -> None:
    path, state = tmp_path / "stylegan.pth", stylegan_256().state_dict()
    torch.save({"generator": {}, "discriminator": state, "generator_smooth": {}}, path)
    with pytest.raises(MissingWeights, match="lgrad-4class"):
        LGrad("stylegan-bedroom", Weights(paths={"stylegan-bedroom": path}))


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"model": state, "total_steps": 1}])
def test_cnndetection_reads_bare_and_published_files(
    tmp_path: Path, wrap: Callable[[dict[str, Tensor]], dict[str, object]]
) -> None:
    path = tmp_path / "model.pth"
    torch.save(wrap(resnet_50().state_dict()), path)
    detector = CNNDetection("blur_jpg_prob0.1-full", Weights(paths={"cnndetection-0.1": path}))
    assert scores(detector, [photograph(64, 80)]).shape == (1,)


def test_univfd_names_a_training_checkpoint_given_for_the_head(tmp_path: Path) -> None:
    path = tmp_path / "model_epoch_best.pth"
    model = {"model.logit_scale": torch.ones(()), "fc.weight": torch.ones(1, 768), "fc.bias": torch.ones(1)}
    torch.save({"model": model, "optimizer": {}, "total_steps": 9}, path)
    with pytest.raises(WrongWeights, match=r"a training checkpoint .* weights 'univfd-head' .*'fc.' before"):
        Weights(paths={"univfd-head": path}).load(HEAD)


@pytest.mark.parametrize(
    "content",
    [
        {"real": torch.ones(9, 768), "fake": torch.ones(9, 768)},
        {"real": torch.ones(9, 1280)},
        {"real": torch.ones(9, 1280), "fake": torch.ones(1280)},
        {"real": torch.ones(9, 1280), "fake": torch.ones(9, 1280), "other": torch.ones(9, 768)},
    ],
)
def test_univfd_refuses_a_bank_of_another_shape(
    weights: Weights, tmp_path: Path, content: dict[str, Tensor]
) -> None:
    path = tmp_path / "bank.safetensors"
    save_file(content, path)
    with pytest.raises(WrongWeights, match="expected `real`"):
        UnivFD("nn-k1", Weights(kind="sample", paths=weights.paths | {"sample-univfd_bank": path}))


def test_univfd_says_when_the_bank_is_smaller_than_k(weights: Weights, tmp_path: Path) -> None:
    path = tmp_path / "bank.safetensors"
    save_file({"real": torch.ones(20, 1280), "fake": torch.ones(4, 1280)}, path)
    own = Weights(kind="sample", paths=weights.paths | {"sample-univfd_bank": path})
    assert UnivFD("nn-k3", own).k == 3
    with pytest.raises(
        BenchError, match="univfd:nn-k5 needs at least 5 features on each side; the bank has 4"
    ):
        UnivFD("nn-k5", own)


# --- neighbours and encoder


@pytest.mark.parametrize("k", [1, 3, 5])
def test_neighbour_score_is_the_difference_of_mean_cosine_distances(k: int) -> None:
    random = torch.Generator().manual_seed(0)
    real, fake, queries = (torch.randn(n, 16, generator=random) * 5 for n in (40, 30, 8))
    score = FeatureBank(real, fake).score(queries, k)

    def nearest(bank: Tensor) -> Tensor:
        distances = 1 - torch.nn.functional.cosine_similarity(queries[:, None], bank[None], dim=2)
        return distances.sort(dim=1).values[:, :k].mean(dim=1)

    assert torch.allclose(score, nearest(real) - nearest(fake), atol=1e-5)


def test_a_tie_is_not_above_the_threshold() -> None:
    bank = FeatureBank(torch.eye(4), torch.eye(4))
    assert bank.score(torch.ones(1, 4), 1).item() == 0


@torch.no_grad()
def test_efficientnet_recognises_a_cat() -> None:
    """Proof that each entry of the package's file went to its place in timm's model."""
    from skimage.data import chelsea

    weights = Weights(kind="sample")
    encoder = efficientnet_lite0(weights)
    state = weights.load(EFFICIENTNET_LITE0)
    cat = Image.fromarray(chelsea()).resize((384, 256))
    features = encoder.encode(encoder.prepare(cat)[None])
    classes = torch.nn.functional.linear(features, state["_fc.weight"], state["_fc.bias"])
    assert features.shape == (1, encoder.width)
    assert int(classes.argmax()) in range(281, 286)  # ImageNet's five cats


def test_frozen_networks_leave_nothing_on_the_meta_device() -> None:
    for build in (small_discriminator, small_resnet, resnet_50):
        network = frozen(build, build().state_dict(), HEAD)
        assert not any(value.is_meta for value in (*network.parameters(), *network.buffers()))
