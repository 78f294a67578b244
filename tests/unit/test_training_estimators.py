"""Classifiers that are fitted in one go: what they see, what they write, and how they go on after a stop."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL.Image import Image
from PIL.Image import open as open_image
from safetensors.torch import load_file
from torch import Tensor
from training_jobs import RECIPE, examples_of, write_images

from forenbench.errors import BenchError
from forenbench.training.estimators import Estimator, Handmade, fit_estimator
from forenbench.training.examples import labels
from forenbench.training.processes import Processes
from forenbench.training.request import TrainingData, TrainingRequest
from forenbench.training.session import Running

RUN = Running(RECIPE, Processes(), lambda *_: None, lambda *_: None)


def grain(image: Image) -> Tensor:
    """Return how much rows and columns of pixels differ from the next: fakes have doubled pixels."""
    values = np.array(image).astype(np.float64)
    return torch.tensor([np.abs(np.diff(values, axis=axis)).mean() for axis in (0, 1)])


def halfway(features: NDArray[Any], truth: NDArray[Any], seed: int) -> dict[str, Tensor]:
    means = [features[truth == label].mean(axis=0) for label in (0, 1)]
    return {"middle": torch.from_numpy((means[0] + means[1]) / 2), "seed": torch.tensor(seed)}


def below(content: Mapping[str, Tensor], features: Tensor) -> Tensor:
    return (content["middle"] - features).mean(dim=1)


def estimator(name: str = "grain, version 1") -> Estimator:
    return Estimator(Handmade(grain, name, 2), halfway, below, 0.0, {"kind": "halfway"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_images(tmp_path / "train", number=4)
    write_images(tmp_path / "val", number=3, start=50)
    return tmp_path


def fit(folder: Path, out: str, how: Estimator | None = None, seed: int = 0) -> Path:
    request = TrainingRequest("grain", folder / out, str(folder / "train"), seed=seed)
    data = TrainingData(examples_of(folder / "train"), examples_of(folder / "val"))
    return fit_estimator(request, how or estimator(), data, RUN)


def test_it_sees_every_image_in_order_and_is_written_as_tensors_with_a_card(folder: Path) -> None:
    path = fit(folder, "out", seed=7)
    examples = examples_of(folder / "train")
    made = [grain(open_image(folder / "train" / item.path)) for item in examples.items]
    seen = np.stack(made).astype(np.float32)
    assert path == folder / "out/grain.safetensors"
    content = load_file(path)
    assert torch.equal(content["middle"], halfway(seen, labels(examples), 7)["middle"])
    assert int(content["seed"]) == 7
    card = json.loads((folder / "out/grain.card.json").read_text())
    assert (card["accuracy"], card["validation_accuracy"]) == (1.0, 1.0)
    assert card["identity"]["start"] == {"features": "grain, version 1", "kind": "halfway"}
    assert card["data"]["train"]["images"] == {"real": 4, "fake": 4}
    assert not (folder / "out/grain.training").exists()


def test_a_fit_that_was_stopped_goes_on_with_the_features_that_it_has(folder: Path) -> None:
    def fail(*_: object) -> dict[str, Tensor]:
        raise KeyboardInterrupt

    how = estimator()
    with pytest.raises(KeyboardInterrupt):
        fit(folder, "out", Estimator(how.features, fail, how.judge, 0.0, how.facts))
    assert list((folder / "out/grain.training/features").rglob("*.safetensors"))
    unused = Handmade(lambda image: pytest.fail("made again"), how.features.name, 2)
    path = fit(folder, "out", Estimator(unused, how.estimate, how.judge, 0.0, how.facts))
    assert path.read_bytes() == fit(folder, "whole").read_bytes()


def test_other_features_are_another_training(folder: Path) -> None:
    fit(folder, "out")
    with pytest.raises(BenchError, match=r"start\.features is 'grain, version 1', not 'grain, version 2'"):
        fit(folder, "out", estimator("grain, version 2"))


def test_a_file_from_elsewhere_is_not_written_over(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out/grain.safetensors").write_bytes(b"somebody's")
    with pytest.raises(BenchError, match="without a card"):
        fit(folder, "out")
    assert (folder / "out/grain.safetensors").read_bytes() == b"somebody's"
