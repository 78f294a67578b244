"""Gradient pictures and features on disk: what they hold, who shares the work, what a kill costs."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from training_jobs import RECIPE, TinyNetwork, examples_of, write_images

from forenbench.detectors._nets.encoders import FrozenEncoder
from forenbench.detectors._nets.heads import feature_bank
from forenbench.detectors._nets.pixels import CLIP, SYMMETRIC, Preprocess
from forenbench.detectors._nets.small import small_discriminator
from forenbench.detectors._nets.transformations import PictureMaker, Transformation
from forenbench.errors import BenchError
from forenbench.images import decode
from forenbench.training import univfd
from forenbench.training.bank import Share, make_bank
from forenbench.training.examples import Examples
from forenbench.training.feature_bank import Encoding
from forenbench.training.learners import Learner
from forenbench.training.lgrad import Gradients, cache_of, prepare
from forenbench.training.loader import Loader
from forenbench.training.picture_cache import Pictures, _largest, _write
from forenbench.training.processes import Processes
from forenbench.training.randomness import TRAIN, VALIDATE, draws
from forenbench.training.recipes import Augmentation
from forenbench.training.request import TrainingData, TrainingRequest
from forenbench.training.schedules import StepDecay
from forenbench.training.session import Running
from forenbench.training.state import TrainingSettings
from forenbench.training.supervised import Training, train
from forenbench.types import FAKE, REAL
from forenbench.weights import Checkpoint, Weights


class Counter:
    """Counts what is made."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []

    def __call__(self, what: str, done: int, total: int, losses: object = None) -> None:
        self.steps.append((done, total))


def running(count: Counter | None = None) -> Running:
    recipe = replace(RECIPE, augmentation=Augmentation())
    return Running(recipe, Processes(), Counter(), count or Counter())


def gradients(seed: int = 0) -> Gradients:
    torch.manual_seed(seed)
    network = small_discriminator().eval().requires_grad_(False)
    return Gradients("small", Transformation(Preprocess(SYMMETRIC, resize=32)), network, {"small": str(seed)})


