"""Durall's classifiers, as the authors' notebooks set them, on radial spectra."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from forenbench.detectors._nets.fitted_classifiers import decision, of_machine, of_regression
from forenbench.detectors._nets.radial_spectrum import FEATURES
from forenbench.errors import BenchError, unknown

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from .estimators import Estimator

_VERSION = 1
"""Of the features: raise it when their numbers change."""

CLASSIFIERS = ("svm-rbf", "svm-linear", "svm-poly", "logistic")


def durall_estimator(features: str, classifier: str, workers: int) -> Estimator:
    """Describe how one of the classifiers is fitted to one kind of features.

    Args:
        features: In `FEATURES`.
        classifier: In `CLASSIFIERS`.
        workers: Processes that decode.

    Raises:
        BenchError: There are no such features, or no such classifier.
    """
    from .estimators import Estimator, Handmade  # here, for it imports half of the harness

    if features not in FEATURES:
        raise BenchError(unknown("features", features, FEATURES))
    if classifier not in CLASSIFIERS:
        raise BenchError(unknown("classifier", classifier, CLASSIFIERS))
    spectrum = FEATURES[features]
    # What a notebook passes to scikit-learn, or left to its defaults of 2019; what is not named is the same
    # today as it was then. No features are standardised in any of them. Faces-HQ's are not divided by the
    # first one, and are a hundred times as large.
    penalty, gamma = (3.1, 2e-5) if features == "faces-hq" else (6.37, 0.86)
    every: dict[str, dict[str, Any]] = {
        "svm-rbf": {"kernel": "rbf", "C": penalty, "gamma": gamma},
        "svm-linear": {"kernel": "linear"},
        # "auto" was the default until scikit-learn 0.22, as warnings stored in the notebooks say: one over
        # the number of features.
        "svm-poly": {"kernel": "poly", "gamma": 1 / spectrum.points},
        "logistic": {"solver": "liblinear", "max_iter": 1000},
    }
    settings = every[classifier]
    made = Handmade(spectrum, f"radial spectrum '{features}', version {_VERSION}", spectrum.points, workers)
    facts = {"classifier": classifier, "settings": settings}
    is_logistic = classifier == "logistic"

    def estimate(features: NDArray[Any], truth: NDArray[Any], seed: int) -> dict[str, Tensor]:
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import SVC

        if is_logistic:
            return of_regression(LogisticRegression(**settings, random_state=seed).fit(features, truth))
        return of_machine(SVC(**settings, random_state=seed).fit(features, truth))

    def judge(content: Mapping[str, Tensor], features: Tensor) -> Tensor:
        found = decision(content, features)
        return found.sigmoid() if is_logistic else found

    return Estimator(made, estimate, judge, threshold=0.5 if is_logistic else 0.0, facts=facts)
