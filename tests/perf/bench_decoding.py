"""Detectors × perturbations in one run against a run for each: time, and how often files are decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

from measuring import alternately, ratio, scaled, title, value
from workloads import Corner, load_sample, open_folder, score, workplace, write_jpegs

from forenbench.data.dataset import Dataset
from forenbench.plugins.loaded import LoadedDetector
from forenbench.types import FileSource, Stamp

ROUNDS = 2
PERTURBATIONS = ("none", "jpeg:75", "blur:1.0", "resize:0.5", "crop:0.5", "noise:4")


@dataclass
class Counted:
    """A source that counts; every file that is read is decoded."""

    source: FileSource
    read_files: int = 0

    def read(self, path: str) -> bytes:
        """Return one file's bytes."""
        self.read_files += 1
        return self.source.read(path)

    def stamps(self, paths: Sequence[str]) -> dict[str, Stamp]:
        """Look at files."""
        return self.source.stamps(paths)


def together(dataset: Dataset, detectors: Sequence[LoadedDetector], root: Path) -> None:
    """Run everything at once."""
    score(dataset, detectors, root, perturbations=PERTURBATIONS)


def separately(dataset: Dataset, detectors: Sequence[LoadedDetector], root: Path) -> None:
    """Run each cell alone."""
    for detector, perturbation in product(detectors, PERTURBATIONS):
        score(dataset, [detector], root, perturbations=[perturbation])


def main() -> None:
    title(f"Three detectors × {len(PERTURBATIONS)} perturbations over JPEGs of 1024²")
    with workplace() as root:
        opened = open_folder(write_jpegs(root / "jpegs", scaled(48, 4), 1024))
        (testset,) = opened.testsets
        source = Counted(testset.source)  # type: ignore[arg-type]
        dataset = replace(opened, testsets=(replace(testset, source=source),))
        corners = [LoadedDetector(Corner("one"), "own"), LoadedDetector(Corner("two"), "own")]
        detectors = [*corners, *load_sample("univfd:lc")]
        decoded = {}
        for one in (together, separately):
            before = source.read_files
            one(dataset, detectors, root)
            decoded[one] = (source.read_files - before) / len(testset.samples)
        tasks = {one.__name__: partial(one, dataset, detectors, root) for one in (together, separately)}
        seconds = alternately(ROUNDS, tasks)
        value("decodings of each file, one run", decoded[together], "", "1")
        value("decodings of each file, a run for each cell", decoded[separately], "")
        ratio("a run for each cell / one run", seconds["separately"], seconds["together"])


if __name__ == "__main__":
    main()