def encoding(**rest: bool) -> Encoding:
    torch.manual_seed(0)
    tower = nn.Sequential(nn.Conv2d(3, 6, 3), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    encoder = FrozenEncoder(tower.eval().requires_grad_(False), Preprocess(CLIP, crop=16), 6)
    return Encoding(encoder, {"tower": "sha"}, **rest)


def features_of(examples: Examples) -> torch.Tensor:
    """Encode one image after the other, without any of the machinery."""
    encoder = encoding().encoder
    images = [decode(item.source.read(item.path)) for item in examples.items]
    with torch.no_grad():
        return torch.cat([encoder.encode(encoder.prepare(image)[None]) for image in images])


@pytest.fixture
def examples(tmp_path: Path) -> Examples:
    write_images(tmp_path / "data", ("cat", "horse"), number=5)
    return examples_of(tmp_path / "data")


def first_inputs(learner: Learner, examples: Examples) -> torch.Tensor:
    """Return what the network sees of the first batch of epoch 3."""
    batch = next(Loader(examples, learner.read_train, 0, TRAIN).batches(3, [list(range(8))]))
    return learner.inputs(batch.inputs, [draws(0, TRAIN, 3, index) for index in batch.indices])


class Coupled(nn.Module):
    """Makes plain what sums of floats do in the last digit: gradients depend on what else is in the batch."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (images * images.mean(0)).sum((1, 2, 3))


def validated(learner: Learner, examples: Examples) -> torch.Tensor:
    """Return what the network sees of the first images in validation."""
    batch = next(Loader(examples, learner.read_validation, 0, VALIDATE).batches(3, [list(range(8))]))
    return learner.inputs(batch.inputs, None)


def test_gradient_pictures_from_disk_are_those_made_on_the_way(examples: Examples, tmp_path: Path) -> None:
    start = TinyNetwork(), {"initialisation": "random"}
    data = TrainingData(examples)
    coupled = replace(gradients(), network=Coupled())  # what a batch does to sums of floats, made plain
    same, direct = prepare(coupled, None, data, start, running())
    shown, cached = prepare(coupled, tmp_path / "cache", data, start, running())
    assert same() is data
    seen, expected = first_inputs(cached, shown().train), first_inputs(direct, examples)
    assert seen.shape == (8, 3, 16, 16)
    assert torch.equal(seen, expected)
    assert torch.equal(validated(cached, shown().train), validated(direct, examples))
    assert shown().train.items[0].label == examples.items[0].label
    assert cached.facts == direct.facts


def test_gradients_are_taken_in_full_precision_even_in_mixed_precision(examples: Examples) -> None:
    _, learner = prepare(gradients(), None, TrainingData(examples), (TinyNetwork(), {}), running())
    expected = first_inputs(learner, examples)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(first_inputs(learner, examples), expected)


def test_cached_pictures_are_eight_bit_png_files_by_content(examples: Examples, tmp_path: Path) -> None:
    shown = gradients().cache(tmp_path / "cache").filled(examples, running())
    files = sorted((tmp_path / "cache").rglob("*.*"))
    assert [file.stem for file in files] == sorted(item.sha256 for item in examples.items)
    transformation, network = gradients().transformation, gradients().network
    image = decode(examples.items[3].source.read(examples.items[3].path))
    expected = transformation.pictures(network, transformation.prepare(image)[None])[0]
    with Image.open(next(file for file in files if file.stem == examples.items[3].sha256)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (32, 32))
        difference = np.asarray(picture, int) - expected.permute(1, 2, 0).numpy()
    assert abs(difference).max() <= 1
    assert (
        shown.items[3].source.read(shown.items[3].path)
        == files[[file.stem for file in files].index(examples.items[3].sha256)].read_bytes()
    )


def test_only_missing_pictures_are_made_and_another_checkpoint_has_its_own(
    examples: Examples, tmp_path: Path
) -> None:
    root = tmp_path / "cache"
    gradients().cache(root).filled(examples, running())
    for file in sorted(root.rglob("*.png"))[:3]:
        file.unlink()
    count = Counter()
    gradients().cache(root).filled(examples, running(count))
    assert count.steps[-1] == (3, 3)
    again, other = Counter(), Counter()
    gradients().cache(root).filled(examples, running(again))
    gradients(seed=1).cache(root).filled(examples, running(other))
    assert again.steps == []
    assert other.steps[-1] == (20, 20)


def test_pictures_of_another_version_are_not_mixed_with_those_that_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resumed training would see both, a level apart here and there."""
    before = gradients().cache(tmp_path).name
    assert gradients().cache(tmp_path).name == before
    monkeypatch.setattr(PictureMaker, "version", "another")
    assert gradients().cache(tmp_path).name != before


def test_a_training_is_the_same_to_the_last_bit_with_kept_pictures_and_without(
    examples: Examples, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, augmentation=Augmentation(), schedule=StepDecay(), epochs=2)
    run = replace(running(), recipe=recipe, keep="last")
    made = []
    for cache in (None, tmp_path / "cache"):
        torch.manual_seed(0)
        start = TinyNetwork(), {"initialisation": "random"}
        coupled = replace(gradients(), network=Coupled())
        shown, learner = prepare(coupled, cache, TrainingData(examples), start, run)
        made.append(
            train(
                TrainingRequest("it", tmp_path / f"out-{len(made)}", ""),
                learner,
                TrainingData(examples),
                shown,
                run,
            )
        )
    assert made[0].read_bytes() == made[1].read_bytes()


def test_what_pictures_take_is_said_before_the_first_is_made_and_too_little_room_ends_it(
    examples: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    run = replace(running(), note=notes.append)
    start, cache = (TinyNetwork(), {}), tmp_path / "new" / "cache"
    shown, _ = prepare(gradients(), cache, TrainingData(examples, examples), start, run)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=100_000))
    with pytest.raises(BenchError, match=r"40 gradient pictures may take 288\.2 kB, .* room for 100\.0 kB"):
        shown()
    assert not cache.exists()
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=300_000))
    shown()
    assert len(notes) == 1
    assert re.search(
        r"at most 288\.2 kB in .*cache/, where 300\.0 kB are free.*'off' .* each of 4 epochs", notes[0]
    )
    taken = sum(file.stat().st_size for file in cache.rglob("*.png"))
    assert taken <= 20 * 7_400
    shown()
    assert len(notes) == 1  # nothing is left to make


