"""Bytes read for each byte of images and checkpoints: asked of the system, and fetched from a disk."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from measuring import title, value
from safetensors.torch import save_file
from workloads import DIFFERENT, Corner, open_folder, score, workplace, write_jpegs

from forenbench.plugins.loaded import LoadedDetector
from forenbench.weights import Checkpoint, Weights


@dataclass
class Reads:
    """What was read for each byte of some files, and how long the processor took, in seconds.

    Attributes:
        asked: Of the system.
        fetched: From the disk: what the system's cache did not hold.
    """

    asked: float = 0
    fetched: float = 0
    processor: float = 0


def _counts() -> dict[str, int]:
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return {name: int(number) for name, number in (line.split(": ") for line in lines)}


@contextmanager
def reads(files: list[Path]) -> Iterator[Reads]:
    """Count what this process reads while the block runs, per byte of some files."""
    size = sum(file.stat().st_size for file in files)
    found, before, begun = Reads(), _counts(), time.process_time()
    yield found
    after = _counts()
    found.processor = time.process_time() - begun
    found.asked, found.fetched = ((after[key] - before[key]) / size for key in ("rchar", "read_bytes"))


def drop(files: list[Path]) -> None:
    """Have the system's cache let go of files."""
    os.sync()  # what is not written yet is kept
    for file in files:
        with file.open("rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def images(folder: Path, run: Path) -> tuple[Reads, Reads, Reads]:
    """Open a folder, score it for the first time, and open it again, all cold."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    drop(files)
    with reads(files) as listing:
        dataset = open_folder(folder)
    with reads(files) as scoring:
        score(dataset, [LoadedDetector(Corner(), "own")], run)
    drop(files)
    with reads(files) as again:
        open_folder(folder)
    return listing, scoring, again


def checkpoint(file: Path) -> Reads:
    """Load a checkpoint, cold."""
    drop([file])
    with reads([file]) as loading:
        Weights(paths={"any": file}).load(Checkpoint("any", file.name, "here", "none"))
    return loading


def main() -> None:
    title(f"Bytes read for each byte: {DIFFERENT} JPEGs of 1024², and checkpoints, none of it cached")
    with workplace() as root:
        images(
            write_jpegs(root / "small", DIFFERENT, 64), root
        )  # what is imported on the way is read as well
        listing, scoring, again = images(write_jpegs(root / "large", DIFFERENT, 1024), root)
        value("a first run asks the system for", listing.asked + scoring.asked, "", "2")
        value("and fetches from the disk", listing.fetched + scoring.fetched, "", "1")
        value("listing once more asks for", again.asked, "", "0")
        value("processor time: listing / listing and scoring",
              listing.processor / (listing.processor + scoring.processor), "")  # fmt: skip
        state = {f"layer{n}": torch.rand(1 << 22) for n in range(4)}
        torch.save(state, root / "new.pth")
        torch.save(state, root / "old.pth", _use_new_zipfile_serialization=False)
        save_file(state, root / "checkpoint.safetensors")
        for name in ("new.pth", "old.pth", "checkpoint.safetensors"):
            loading = checkpoint(root / name)
            value(f"{name}: asks the system for", loading.asked, "", "1")
            value("and fetches from the disk", loading.fetched, "", "1")


if __name__ == "__main__":
    main()
