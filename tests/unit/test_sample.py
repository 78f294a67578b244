"""The `sample` dataset: photographs, generators, and the folder made from both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from itertools import product
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
import torch
from caches import cache_with_sample
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file

from forenbench.data.catalogue import open_dataset
from forenbench.data.descriptions import specs
from forenbench.data.sources.folder import find_samples
from forenbench.data.testsets import describe
from forenbench.detectors._nets.small import small_discriminator, small_resnet
from forenbench.errors import BenchError
from forenbench.files.forked import most
from forenbench.sample import build as building
from forenbench.sample import photographs as photos
from forenbench.sample.build import EXTENTS, Extent, build
from forenbench.sample.fakes import WEIGHTS, as_tensor, generate, load_generator
from forenbench.sample.generators import FAMILIES
from forenbench.sample.learning import RECIPES, train_generators
from forenbench.sample.photographs import PHOTOGRAPHS, SIZE, SPLITS, crop, draw, is_flat, photographs

CHELSEA, FLOWER = (one for one in PHOTOGRAPHS if one.name in ("chelsea", "flower"))
SMALL = Extent(tuple(FAMILIES), 1)


def pixels(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image, dtype=np.float64)


def psnr(one: Image.Image, other: Image.Image) -> float:
    return float(10 * np.log10(255**2 / np.square(pixels(one) - pixels(other)).mean()))


def blocking(image: Image.Image) -> float:
    """How much larger steps across an 8×8 grid are than other steps, at the grid's most telling position."""
    grey = pixels(image.convert("L"))
    ratios = []
    for steps in (np.abs(np.diff(grey, axis=1)).mean(axis=0), np.abs(np.diff(grey, axis=0)).mean(axis=1)):
        phases = np.array([steps[phase::8].mean() for phase in range(8)])
        ratios.append(phases.max() / np.median(phases))
    return float(np.mean(ratios))


def as_jpeg(image: Image.Image) -> Image.Image:
    file = BytesIO()
    image.save(file, "JPEG", quality=60)
    return Image.open(file).convert("RGB")


def all_crops(split: str) -> Iterator[Image.Image]:
    for family in EXTENTS[split].families:
        for photograph in photographs(split):
            yield from (crop(photograph, family, number) for number in range(EXTENTS[split].crops))


def without_most_photographs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(photos, "PHOTOGRAPHS", (CHELSEA, FLOWER))