def test_no_picture_of_noise_is_larger_than_was_said(tmp_path: Path) -> None:
    for side in (8, 64, 256):
        noise = torch.randint(0, 256, (3, side, side), dtype=torch.uint8)
        _write(tmp_path / "noise.png", noise)
        assert (tmp_path / "noise.png").stat().st_size <= _largest(side)


def test_a_changed_bit_in_a_picture_on_disk_never_trains(tmp_path: Path) -> None:
    """A decoder alone lets some through: it does not look at the checksum of what it needs no more."""
    noise = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8)
    _write(tmp_path / "it.png", noise)
    whole = (tmp_path / "it.png").read_bytes()
    source = Pictures(tmp_path)
    assert source.read("it.png") == whole
    for bit in range(64, 8 * len(whole)):  # the first 8 bytes say that it is PNG
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        (tmp_path / "it.png").write_bytes(flipped)
        with pytest.raises(OSError, match=r"it\.png' is damaged; remove it"):
            source.read("it.png")
    (tmp_path / "it.png").write_bytes(whole[:-12])
    with pytest.raises(OSError, match="is damaged"):
        source.read("it.png")


@pytest.mark.parametrize(
    ("option", "name", "folder"),
    [
        ("", "stylegan-bedroom", "out/gradients"),
        ("", "progan-random", "out/gradients"),
        ("", "input-image", None),  # the image itself
        ("there", "input-image", "there"),
        ("off", "stylegan-bedroom", None),
    ],
)
def test_pictures_are_kept_unless_they_are_turned_off(option: str, name: str, folder: str | None) -> None:
    assert cache_of(option, name, Path("out")) == (Path(folder) if folder else None)


def test_a_picture_on_disk_does_not_depend_on_which_others_a_kill_left_to_make(
    examples: Examples, tmp_path: Path
) -> None:
    made = replace(gradients(), network=Coupled())
    made.cache(tmp_path / "cache").filled(examples, running())
    whole = {file: file.read_bytes() for file in (tmp_path / "cache").rglob("*.png")}
    for file in sorted(whole)[::3]:
        file.unlink()
    made.cache(tmp_path / "cache").filled(examples, running())
    assert {file: file.read_bytes() for file in whole} == whole


def test_a_bank_holds_the_features_of_each_side(examples: Examples, tmp_path: Path) -> None:
    order = TrainingRequest("bank", tmp_path / "out", "data")
    path = make_bank(order, TrainingData(examples), encoding(), Share(size=7), running())
    assert path == tmp_path / "out/bank.safetensors"
    bank, expected = load_file(path), features_of(examples)
    for side, label in (("real", REAL), ("fake", FAKE)):
        rows = [place for place, item in enumerate(examples.items) if item.label == label]
        assert bank[side].dtype == torch.float16
        torch.testing.assert_close(bank[side], expected[rows].half(), rtol=2e-3, atol=1e-4)
    assert bank.keys() == {"real", "fake"}
    assert not order.folder.exists()
    assert (tmp_path / "out/bank.card.json").is_file()
    weights = Weights(paths={"bank": path})
    found = feature_bank(weights, Checkpoint("bank", "bank.safetensors", "a test", "none"), 6)
    assert found.smallest == 10


def test_processes_share_the_shards_and_the_last_one_joins_them(examples: Examples, tmp_path: Path) -> None:
    alone, shared = (
        TrainingRequest("bank", tmp_path / "alone", "data"),
        TrainingRequest("bank", tmp_path / "shared", "data"),
    )
    whole = make_bank(alone, TrainingData(examples), encoding(), Share(size=3), running())
    for part in ("3/3", "1/3"):
        assert make_bank(shared, TrainingData(examples), encoding(), Share.parse(part, 3), running()) is None
    joined = make_bank(shared, TrainingData(examples), encoding(), Share.parse("2/3", 3), running())
    assert whole
    assert joined
    assert whole.read_bytes() == joined.read_bytes()


