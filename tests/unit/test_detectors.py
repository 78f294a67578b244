"""The three detectors as plugins: variants, sharing, batches, wrong files; without published weights."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from forenbench.detectors._nets.encoders import EFFICIENTNET_LITE0, efficientnet_lite0
from forenbench.detectors._nets.neighbours import FeatureBank
from forenbench.detectors._nets.networks import resnet_50
from forenbench.detectors._nets.pixels import CLIP, IMAGENET, SYMMETRIC, Preprocess
from forenbench.detectors._nets.small import small_discriminator, small_resnet
from forenbench.detectors._nets.univfd_recipes import HEAD
from forenbench.detectors.cnndetection import CNNDetection
from forenbench.detectors.lgrad import LGrad
from forenbench.detectors.univfd import UnivFD
from forenbench.errors import BenchError
from forenbench.plugins.installed import Plugin
from forenbench.types import Detector, LogitDetector
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
    return Weights(kind="sample", paths=paths, unverified=True)


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
def test_absent_weights_are_named_with_the_way_to_get_them(name: str, variant: str) -> None:
    how = r"(bench weights fetch|by hand from|Train them: bench train) .*--weights [a-z0-9._-]+=PATH"
    with pytest.raises(MissingWeights, match=how):
        PLUGINS[name](variant, Weights())


def test_every_checkpoint_read_is_recorded(weights: Weights) -> None:
    for _ in range(2):
        with weights.recording() as used:
            UnivFD("nn-k3", weights)
        assert set(used) == {"efficientnet-lite0", "sample-univfd_bank (own)"}


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


# --- wrong files


@pytest.mark.slow
@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"model": state, "total_steps": 1}])
def test_cnndetection_reads_bare_and_published_files(
    tmp_path: Path, wrap: Callable[[dict[str, Tensor]], dict[str, object]]
) -> None:
    path = tmp_path / "model.pth"
    torch.save(wrap(resnet_50().state_dict()), path)
    detector = CNNDetection("jpeg_only-full", Weights(paths={"cnndetection-jpeg_only": path}))
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
        UnivFD("nn-k1", replace(weights, paths=weights.paths | {"sample-univfd_bank": path}, _shared={}))


def test_univfd_says_when_the_bank_is_smaller_than_k(weights: Weights, tmp_path: Path) -> None:
    path = tmp_path / "bank.safetensors"
    save_file({"real": torch.ones(20, 1280), "fake": torch.ones(4, 1280)}, path)
    own = replace(weights, paths=weights.paths | {"sample-univfd_bank": path}, _shared={})
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
