"""A logistic regression on features of a frozen backbone: a recipe of ours, the plainest there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from forenbench.files.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from .estimators import Estimator
    from .feature_bank import FeatureMaker

SETTINGS = {"C": 1.0, "max_iter": 1000}
"""What scikit-learn's logistic regression is given; C is the inverse of the L2 penalty's strength."""
_SMALL = 2_000_000
"""Numbers that a fit gets one thread for: two took 15 times the processor time of one for 1,500,000."""


def probe_estimator(features: FeatureMaker) -> Estimator:
    """Describe how the linear layer on some features is fitted: weight (1, d), bias (1,), float32."""
    from .estimators import Estimator  # here, for it imports half of the harness

    facts = {
        "classifier": "logistic regression on standardised features",
        "settings": SETTINGS,
        "checkpoints": dict(features.checkpoints),
    }
    return Estimator(features, _fitted, _probability, facts=facts)


def _fitted(features: NDArray[Any], truth: NDArray[Any], seed: int) -> dict[str, Tensor]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    # The penalty weighs all features alike, while a few of DINOv2's are a hundred times as large as others.
    with one_thread(when=features.size <= _SMALL):
        model = LogisticRegression(**SETTINGS, random_state=seed).fit(scaler.fit_transform(features), truth)
    # The scaling becomes part of the layer: detectors read features as the backbone gives them.
    weight = model.coef_.astype(np.float64) / scaler.scale_
    bias = model.intercept_ - weight @ scaler.mean_
    return {"weight": torch.from_numpy(weight).float(), "bias": torch.from_numpy(bias).float()}


def _probability(content: Mapping[str, Tensor], features: Tensor) -> Tensor:
    logits = features.float() @ content["weight"].T + content["bias"]
    return logits.squeeze(1).sigmoid()