def test_a_stopped_bank_makes_only_the_shards_it_lacks(examples: Examples, tmp_path: Path) -> None:
    order = TrainingRequest("bank", tmp_path / "out", "data")
    assert make_bank(order, TrainingData(examples), encoding(), Share.parse("1/2", 5), running()) is None
    assert sorted(file.name for file in order.folder.rglob("*.safetensors")) == [
        "000000.safetensors",
        "000002.safetensors",
    ]
    count = Counter()
    assert make_bank(order, TrainingData(examples), encoding(), Share(size=5), running(count))
    assert count.steps[-1] == (10, 10)
    count.steps.clear()
    assert make_bank(order, TrainingData(examples), encoding(), Share(size=5), running(count))
    assert count.steps == []  # finished: nothing is computed


def test_features_for_which_there_is_no_room_are_not_begun(
    examples: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = TrainingRequest("bank", tmp_path / "out", "data")
    usage = shutil.disk_usage(tmp_path)
    needed = 20 * 6 * 2  # images, features, bytes of a float16
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=needed - 1))
    with pytest.raises(BenchError, match=r"features of 20 images may take 240 bytes, .* room for 239 bytes"):
        make_bank(order, TrainingData(examples), encoding(), Share(size=5), running())
    assert not list(order.folder.rglob("*.safetensors"))
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=needed))
    assert make_bank(order, TrainingData(examples), encoding(), Share(size=5), running())


def test_a_kill_while_shards_are_joined_or_removed_leaves_nothing_behind(
    examples: Examples, tmp_path: Path
) -> None:
    order = TrainingRequest("bank", tmp_path / "out", "data")
    order.out.mkdir()
    (order.out / ".bank.safetensors.99.part").write_bytes(b"half")
    for _ in range(2):
        assert make_bank(order, TrainingData(examples), encoding(), Share(size=5), running())
        assert sorted(file.name for file in order.out.iterdir()) == [
            ".bank.lock",
            "bank.card.json",
            "bank.safetensors",
        ]
        (order.folder / "features").mkdir(parents=True)  # as if killed before all of it was removed
        (order.folder / "features/000000.safetensors").write_bytes(b"a shard")
    assert make_bank(order, TrainingData(examples), encoding(), Share(size=5), running())
    assert not order.folder.exists()


def test_shards_of_something_else_are_refused(examples: Examples, tmp_path: Path) -> None:
    order = TrainingRequest("bank", tmp_path / "out", "data")
    make_bank(order, TrainingData(examples), encoding(), Share.parse("1/2", 5), running())
    with pytest.raises(BenchError, match="its size is 5, not 4"):
        make_bank(order, TrainingData(examples), encoding(), Share(size=4), running())


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "a/b", "1/0", "-1/2"])
def test_bad_shares_are_refused(text: str) -> None:
    with pytest.raises(BenchError, match="I/N"):
        Share.parse(text, 8)


def test_a_probe_sees_the_cached_features_of_each_image(examples: Examples, tmp_path: Path) -> None:
    write_images(tmp_path / "val", number=2, start=50)
    data = TrainingData(examples, examples_of(tmp_path / "val"))
    order = TrainingRequest("probe", tmp_path / "out", "data")
    make, learner = univfd.probe(order, encoding(half=False), data, "off", running())
    shown = make()
    loader = Loader(shown.train, learner.read_train, 0, TRAIN)
    batch = next(loader.batches(0, [[4, 0, 19]]))
    torch.testing.assert_close(batch.inputs, features_of(examples)[[4, 0, 19]])
    assert batch.labels.tolist() == [examples.items[place].label for place in (4, 0, 19)]
    settings = TrainingSettings(tmp_path / "state", {})
    training = Training(learner, RECIPE, (shown.train, shown.validation), settings, Processes())
    training.run(Counter())
    kept = torch.load(training.result_file, weights_only=True)
    assert {key: tuple(value.shape) for key, value in kept.items()} == {"weight": (1, 6), "bias": (1,)}