@pytest.fixture
def _two_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    without_most_photographs(monkeypatch)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every family, of two photographs."""
    folder = tmp_path_factory.mktemp("sample")
    with pytest.MonkeyPatch.context() as patch:
        without_most_photographs(patch)
        build(folder, extent=SMALL)
    return folder


@pytest.mark.slow
def test_the_dataset_that_runs_score_holds_what_the_builder_makes(dataset: Path) -> None:
    """It may have been made long ago: runs take the files that are there."""
    (kept,) = open_dataset("sample", data_root=dataset)
    made = {str(path.relative_to(dataset / "test")): path.read_bytes() for path in dataset.rglob("*.png")}
    assert len(made) == 2 * 2 * len(FAMILIES)
    assert {path: kept.testsets[0].source.read(path) for path in made} == made


def test_of_caches_that_share_the_dataset_one_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests run in several processes with a cache each, and some have another one for themselves."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none"))
    caches = [cache_with_sample(tmp_path / name, otherwise=tmp_path / "shared") for name in ("a", "b")]
    monkeypatch.setenv("XDG_CACHE_HOME", str(caches[1]))
    caches.append(cache_with_sample(tmp_path / "c"))
    first, *others = (next(cache.rglob("*.lock")) for cache in caches)
    with FileLock(first):
        for lock in others:
            with pytest.raises(Timeout):
                FileLock(lock).acquire(timeout=0)


def test_a_changed_photograph_is_named_with_both_digests_and_the_way_out() -> None:
    changed = replace(CHELSEA, sha256="0" * 64)
    with pytest.raises(BenchError, match="install scikit-image again") as caught:
        photos.load(changed)
    message = str(caught.value)
    assert "chelsea.png" in message
    assert CHELSEA.sha256 in message
    assert changed.sha256 in message


def test_a_missing_photograph_is_named() -> None:
    with pytest.raises(BenchError, match=r"gone\.png is missing"):
        photos.load(replace(CHELSEA, file="gone.png"))


def test_an_unknown_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no split 'tset'; choose one of: train, test"):
        build(tmp_path, split="tset")


def test_no_photograph_is_on_both_sides() -> None:
    sides = [{photograph.sha256 for photograph in photographs(split)} for split in SPLITS]
    assert not sides[0] & sides[1]
    motorcycles = {photograph.split for photograph in PHOTOGRAPHS if "motorcycle" in photograph.name}
    assert len(motorcycles) == 1


@pytest.mark.parametrize("photograph", PHOTOGRAPHS, ids=lambda photograph: photograph.name)
def test_every_photograph_is_in_colour_and_large_enough(photograph: photos.Photograph) -> None:
    image = photos.load(photograph)
    assert np.ptp(pixels(image), axis=2).mean() > 3
    assert photograph.scales[0] * min(image.size) >= SIZE


@pytest.mark.slow
def test_crops_are_distinct_and_of_one_size() -> None:
    crops = list(all_crops("test"))
    assert {(image.size, image.mode) for image in crops} == {((SIZE, SIZE), "RGB")}
    assert len({image.tobytes() for image in crops}) == len(crops) >= 200


def test_a_crop_depends_on_its_arguments_alone() -> None:
    first = crop(CHELSEA, "nearest", 3)
    crop(CHELSEA, "vae", 0)
    assert crop(CHELSEA, "nearest", 3) == first


def test_crops_that_show_nothing_are_rejected() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    assert not is_flat(Image.fromarray(noise))
    assert is_flat(Image.new("RGB", (SIZE, SIZE), (40, 90, 160)))
    noise[: SIZE // 4] = 0
    assert is_flat(Image.fromarray(noise))


def test_reals_have_no_jpeg_grid() -> None:
    crops = [crop(photograph, "blocking", 0) for photograph in PHOTOGRAPHS]
    plain = np.mean([blocking(image) for image in crops])
    assert plain < 1.1
    assert np.mean([blocking(as_jpeg(image)) for image in crops]) > plain + 0.1


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_fake_resembles_its_photograph(family: str) -> None:
    generator = load_generator(family)
    real = crop(CHELSEA, "test", 0)
    fake = generate(generator, real, seed=1)
    assert (fake.size, fake.mode) == (real.size, real.mode)
    assert 18 < psnr(fake, real) < 45
    assert generate(generator, real, seed=1) == fake


def test_only_random_families_depend_on_the_seed() -> None:
    real = draw(CHELSEA, np.random.default_rng(0), 64)
    nets = {family: load_generator(family) for family in FAMILIES}
    random = {family for family, net in nets.items() if generate(net, real, 1) != generate(net, real, 2)}
    assert random == {"blurred", "vae", "diffusion"}


@pytest.mark.slow
def test_labels_are_paired_and_stored_alike(dataset: Path) -> None:
    """Photographs carry colour profiles: as metadata of the reals alone they would tell the labels apart."""
    names, formats = {}, set()
    for family, label in product(SMALL.families, ("0_real", "1_fake")):
        files = sorted((dataset / "test" / family / label).iterdir())
        names[family, label] = [file.name for file in files]
        for file in files:
            with Image.open(file) as image:
                formats.add((image.format, image.mode, image.size, tuple(image.info)))
    assert all(names[family, "0_real"] == names[family, "1_fake"] for family in SMALL.families)
    assert formats == {("PNG", "RGB", (SIZE, SIZE), ())}


def test_crops_of_a_photograph_have_it_for_their_origin(dataset: Path) -> None:
    found = describe(specs()["sample"], find_samples(dataset / "test").samples)
    names = {photograph.name for photograph in photographs("test")}
    assert {sample.origin for sample in found} <= names
    assert all(sample.path.rpartition("/")[2].startswith(f"{sample.origin}_") for sample in found)


@pytest.mark.slow
def test_the_same_bytes_every_time(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With whatever threads and processes; an image does not depend on what is made beside it."""
    monkeypatch.setattr(photos, "PHOTOGRAPHS", (FLOWER,))
    monkeypatch.setattr(building, "_PAIRS_EACH", 1)  # in as many processes as there are cores
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        build(tmp_path, extent=SMALL)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    again = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.png")}
    assert len(again) == 2 * len(FAMILIES)
    assert again == {path: (dataset / path).read_bytes() for path in again}


