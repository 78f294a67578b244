"""LGrad's gradient pictures: kept as 8-bit PNG files as the authors did, or computed during training."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from rich.filesize import decimal

from forenbench.data.sources.folder import Folder
from forenbench.detectors._nets.transformations import TRANSFORMATIONS, Transformation
from forenbench.errors import BenchError, unknown
from forenbench.files.atomic import replacing

from . import learners
from .examples import Examples
from .learners import Learner
from .loader import Loader, in_order
from .randomness import TRAIN
from .room import require_room
from .session import Running
from .views import Decoded, PlainView

if TYPE_CHECKING:
    from torch import Tensor, nn

    from forenbench.weights import Weights

    from .request import TrainingData

_AT_ONCE = 16
_WRITERS = 4
_PNG_HEAD = 8
"""Bytes of the signature before a PNG file's first chunk."""


@dataclass(frozen=True, slots=True)
class Pictures(Folder):
    """PNG files that we wrote. Every chunk's checksum is compared, which decoders do not do."""

    def read(self, path: str) -> bytes:
        """Return one file's bytes.

        Raises:
            OSError: The file cannot be read, or is not what was written.
        """
        data = Folder.read(self, path)
        # Chunks: length, kind, content, CRC-32 of kind and content
        # (PNG specification, section 5.3); IEND ends them.
        start, kind, sound = _PNG_HEAD, b"", True
        while start < len(data) and sound:
            end = start + 8 + int.from_bytes(data[start : start + 4], "big")
            kind = data[start + 4 : start + 8]
            sound = zlib.crc32(data[start + 4 : end]) == int.from_bytes(data[end : end + 4], "big")
            start = end + 4
        if not sound or kind != b"IEND" or start != len(data):
            raise OSError(f"'{self.root / path}' is damaged; remove it, and the same command makes it anew")
        return data


@dataclass(frozen=True)
class Gradients:
    """A transformation with its network loaded.

    Attributes:
        name: In `TRANSFORMATIONS`.
        transformation: How images become gradient pictures.
        network: What is differentiated; None where the picture is the image itself.
        checkpoints: sha256 of the files behind the network.
    """

    name: str
    transformation: Transformation
    network: nn.Module | None
    checkpoints: Mapping[str, str]

    @classmethod
    def of(cls, name: str, weights: Weights) -> Gradients:
        """Load a transformation by name.

        Raises:
            BenchError: There is none of this name.
            MissingWeights: Its file is not on this machine.
            WrongWeights: The file holds something else.
        """
        if name not in TRANSFORMATIONS:
            raise BenchError(unknown("transformation", name, TRANSFORMATIONS))
        with weights.recording() as used:
            network = TRANSFORMATIONS[name].load(weights)
        return cls(name, TRANSFORMATIONS[name], network, dict(used))

    def folder(self, root: Path) -> Path:
        """Return the folder of this transformation's pictures; each checkpoint has a folder of its own."""
        # Not the number made at once: pictures for training are always made one by one.
        made = json.dumps([repr(self.transformation.prepare), dict(self.checkpoints)], sort_keys=True)
        return root / f"{self.name}-{hashlib.sha256(made.encode()).hexdigest()[:16]}"

    @property
    def alone(self) -> Transformation:
        """The transformation one image at a time: in a batch, the last digits depend on the others."""
        return replace(self.transformation, at_once=1)

    def missing(self, root: Path, examples: Examples) -> list[int]:
        """List one index for each image whose picture is not on disk yet, in the order of their sha256."""
        # Equal files have one picture between them; it is the first of them that is read.
        first_of = {item.sha256: index for index, item in reversed(list(enumerate(examples.items)))}
        folder = self.folder(root)
        return [index for sha, index in sorted(first_of.items()) if not (folder / _file(sha)).is_file()]

    def cached(self, root: Path, examples: Examples, run: Running) -> Examples:
        """Make the pictures that are not on disk yet, each by itself, and return all of them as examples.

        Every process makes its share; a stopped run keeps what it made.
        """
        folder, missing = self.folder(root), self.missing(root, examples)
        run.processes.wait()  # all have looked before any writes: the shares are strides of one list
        mine, done = run.processes.share(missing), 0
        loader = Loader(examples, Decoded(PlainView(self.transformation.prepare)), 0, TRAIN, run.workers)
        groups = [[mine[i] for i in group] for group in in_order(len(mine), _AT_ONCE)]
        with ThreadPoolExecutor(_WRITERS) as writers:
            for batch in loader.batches(0, groups):
                with torch.no_grad():
                    seen = batch.inputs.to(run.processes.device)
                    pictures = self.alone.pictures(self.network, seen).cpu()
                files = [folder / _file(examples.items[index].sha256) for index in batch.indices]
                list(writers.map(_write, files, pictures))
                done += len(files)
                run.advance(f"gradient pictures of {examples.request}", done, len(mine))
        run.processes.wait()
        items = [replace(item, source=Pictures(folder), path=_file(item.sha256)) for item in examples.items]
        return replace(examples, items=tuple(items))


