"""What the numbers mean, in a line each, for readers who see such tables for the first time."""

from __future__ import annotations

import re
from collections.abc import Iterable

TERMS = (
    ("Acc.", ("acc.", "acc"), "accuracy: share of all images that are called right, at the author's "
     "threshold if no other is named"),
    ("Real acc.", ("real",), "share of the real images that are called real"),
    ("Fake acc.", ("fake",), "share of the fakes that are called fake"),
    ("Bal. acc.", ("bal.", "bacc"), "balanced accuracy: mean of the accuracies on reals and on fakes; "
     "50 is chance"),
    ("A.P.", ("a.p.", "ap"), "average precision: how purely fakes come first when images are sorted by "
     "score; 100 is perfect, the share of fakes is chance; no threshold is involved"),
    ("AUROC", ("auroc",), "how often a fake scores higher than a real image; 100 is perfect, 50 is chance"),
    ("EER", ("eer",), "error rate where as many reals as fakes are called wrong; 0 is perfect, 50 is chance"),
    ("TPR at … FPR", ("tpr",), "true positive rate (recall) of the lowest threshold with at most this FPR"),
    ("FPR", ("fpr",), "false positive rate: share of real images called fake"),
    ("F1", ("f1",), "harmonic mean of precision and recall for fakes"),
    ("MCC", ("mcc",), "correlation of what is called and what is; 100 is perfect, 0 is chance"),
    ("NLL", ("nll",), "mean negative log-likelihood, scores taken for probabilities; 0 is perfect"),
    ("Brier", ("brier",), "mean squared distance of score and label; 0 is perfect"),
    ("ECE", ("ece",), "how far scores, taken for probabilities, are from the share of fakes; 0 is perfect"),
    ("fitted", ("fitted",), "with a threshold chosen on other images, of a validation set"),
    ("oracle", ("oracle",), "with the best threshold for these very images: an upper bound, not a result"),
    ("temperature, platt, isotonic", ("temperature", "platt", "isotonic"), "after scores were mapped to "
     "probabilities in this way, fitted on other images"),
    ("Mean, macro", ("mean", "macro"), "every test set counts once, however many images it has"),
    ("micro", ("micro",), "every image counts once, so large test sets count more"),
    ("worst", ("worst",), "on the test set where it is lowest"),
    ("Spread", ("spread",), "largest less smallest value, by which real images are used"),
    ("ranks", ("ranks",), "those that the images leave open: 1-2 where first and second are not told apart"),
    ("seen", ("seen",), "how many of the test sets the detector has met in training, as it states itself"),
)  # fmt: skip


def explain(columns: Iterable[str]) -> list[tuple[str, str]]:
    """Explain the terms that are among the words of the names of columns."""
    words = {word for name in columns for word in re.findall(r"[\w.]+", name.lower())}
    return [(term, meaning) for term, keys, meaning in TERMS if not words.isdisjoint(keys)]
