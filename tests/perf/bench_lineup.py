"""A line-up of twelve detectors: what they share of preparing, and what heads share of one encoder."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from measuring import alternately, ratio, scaled, title, value
from published_keys import flat, wrapped
from transformation_files import filled_as_published
from workloads import DIFFERENT, open_folder, score, workplace, write_jpegs, write_pngs

from forenbench.perturbations import parse
from forenbench.plugins.installed import find
from forenbench.plugins.loading import load_all
from forenbench.scoring.batches import ReadRequest
from forenbench.scoring.lineup import Lineup
from forenbench.scoring.preparing import Reader
from forenbench.types import Detector
from forenbench.weights import Weights

TWELVE = (
    "cnndetection:blur_jpg_prob0.5",
    "univfd:lc",
    "rine:4class",
    "d3:crop",
    "npr:squash256",
    "freqnet:squash256",
    "ladeda:wildrf",
    "safe:crop256",
    "commfor:vit-s-224",
    "dda:coco",
    "bfree:dino2reg4",
    "corvi:latent",
)
HEADS = ("univfd:lc", "rine:1class", "rine:2class", "rine:4class", "rine:ldm-crop")
ROUNDS = 3


def published(requests: tuple[str, ...], folder: Path) -> Weights:
    """Write the files that detectors need in their published formats: CLIP's random, the others' constant."""
    paths = {}
    for request in requests:
        name, _, variant = request.partition(":")
        for one in find(name).needs(variant):
            paths[one.name] = folder / f"{one.name}.pth"
            state = (filled_as_published if one.name == "clip-vit-l14" else flat)(one.name)
            torch.save(wrapped(one.name, one.key, state), paths[one.name])
    return Weights("published", paths, unverified=True)


def prepare(detectors: list[Detector], folder: Path) -> None:
    """Read and prepare all pictures of a folder for detectors, in this process."""
    dataset = open_folder(folder)
    (testset,) = dataset.testsets
    lineup = Lineup(detectors, [parse("none")])
    reader = Reader.of(lineup, [testset.source])
    paths = tuple(sample.path for sample in testset.samples)
    reader[ReadRequest(0, paths, ("",) * len(paths), lineup.wanted([(0, range(len(detectors)))]))]


def main() -> None:
    title("Twelve detectors prepare JPEGs of 1024²")
    with workplace() as root:
        folder = write_jpegs(root / "jpegs", scaled(DIFFERENT, 8), 1024)
        twelve = [one.detector for one in load_all(TWELVE, published(TWELVE, root))]
        value("distinct inputs", len(set(Lineup(twelve, [parse("none")]).prepares())), "of 12")

        def separately() -> None:
            for one in twelve:
                prepare([one], folder)

        seconds = alternately(ROUNDS, {"together": partial(prepare, twelve, folder), "separate": separately})
        ratio("twelve one by one / together", seconds["separate"], seconds["together"])
    title("Five heads on one CLIP ViT-L/14 (PNGs of 256²)")
    with workplace() as root:
        dataset = open_folder(write_pngs(root / "pngs", scaled(16, 4)))
        heads = load_all(HEADS, published(HEADS, root))
        seconds = alternately(
            ROUNDS,
            {
                name: partial(score, dataset, chosen, root)
                for name, chosen in (("one", heads[:1]), ("five", heads))
            },
        )
        ratio("five heads / one", seconds["five"], seconds["one"], "1.1")


if __name__ == "__main__":
    main()