def prepare(
    gradients: Gradients,
    cache: Path | None,
    data: TrainingData,
    start: tuple[nn.Module, dict[str, Any]],
    run: Running,
) -> tuple[Callable[[], TrainingData], Learner]:
    """Return what makes the classifier's images, and the learner that is trained on them.

    Args:
        gradients: Of which network.
        cache: Folder for the pictures; None: they are made anew in every epoch, and are the same ones.
        data: The images.
        start: The classifier as training starts, and what its card says.
        run: Who trains.
    """
    network, facts = start
    checkpoints = {**facts.get("checkpoints", {}), **gradients.checkpoints}
    facts = {**facts, "transformation": gradients.name, "checkpoints": checkpoints}
    recipe = run.recipe
    if cache is None:
        learner = learners.lgrad(recipe, network, facts, gradients.alone, gradients.network)
        return lambda: data, learner
    return partial(_all_cached, gradients, cache, data, run), learners.lgrad_cached(recipe, network, facts)


def cache_of(option: str, name: str, out: Path) -> Path | None:
    """Return the folder where a training keeps its pictures; None if it keeps none.

    Args:
        option: A folder; "off" for none; empty: beside the checkpoint, but for a transformation without a
            network, whose pictures cost less to make than to keep.
        name: Of the transformation.
        out: Where the checkpoint goes.
    """
    if option:
        return None if option == "off" else Path(option)
    return out / "gradients" if TRANSFORMATIONS[name].model else None


def _all_cached(gradients: Gradients, cache: Path, data: TrainingData, run: Running) -> TrainingData:
    """Report the space that the pictures will take on the disk, then make them.

    Raises:
        BenchError: There is less room.
    """
    both = [examples for examples in (data.train, data.validation) if examples is not None]
    number = sum(len(gradients.missing(cache, examples)) for examples in both)
    needed = number * _largest(gradients.transformation.prepare.resize or 0)
    others = (
        "--gradient-cache names another folder; with --gradient-cache off they are made anew in each of "
        f"{run.recipe.epochs} epochs"
    )
    free = require_room(cache, needed, f"{number:,} gradient pictures", others)
    if number:
        run.note(
            f"{number:,} gradient pictures are to be made, once: at most {decimal(needed)} in {cache}/, "
            f"where {decimal(free)} are free. They stay for other trainings. {others}."
        )
    run.processes.wait()  # all have looked at the room before any takes some
    validation = data.validation and gradients.cached(cache, data.validation, run)
    return replace(data, train=gradients.cached(cache, data.train, run), validation=validation)


def _largest(side: int) -> int:
    """Return how many bytes the PNG file of a square picture has at most."""
    # One byte more than its pixels a row; the overhead of blocks that cannot be compressed, for gradients may
    # be next to noise; and the block of the disk that it ends in.
    raw = side * (3 * side + 1)
    return raw + raw // 500 + 4096


def _file(sha256: str) -> str:
    # Folders of two digits: ForenSynths has 720,120 training images, and a folder of so many is slow to list.
    return f"{sha256[:2]}/{sha256}.png"


def _write(path: Path, picture: Tensor) -> None:
    """Write one picture (3, H, W), without waiting for the disk: each can be made again."""
    with replacing(path, durable=False) as partial:
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(partial, format="PNG")
