"""Classifiers that scikit-learn fitted, as tensors: support vector machines and logistic regressions.

Linear ones are a `coef` (d,) and an `intercept` (); machines with another kernel their support vectors. None
of it is pickled, and scoring needs no scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from forenbench.weights import Checkpoint, Weights, WrongWeights, describe

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

LINEAR = ("coef", "intercept")
RBF = ("support_vectors", "dual_coef", "intercept", "gamma")
POLYNOMIAL = (*RBF, "degree", "coef0")

Content = Mapping[str, Tensor]


def of_machine(fitted: SVC) -> dict[str, Tensor]:
    """Take the tensors, float64, from a fitted machine of two classes with a linear, rbf or poly kernel.

    Raises:
        ValueError: Its gamma was given by a word, which scikit-learn turns into a number for itself alone.
    """
    intercept = torch.tensor(fitted.intercept_[0])
    if fitted.kernel == "linear":
        return {"coef": torch.from_numpy(fitted.coef_[0].copy()), "intercept": intercept}
    content = {
        "support_vectors": torch.from_numpy(fitted.support_vectors_.copy()),
        "dual_coef": torch.from_numpy(fitted.dual_coef_[0].copy()),
        "intercept": intercept,
    }
    for name in ("gamma", "degree", "coef0") if fitted.kernel == "poly" else ("gamma",):
        content[name] = torch.tensor(float(getattr(fitted, name)), dtype=torch.float64)
    return content


def of_regression(fitted: LogisticRegression) -> dict[str, Tensor]:
    """Take the tensors, float64, from a fitted regression of two classes."""
    return {"coef": torch.from_numpy(fitted.coef_[0].copy()), "intercept": torch.tensor(fitted.intercept_[0])}


def decision(content: Content, features: Tensor) -> Tensor:
    """Say how far on the side of the second class n features (n, d) are, as scikit-learn's own: float64 (n,).

    In double precision on the CPU, as scikit-learn computes: sums over thousands of support vectors, whose
    coefficients nearly cancel, have few digits in single precision.
    """
    features = features.detach().cpu().double()
    if "coef" in content:
        return features @ content["coef"] + content["intercept"]
    vectors, gamma = content["support_vectors"], content["gamma"]
    if "degree" in content:
        kernel = (gamma * (features @ vectors.T) + content["coef0"]) ** content["degree"]
    else:
        # By differences: with products, features that are alike would lose their digits.
        mode = "donot_use_mm_for_euclid_dist"
        kernel = torch.exp(-gamma * torch.cdist(features, vectors, compute_mode=mode) ** 2)
    return kernel @ content["dual_coef"] + content["intercept"]


def load_classifier(weights: Weights, checkpoint: Checkpoint, kind: tuple[str, ...], width: int) -> Content:
    """Load a classifier once per run, in double precision, onto the CPU.

    Args:
        weights: The run's files.
        checkpoint: Which file.
        kind: `LINEAR`, `RBF` or `POLYNOMIAL`: the names of its tensors.
        width: Numbers in a feature.

    Raises:
        MissingWeights: The file is not on this machine.
        WrongWeights: It holds something else.
    """

    def load() -> Content:
        # Past the run's device, which may have no float64: `decision` computes on the CPU.
        found: dict[str, Any] = replace(weights, device="cpu").load(checkpoint)
        tensors = {key: value for key, value in found.items() if isinstance(value, Tensor)}
        shapes = {key: tuple(value.shape) for key, value in tensors.items()}
        number = shapes.get("dual_coef", (0,))[:1]
        wide = {"coef": (width,), "support_vectors": (*number, width), "dual_coef": number}
        if not shapes.keys() == found.keys() or shapes != {key: wide.get(key, ()) for key in kind}:
            raise WrongWeights(
                f"weights '{checkpoint.name}': expected {', '.join(kind)} for {width} features; "
                f"the file seems to be {describe(found, weights.known)}"
            )
        return {key: value.double() for key, value in tensors.items()}

    return weights.shared(checkpoint.name, load)
