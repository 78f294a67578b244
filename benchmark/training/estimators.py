"""Classifiers that scikit-learn fits in one go, to features of all training images."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save

from forenbench.files.atomic import replacing

from .card import identity_of, write_card
from .examples import Examples, labels
from .feature_bank import FeatureMaker, encode_together
from .loader import TrainingBatch
from .session import Running, claimed

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from .request import TrainingData, TrainingRequest


@dataclass(frozen=True)
class Handmade:
    """Features that need no network.

    Attributes:
        make: From one RGB image to its numbers, float (d,), of one d for all images.
        name: What they are, with a version: features of another name are made anew.
        width: How many numbers an image has, at most.
        workers: Processes that decode.
    """

    make: Callable[[Image], Tensor]
    name: str
    width: int
    workers: int = 0
    half: bool = False

    @property
    def checkpoints(self) -> Mapping[str, str]:
        """Return the name in place of files."""
        return {"features": self.name}

    def prepare(self, image: Image) -> Tensor:
        """Make the features of one image."""
        return self.make(image)

    def run(self, batch: TrainingBatch) -> Tensor:
        """Return the features of a batch, float32 (n, d)."""
        return batch.inputs.float()


@dataclass(frozen=True)
class Estimator:
    """How a classifier is fitted, and what it says.

    Attributes:
        features: What it sees of an image.
        estimate: From features (n, d), labels (n,) (1 = fake) and a seed to what the classifier is made of.
        judge: From that, and features (n, d), to scores (n,); above `threshold` is fake.
        threshold: Of the scores.
        facts: What a card tells of the classifier: its kind, its settings.
    """

    features: FeatureMaker
    estimate: Callable[[NDArray[Any], NDArray[Any], int], dict[str, Tensor]]
    judge: Callable[[Mapping[str, Tensor], Tensor], Tensor]
    threshold: float = 0.5
    facts: dict[str, Any] = field(default_factory=dict)


def fit_estimator(request: TrainingRequest, how: Estimator, data: TrainingData, run: Running) -> Path:
    """Fit a classifier; return the path of its file, of tensors alone.

    Features lie on the disk meanwhile, so that a fit that was stopped goes on with those that were made.

    Raises:
        BenchError: The folder has another training, or one that runs; or the disk is full.
    """
    path = request.out / f"{request.name}.safetensors"
    facts = {"features": how.features.name, **how.facts}
    identity = identity_of(data.digests(), name=request.name, seed=request.seed, start=facts)
    with claimed(request, path, identity, run.processes, begun=request.folder.exists()) as made:
        if not made:
            train = _features(request.folder / "features" / "train", how, data.train, run)
            seen = {"accuracy": (data.train, train)}
            if others := data.validation:
                folder = request.folder / "features" / "validation"
                seen["validation_accuracy"] = (others, _features(folder, how, others, run))
            if run.processes.first:
                content = how.estimate(train, labels(data.train), request.seed)
                with replacing(path) as partial:
                    partial.write_bytes(save(content))
                found = {}
                for name, (examples, features) in seen.items():
                    scores = how.judge(content, torch.from_numpy(features)).numpy()
                    found[name] = float(np.mean((scores > how.threshold) == labels(examples)))
                write_card(path, identity, data.describe(), found, run.processes)
            run.processes.wait()
        if run.processes.first and request.folder.exists():
            shutil.rmtree(request.folder)
    return path


def _features(folder: Path, how: Estimator, examples: Examples, run: Running) -> NDArray[Any]:
    return encode_together(folder, how.features, examples, run.processes, run.advance).all_rows()
