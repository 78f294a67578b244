"""Durall's classifiers: fitted by scikit-learn as the notebooks do, kept as tensors, scored without it."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL.Image import Image
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from training_jobs import examples_of, write_images

from forenbench.data.catalogue import open_dataset
from forenbench.detectors._nets.fitted_classifiers import decision
from forenbench.detectors._nets.radial_spectrum import FEATURES
from forenbench.detectors.durall import KINDS, NOTEBOOKS, PUBLISHED, Durall
from forenbench.errors import BenchError
from forenbench.images import decode
from forenbench.testing import check_detector
from forenbench.training.durall import durall_estimator
from forenbench.training.estimators import fit_estimator
from forenbench.training.processes import Processes
from forenbench.training.recipes import LGRAD
from forenbench.training.request import TrainingData, TrainingRequest
from forenbench.training.session import Running
from forenbench.types import Advance, Detector
from forenbench.weights import Weights, WrongWeights

OFFICIAL = {
    ("faces-hq", "svm-rbf"): SVC(C=3.1, kernel="rbf", gamma=0.00002),
    ("celeba", "svm-rbf"): SVC(C=6.37, kernel="rbf", gamma=0.86),
    ("ffpp", "svm-rbf"): SVC(C=6.37, kernel="rbf", gamma=0.86),
    ("celeba", "svm-linear"): SVC(kernel="linear"),
    ("celeba", "svm-poly"): SVC(kernel="poly", gamma="auto"),
    ("celeba", "logistic"): LogisticRegression(solver="liblinear", max_iter=1000),
}
"""As the cells of the notebooks have them, with the default of 2019 for the gamma that they leave out."""


def spectra(features: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw features of the real ones' size, of two overlapping kinds."""
    random, points = np.random.default_rng(3), FEATURES[features].points
    truth = np.arange(60) % 2
    made = 0.5 + 0.05 * random.standard_normal((60, points)) + 0.02 * truth[:, None]
    return (made * (1 if FEATURES[features].relative else 240)).astype(np.float32), truth


@pytest.mark.parametrize(("features", "classifier"), OFFICIAL)
def test_tensors_say_what_scikit_learns_own_decision_function_says(features: str, classifier: str) -> None:
    how, (given, truth) = durall_estimator(features, classifier, 0), spectra(features)
    content = how.estimate(given, truth, 0)
    assert content.keys() == set(KINDS[classifier])
    others = torch.from_numpy(given[::-1] * np.float32(1.01))
    official = OFFICIAL[features, classifier].fit(given, truth).decision_function(others.numpy())
    assert decision(content, others).tolist() == pytest.approx(official.tolist(), rel=1e-6, abs=1e-6)
    judged = how.judge(content, others).numpy() > how.threshold
    assert np.array_equal(judged, official > 0)  # the second class, fakes, is on the positive side


@pytest.mark.parametrize("classifier", ["svm-poly", "logistic"])
def test_a_fit_that_was_stopped_ends_with_the_same_bytes(tmp_path: Path, classifier: str) -> None:
    write_images(tmp_path / "train", number=4)
    data = TrainingData(examples_of(tmp_path / "train"))

    def fit(out: str, advance: Advance) -> bytes:
        request = TrainingRequest("radial", tmp_path / out, str(tmp_path / "train"))
        run = Running(LGRAD, Processes(), lambda *_: None, advance)
        return fit_estimator(request, durall_estimator("celeba", classifier, 0), data, run).read_bytes()

    def stop(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit("cut", stop)
    assert fit("cut", lambda *_: None) == fit("whole", lambda *_: None)


def own(tmp_path: Path, variant: str, content: dict[str, torch.Tensor]) -> Weights:
    save_file(content, tmp_path / "own.safetensors")
    return Weights(paths={f"durall-{variant}": tmp_path / "own.safetensors"})


def fitted(features: str, classifier: str) -> dict[str, Any]:
    return durall_estimator(features, classifier, 0).estimate(*spectra(features), 0)


@pytest.fixture(scope="module")
def images() -> list[tuple[Image, int]]:
    (sample,) = open_dataset("sample", data_root=Path(), generators=["nearest"])
    ((source, samples),) = ((one.source, one.samples) for one in sample.testsets)
    return [(decode(source.read(one.path)), one.label) for one in samples]


@pytest.mark.slow
@pytest.mark.parametrize(("features", "classifier"), [("faces-hq", "svm-linear"), ("ffpp", "logistic")])
def test_detectors_keep_the_contract(
    tmp_path: Path, images: list[tuple[Image, int]], features: str, classifier: str
) -> None:
    how, variant = durall_estimator(features, classifier, 0), f"{features}-{classifier}-4class"
    given = torch.stack([how.features.prepare(image) for image, _ in images]).numpy()
    content = how.estimate(given, np.array([label for _, label in images]), 0)
    detector: Detector = Durall(variant, own(tmp_path, variant, content))
    assert (detector.name, detector.threshold) == (f"durall:{variant}", 0.5 * (classifier == "logistic"))
    assert [result for result in check_detector(detector) if result.problem] == []


def test_a_classifier_stays_on_the_cpu_in_double_precision_whatever_the_device(tmp_path: Path) -> None:
    content, variant = fitted("celeba", "logistic"), "celeba-logistic-4class"
    # "meta" keeps shapes alone: what went there would be lost.
    found = Durall(variant, replace(own(tmp_path, variant, content), device="meta")).content
    assert all(torch.equal(found[name], content[name].double()) for name in content)


@pytest.mark.parametrize("classifier", ["svm-linear", "svm-poly"])
def test_another_classifiers_file_is_refused(tmp_path: Path, classifier: str) -> None:
    for content in (fitted("celeba", classifier), fitted("ffpp", "svm-rbf")):
        with pytest.raises(
            WrongWeights, match="support_vectors, dual_coef, intercept, gamma for 80 features"
        ):
            Durall("celeba-svm-rbf-4class", own(tmp_path, "celeba-svm-rbf-4class", content))


def test_every_pair_of_the_notebooks_has_a_variant_and_features_travel_to_other_processes() -> None:
    pairs = {f"{features}-{one}-4class" for features, some in NOTEBOOKS.items() for one in some}
    assert pairs < set(PUBLISHED)
    assert set(PUBLISHED) - pairs == {"celeba-svm-rbf-1class", "celeba-svm-rbf-2class"}
    assert pickle.loads(pickle.dumps(FEATURES)) == FEATURES


@pytest.mark.parametrize(
    ("features", "classifier", "message"),
    [("celebahq", "svm-rbf", "features 'celebahq'"), ("celeba", "svm", "classifier 'svm'")],
)
def test_what_there_is_not_is_named(features: str, classifier: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        durall_estimator(features, classifier, 0)
