"""LGrad's gradient pictures for training: made on the way, or kept as 8-bit PNG files as the authors did."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

from forenbench.atomic import replacing
from forenbench.detectors._nets.transformations import TRANSFORMATIONS, Transformation
from forenbench.plugins import unknown
from forenbench.sources.folder import Folder
from forenbench.types import BenchError

from . import learners
from .examples import Examples
from .learners import Learner
from .loading import Loader, in_order
from .orders import Data
from .session import Running
from .views import TRAIN, Decoded, PlainView

if TYPE_CHECKING:
    from torch import Tensor, nn

    from forenbench.weights import Weights

Facts = dict[str, Any]
_AT_ONCE = 16
_WRITERS = 4


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
        """Say where this transformation's pictures lie; another checkpoint has others."""
        made = json.dumps([repr(self.transformation.prepare), dict(self.checkpoints)], sort_keys=True)
        return root / f"{self.name}-{hashlib.sha256(made.encode()).hexdigest()[:16]}"

    def cached(self, root: Path, examples: Examples, run: Running) -> Examples:
        """Make the pictures that are not on disk yet, by the sha256 of their images; return them as examples.

        Each is made by itself, as in the official code: in a batch, its last digits depend on the others.
        Every process makes its share; a stopped run keeps what it made.
        """
        folder = self.folder(root)
        first_of = {item.sha256: place for place, item in reversed(list(enumerate(examples.items)))}
        wanted = sorted(first_of.items())
        missing = [place for sha256, place in wanted if not (folder / _file(sha256)).is_file()]
        run.processes.wait()  # all have looked before any writes: the shares are strides of one list
        self._make(folder, examples, run.processes.share(missing), run)
        run.processes.wait()
        items = [replace(item, source=Folder(folder), path=_file(item.sha256)) for item in examples.items]
        return replace(examples, items=tuple(items))

    def _make(self, folder: Path, examples: Examples, places: list[int], run: Running) -> None:
        groups = [[places[i] for i in group] for group in in_order(len(places), _AT_ONCE)]
        loader = Loader(examples, Decoded(PlainView(self.transformation.prepare)), 0, TRAIN, run.workers)
        alone, done = replace(self.transformation, at_once=1), 0
        with ThreadPoolExecutor(_WRITERS) as writers:
            for batch in loader.batches(0, groups):
                with torch.no_grad():
                    seen = batch.inputs.to(run.processes.device)
                    pictures = alone.pictures(self.network, seen).cpu()
                files = [folder / _file(examples.items[index].sha256) for index in batch.indices]
                list(writers.map(_write, files, pictures))
                done += len(files)
                run.advance(f"gradient pictures of {examples.request}", done, len(places))


def prepare(
    gradients: Gradients,
    cache: Path | None,
    data: Data,
    start: tuple[nn.Module, dict[str, Any]],
    run: Running,
) -> tuple[Callable[[], Data], Learner]:
    """Say how to make what the classifier is shown, and how it learns from that.

    Args:
        gradients: Of which network.
        cache: Folder for the pictures; None: they are made anew in every epoch.
        data: The images.
        start: The classifier as training starts, and what its card says.
        run: Who trains.
    """
    network, facts = start
    checkpoints = {**facts.get("checkpoints", {}), **gradients.checkpoints}
    facts = {**facts, "transformation": gradients.name, "checkpoints": checkpoints}
    recipe = run.recipe
    if cache is None:
        learner = learners.lgrad(recipe, network, facts, gradients.transformation, gradients.network)
        return lambda: data, learner
    return partial(_all_cached, gradients, cache, data, run), learners.lgrad_cached(recipe, network, facts)


def _all_cached(gradients: Gradients, cache: Path, data: Data, run: Running) -> Data:
    validation = data.validation and gradients.cached(cache, data.validation, run)
    return Data(gradients.cached(cache, data.train, run), validation)


def _file(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}.png"


def _write(path: Path, picture: Tensor) -> None:
    """Write one picture (3, H, W), without waiting for the disk: each can be made again."""
    with replacing(path, durable=False) as partial:
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(partial, format="PNG")
