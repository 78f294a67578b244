"""Memory of whole runs, readers included, above that of a process with the detector loaded."""

from __future__ import annotations

import os
from pathlib import Path

from measuring import MIB, bench, python, scaled, title, value
from workloads import workplace

from forenbench.testing import tiny_image

CORNER = """
from torchvision.transforms.functional import center_crop, pil_to_tensor


class Corner:
    name, version, threshold = "corner", "1", 0.5

    def prepare(self, image):
        return pil_to_tensor(center_crop(image, [8, 8])).float() / 255

    def score(self, batch):
        return batch.mean(dim=(1, 2, 3))
"""
MODEL = """
import forenbench.front.evaluation, forenbench.scoring.working
import forenbench.scoring.runner, forenbench.scoring.engines.local
import sklearn.metrics, pyarrow.parquet
from forenbench.plugins.loading import load_all
from forenbench.weights import Weights
(loaded,) = load_all(["./corner.py"], Weights())
print(loaded.detector.score(loaded.detector.prepare(__import__("PIL.Image").Image.new("RGB", (9, 9)))[None]))
"""
CROPPED = """
from forenbench.detectors._nets.pixels import IMAGENET, Preprocess


class Cropped:
    name, version, threshold = "crop{side}", "1", 0.5
    prepare = Preprocess(IMAGENET, crop={side})

    def score(self, batch):
        return batch.mean(dim=(1, 2, 3))
"""
CROPS, PERTURBATIONS = (224, 232, 240, 248, 256), ("none", *(f"crop:0.{n}" for n in range(90, 99)))
"""Five prepares and ten perturbations, cheap ones, for which 32 images take 277 MB of 8-bit values."""
HUGE = (10_000, 6_000)
"""60 megapixels."""


def write_tiny(folder: Path, images: int) -> None:
    """Write tiny PNG files: 500 that differ, and links to them."""
    originals = [folder.with_name(f"{folder.name}-{number}.png") for number in range(min(500, images))]
    for number, file in enumerate(originals):
        tiny_image(number).save(file)
    for label, name in enumerate(("0_real", "1_fake")):
        place = folder / "a" / name
        place.mkdir(parents=True)
        for number in range(images // 2):
            os.link(originals[(2 * number + label) % len(originals)], place / f"{number:06d}.png")


def peak(root: Path, dataset: str, *options: str, detectors: str = "./corner.py") -> float:
    """Run cheap detectors over a dataset; return the peak memory of the process tree in MiB."""
    run = ("run", "--detectors", detectors, "--dataset", dataset, "--out", f"out-{dataset}")
    return bench(*run, *options, folder=root).peak / MIB


def main() -> None:
    title("Peak memory of the process tree (proportional set sizes, readers included)")
    with workplace() as root:
        (root / "corner.py").write_text(CORNER)
        model = python(MODEL, folder=root).peak / MIB
        value("a process with libraries and detector loaded", model, "MiB")
        for number in (1_000, 10_000, 100_000):
            name = f"tiny{number}"
            write_tiny(root / name, scaled(number, 10))
            value(f"{number:,} images, above that", peak(root, name) - model, "MiB", "1024 MiB")
        for side in CROPS:
            (root / f"crop{side}.py").write_text(CROPPED.format(side=side))
        write_tiny(root / "tiny200", scaled(200, 10))
        detectors = ",".join(f"./crop{side}.py" for side in CROPS)
        many = peak(root, "tiny200", "--perturbations", ",".join(PERTURBATIONS), detectors=detectors)
        value("200 images, five prepares, ten perturbations, above that", many - model, "MiB", "1024 MiB")
        huge = tiny_image(1).resize(HUGE)
        huge.save(root / "tiny1000" / "a" / "0_real" / "huge.jpg", quality=90)
        value(
            "1,000 images and one of 60 megapixels, above that",
            peak(root, "tiny1000") - model,
            "MiB",
            "1024 MiB",
        )
        blurred = peak(root, "tiny1000", "--perturbations", "jpeg:75,blur:1.0") - model
        value("the same under jpeg:75 and blur:1.0, above that", blurred, "MiB", "1024 MiB")


if __name__ == "__main__":
    main()