@pytest.mark.usefixtures("_two_photographs")
def test_progress_reaches_the_end(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    build(tmp_path, lambda done, total: seen.append((done, total)), extent=Extent(("superres",), 2))
    assert seen == [(2 * count, 8) for count in range(1, 5)]


@pytest.mark.usefixtures("_two_photographs")
def test_an_interrupted_build_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "_PAIRS_EACH", 2)
    at_work = []

    def interrupt(done: int, total: int) -> None:
        at_work.append(len(active_children()))
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        build(tmp_path, interrupt, extent=Extent(("superres",), 3))
    assert list(tmp_path.iterdir()) == []
    assert at_work[0] == (0 if most() == 1 else min(most(), 3))
    assert active_children() == []
    del caught  # until now, for it holds what the build would leave to the collection of garbage


def test_a_finished_build_is_kept(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "load_generator", lambda *_: pytest.fail("made again"))
    build(dataset, extent=SMALL)


@pytest.mark.usefixtures("_two_photographs")
def test_the_loser_of_a_race_keeps_the_winners_folder(tmp_path: Path) -> None:
    extent = Extent(("superres",), 1)

    def overtake(done: int, total: int) -> None:
        (tmp_path / "test" / "superres").mkdir(parents=True, exist_ok=True)

    build(tmp_path, overtake, extent=extent)
    assert [path.name for path in tmp_path.iterdir()] == ["test"]


def test_shipped_files_are_small_and_complete() -> None:
    names = {path.stem for path in WEIGHTS.glob("*.safetensors")}
    made = {*FAMILIES, "nearest_discriminator"}
    assert made <= names
    assert sum((WEIGHTS / f"{name}.safetensors").stat().st_size for name in made) < 3_000_000


@pytest.mark.slow
def test_training_is_reproducible_and_writes_what_build_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "nearest", replace(RECIPES["nearest"], steps=3, alone=0.4))
    seen: list[tuple[str, int, int]] = []
    for run in ("one", "two"):
        train_generators(
            tmp_path / run,
            families=["nearest"],
            report=lambda family, step, steps, losses: seen.append((family, step, steps)),
        )
    assert seen == [("nearest", step, 3) for step in (1, 2, 3)] * 2
    for name in ("nearest", "nearest_discriminator"):
        one, two = (load_file(tmp_path / run / f"{name}.safetensors") for run in ("one", "two"))
        assert all(torch.equal(one[key], two[key]) for key in one)
        assert {tensor.dtype for tensor in one.values()} == {torch.float16}
    image = draw(CHELSEA, np.random.default_rng(0), 64)
    assert generate(load_generator("nearest", tmp_path / "one"), image, 0).size == (64, 64)


def test_the_discriminator_judges_each_image_alone() -> None:
    net = small_discriminator().eval()
    net.load_state_dict(load_file(WEIGHTS / "nearest_discriminator.safetensors"))
    batch = as_tensor([draw(CHELSEA, np.random.default_rng(seed), 48) for seed in range(3)])
    scores = net(batch)
    assert scores.shape == (3,)
    torch.testing.assert_close(scores, torch.cat([net(image[None]) for image in batch]), rtol=1e-4, atol=1e-5)
    assert net(torch.zeros(1, 3, 16, 33)).shape == (1,)


@pytest.mark.parametrize("size", [(32, 32), (57, 91)])
def test_the_small_resnet_takes_any_size(size: tuple[int, int]) -> None:
    net = small_resnet().eval()
    assert net(torch.zeros(2, 3, *size)).shape == (2, 1)
    assert sum(parameter.numel() for parameter in net.parameters()) < 800_000
