"""LGrad's gradient pictures: kept as 8-bit PNG files as the authors did, or computed during training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forenbench.detectors._nets.transformations import TRANSFORMATIONS, PictureMaker, Transformation
from forenbench.errors import BenchError, unknown

from . import learners
from .learners import Learner
from .picture_cache import PictureCache, fill
from .session import Running

if TYPE_CHECKING:
    from torch import nn

    from forenbench.weights import Weights

    from .request import TrainingData


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

    def cache(self, root: Path) -> PictureCache:
        """Return where this transformation's pictures lie; each checkpoint has a folder of its own."""
        # Not the number made at once: pictures for training are always made one by one.
        of = [PictureMaker.version, repr(self.transformation.prepare), dict(self.checkpoints)]
        made = json.dumps(of, sort_keys=True)
        name = f"{self.name}-{hashlib.sha256(made.encode()).hexdigest()[:16]}"
        # Every transformation squashes to a square: pictures of all images take the same room.
        prepare, make = self.transformation.prepare, partial(self.alone.pictures, self.network)
        return PictureCache(root, name, "gradient pictures", prepare, make, prepare.resize or 0)

    @property
    def alone(self) -> Transformation:
        """The transformation one image at a time: in a batch, the last digits depend on the others."""
        return replace(self.transformation, on_cpu=1, on_gpu=1)


def prepare(
    gradients: Gradients,
    cache: Path | None,
    data: TrainingData,
    start: tuple[nn.Module, dict[str, Any]],
    run: Running,
) -> tuple[Callable[[], TrainingData], Learner]:
    """Return what makes the classifier's images, and the learner that is trained on them.

    The former raises BenchError where the disk has too little room for the pictures.

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
    # Either way, what is learned from is the same, and so is the identity of the training.
    if cache is None:
        learner = learners.lgrad(recipe, network, facts, gradients.alone, gradients.network)
        return lambda: data, learner

    def cached() -> TrainingData:
        otherwise = (
            "choose another folder for the gradient cache; with 'off' they are made anew in each of "
            f"{recipe.epochs} epochs"
        )
        both = [examples for examples in (data.train, data.validation) if examples is not None]
        made = fill([(gradients.cache(cache), examples) for examples in both], otherwise, run)
        return replace(data, train=made[0], validation=made[1] if data.validation else None)

    return cached, learners.lgrad_cached(recipe, network, facts)


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
