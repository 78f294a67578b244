"""What the benchmarks run: pictures, detectors of realistic weight, and runs that say nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from formula_images import make_array
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import center_crop, pil_to_tensor
from transformation_files import filled

from forenbench.data.catalogue import open_dataset
from forenbench.data.dataset import Dataset
from forenbench.detectors._nets.networks import resnet_50
from forenbench.perturbations import parse
from forenbench.plugins.loaded import LoadedDetector
from forenbench.plugins.loading import load_all
from forenbench.records.store import Store
from forenbench.scoring.batches import ReadRequest
from forenbench.scoring.calls import encoder_of, finished
from forenbench.scoring.engines.local import LocalEngine
from forenbench.scoring.features import FeatureCache
from forenbench.scoring.lineup import Lineup
from forenbench.scoring.numerics import Numerics
from forenbench.scoring.outcome import Reporter, Silent
from forenbench.scoring.plan import Job, RunSettings, plan
from forenbench.scoring.preparing import Reader
from forenbench.scoring.runner import run
from forenbench.types import Detector
from forenbench.weights import Weights

DIFFERENT = 32
"""Pictures that differ; the others are links to them."""
RESNET_50, WEIGHTS = "cnndetection:blur_jpg_prob0.5", "cnndetection-0.5"
SETTINGS = RunSettings([parse("none")])

Save = Callable[[int, Path], None]


@contextmanager
def workplace() -> Iterator[Path]:
    """Give a folder for everything, caches included."""
    with TemporaryDirectory() as name:
        os.environ["XDG_CACHE_HOME"] = f"{name}/cache"
        yield Path(name)


class Corner:
    """As cheap as a detector gets: the mean of the central 64 pixels."""

    version, threshold = "1", 0.5

    def __init__(self, name: str = "corner") -> None:
        self.name = name

    def prepare(self, image: Image.Image) -> Tensor:
        """Return the centre (3, 64, 64)."""
        pixels: Tensor = pil_to_tensor(center_crop(image, [64, 64]))
        return pixels.float() / 255

    def score(self, batch: Tensor) -> Tensor:
        """Map (n, 3, 64, 64) to (n,)."""
        return batch.mean(dim=(1, 2, 3))


def write_pngs(folder: Path, images: int, generators: Sequence[str] = ("a",)) -> Path:
    """Write 256×256 PNG files of smooth colours and noise, `images` for each generator, half of them real."""
    return _write(folder, images, generators, lambda seed, file: _picture("rgb256a", seed).save(file, "PNG"))


def write_jpegs(folder: Path, images: int, side: int) -> Path:
    """Write JPEG files of `side`² pixels, half of them real."""

    def save(seed: int, file: Path) -> None:
        picture = _picture("rgb640x480", seed).resize((side, side), Image.Resampling.BICUBIC)
        picture.save(file, "JPEG", quality=90)

    return _write(folder, images, ("a",), save)


def _picture(formula: str, seed: int) -> Image.Image:
    return Image.fromarray(make_array(formula, seed))


def _write(folder: Path, images: int, generators: Sequence[str], save: Save) -> Path:
    """Write few pictures, and links to them under many names; Pillow does not mind the suffix."""
    originals = folder.with_name(f"{folder.name}-originals")
    originals.mkdir(parents=True)
    different = min(DIFFERENT, images)
    for seed in range(different):
        save(seed, originals / f"{seed}.png")
    for generator, (label, name) in product(generators, enumerate(("0_real", "1_fake"))):
        place = folder / generator / name
        place.mkdir(parents=True)
        for number in range(images // 2):
            os.link(originals / f"{(2 * number + label) % different}.png", place / f"{number:06d}.png")
    return folder


def open_folder(folder: Path) -> Dataset:
    """Open a folder of labelled pictures."""
    (dataset,) = open_dataset(str(folder), data_root=Path())
    return dataset


def load_resnet(folder: Path) -> LoadedDetector:
    """Load CNNDetection with a ResNet-50 filled by formula; its file is left in `folder`."""
    file = folder / "resnet50.pth"
    torch.save({"model": dict(filled(resnet_50))}, file)
    (loaded,) = load_all([RESNET_50], Weights("published", {WEIGHTS: file}, unverified=True))
    return loaded


def load_sample(*names: str) -> list[LoadedDetector]:
    """Load detectors with the weights that come with the package."""
    return load_all(names, Weights("sample"))


def prepared(dataset: Dataset, detector: LoadedDetector) -> list[Tensor]:
    """Prepare a dataset's only test set, in the batches that a run makes of it."""
    (task,) = plan([Job(dataset, [detector])], SETTINGS)
    reader = Reader.of(Lineup([detector.detector], SETTINGS.perturbations), [task.testset.source])
    batches = []
    for batch in (batch for shard in task.shards() for batch in shard):
        paths = tuple(task.testset.samples[at].path for at in batch)
        read = reader[ReadRequest(0, paths, ("",) * len(paths), ((0, (0,)),))]
        batches += [finished(detector.detector, tensor) for _, tensor in read.tensors((0, 0))]
    return batches


def bare_loop(detector: Detector, batches: Sequence[Tensor]) -> None:
    """Do what anyone would write: the network over prepared batches, scores to numbers."""
    encoder = encoder_of(detector)
    with torch.no_grad():
        for batch in batches:
            inputs = batch if encoder is None else encoder.encode(batch)
            detector.score(inputs).tolist()


def score(
    dataset: Dataset,
    detectors: Sequence[LoadedDetector],
    root: Path,
    *,
    perturbations: Sequence[str] = ("none",),
    readers: int = 0,
    cache: FeatureCache | None = None,
    reporter: Reporter | None = None,
    numerics: Numerics | None = None,
) -> Store:
    """Do what ``bench run`` does between its preparations and its tables, into a fresh run folder."""
    settings = RunSettings([parse(name) for name in perturbations])
    store = Store(root / f"run-{len(list(root.glob('run-*')))}")
    engine = LocalEngine(numerics or Numerics(), cache, readers)
    run([Job(dataset, detectors)], settings, store, engine, reporter or Silent())
    return store
