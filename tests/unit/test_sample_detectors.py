"""The recipes behind the sample checkpoints learn what can be learnt, and give files that detectors load."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

from forenbench.detectors._nets.pixel_pairs import generated
from forenbench.detectors._nets.pixels import IMAGENET, normalise
from forenbench.detectors._nets.small import small_discriminator, small_resnet
from forenbench.plugins.loading import load_all
from forenbench.sample import detectors, handmade
from forenbench.testing import tiny_image
from forenbench.weights import Weights


def pictures(number: int, side: int = 72) -> tuple[Tensor, np.ndarray]:
    """Smooth pictures, every second one with a faint checkerboard."""
    board = np.indices((side, side)).sum(axis=0)[..., None] % 2 * 60
    labels = np.arange(number) % 2
    pixels = [
        np.clip(np.asarray(tiny_image(i, side, side), int) + board * label, 0, 255)
        for i, label in enumerate(labels)
    ]
    return torch.from_numpy(np.stack(pixels)).to(torch.uint8).permute(0, 3, 1, 2), labels


@pytest.mark.slow
def test_a_classifier_learns_a_checkerboard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detectors, "CROP", 40)
    pixels, labels = pictures(48)
    show = detectors.crops(pixels, detectors.as_is)
    recipe = detectors.ClassifierRecipe("test", small_resnet, show, 24, generated)
    steps: list[float] = []

    def report(name: str, step: int, total: int, losses: dict[str, float]) -> None:
        steps.append(losses["loss"])

    network = detectors.train_classifier(recipe, labels, report)
    assert np.mean(steps[-3:]) < 0.5 * np.mean(steps[:3])
    with torch.no_grad():
        logits = network(normalise(pixels, IMAGENET)).squeeze(1).numpy()
    assert ((logits > 0) == labels).mean() > 0.9


@pytest.mark.slow
def test_a_classifier_is_trained_the_same_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was drawn before; with the augmentation, which draws most."""
    monkeypatch.setattr(detectors, "CROP", 32)
    pixels, labels = pictures(48)
    show = detectors.crops(pixels, detectors.blur_or_jpeg)
    recipe = detectors.ClassifierRecipe("test", small_resnet, show, 4, generated)
    first = detectors.train_classifier(recipe, labels, lambda *progress: None)
    torch.rand(1)
    again = detectors.train_classifier(recipe, labels, lambda *progress: None)
    for one, other in zip(first.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_augmentation_changes_about_a_fifth_and_keeps_the_shape() -> None:
    picture = pictures(1)[0][0]
    random = np.random.default_rng(0)
    changed = [detectors.blur_or_jpeg(picture, random) for _ in range(200)]
    assert all(c.shape == picture.shape and c.dtype == torch.uint8 for c in changed)
    share = np.mean([not torch.equal(c, picture) for c in changed])
    assert 0.10 < share < 0.30  # 1 - 0.9 * 0.9 = 0.19


def test_the_probe_separates_what_is_separable_across_groups() -> None:
    random = np.random.default_rng(0)
    groups = np.repeat(list("abcd"), 30)
    labels = np.tile([0, 1], 60)
    features = random.normal(size=(120, 20)) * 5 + 100
    features[:, 3] += 40 * labels
    weight, bias = detectors.fit_probe(features.astype(np.float32), labels, list(groups))
    logits = features @ weight[0].numpy() + bias.numpy()
    assert ((logits > 0) == labels).all()


@pytest.mark.slow
def test_trained_files_are_what_the_detectors_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detectors, "EPOCHS", 1)
    monkeypatch.setattr(detectors, "CROP", 64)
    out = tmp_path / "weights"
    out.mkdir()
    save_file(small_discriminator().state_dict(), out / "nearest_discriminator.safetensors")
    pixels, labels = pictures(32)
    for i, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
        folder = tmp_path / "train" / "nearest" / ("1_fake" if label else "0_real")
        folder.mkdir(parents=True, exist_ok=True)
        detectors.functional.to_pil_image(picture).save(folder / f"photo{i // 8}_{i}.png")
    detectors.train_detectors(detectors.load_split(tmp_path / "train"), out, lambda *progress: None)
    files = {f"sample-{path.stem}": path for path in out.iterdir()}
    weights = Weights("sample", files, unverified=True)
    loaded = load_all(["lgrad", "univfd", "cnndetection"], weights)
    assert {"sample-lgrad (own)", "sample-nearest_discriminator (own)"} == set(loaded[0].checkpoints)
    assert [one.name for one in loaded][1:] == [
        *(f"univfd:{row}" for row in ("lc", "nn-k1", "nn-k3", "nn-k5", "nn-k9")),
        "cnndetection:small",
    ]


@pytest.fixture(scope="module")
def split() -> detectors.TrainSplit:
    """Smooth pictures and the same with a faint checkerboard, of six "photographs"."""
    pixels, labels = pictures(48)
    images = [to_pil_image(picture) for picture in pixels]
    return detectors.TrainSplit(images, labels, [f"photograph{i // 2 % 6}" for i in range(48)])


@pytest.mark.slow
def test_classifiers_of_handmade_features_are_trained_and_their_files_are_those_that_detectors_load(
    split: detectors.TrainSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handmade, "AUTOGAN_EPOCHS", 1)
    monkeypatch.setattr(handmade, "COOCCURRENCE_EPOCHS", 1)
    handmade.train_handmade(split, tmp_path, lambda *progress: None)
    names = ["frank", "durall", "autogan", "cooccurrence"]
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.safetensors" for name in names}
    assert max(path.stat().st_size for path in tmp_path.iterdir()) < 100_000  # they are part of the wheel
    paths = {f"sample-{path.stem}": path for path in tmp_path.iterdir()}
    for loaded in load_all(names, Weights("sample", paths, unverified=True)):
        detector = loaded.detector
        batch = torch.stack([detector.prepare(image) for image in split.images])
        scores = detector.score(batch)
        assert torch.isfinite(scores).all()
        if loaded.name.startswith(("frank", "durall")):  # networks learn little in one epoch
            assert ((scores > detector.threshold).numpy() == split.labels).mean() > 0.9


@pytest.mark.parametrize("name", ["autogan", "cooccurrence"])
def test_a_network_of_handmade_features_is_the_same_every_time(
    split: detectors.TrainSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(handmade, f"{name.upper()}_EPOCHS", 1)
    for run in ("one", "two"):
        recipe = getattr(handmade, name)(split.images[:16])
        trained = detectors.train_classifier(recipe, split.labels[:16], lambda *progress: None)
        detectors.save_half(trained, tmp_path / run)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_recolouring_keeps_the_differences_of_neighbours() -> None:
    rows, columns = np.indices((20, 30))
    levels = np.stack([100 + columns, 100 + 2 * columns, 100 + rows], axis=2).astype(np.uint8)
    random = np.random.default_rng(0)
    made = [np.asarray(handmade.recoloured(to_pil_image(levels), random), int) for _ in range(30)]
    assert len({one.tobytes() for one in made}) > 25
    for one in made:
        assert sorted(np.abs(np.diff(one, axis=1)).reshape(-1, 3).max(0)) == [0, 1, 2]
