"""What the numbers mean, in a line each, for readers who see such tables for the first time."""

from __future__ import annotations

from collections.abc import Iterable

_TERMS = (
    ("Acc.", ("acc",), "share of all images that are called right, real or fake, at a threshold"),
    ("A.P.", ("ap",), "average precision: how purely fakes come first when images are sorted by score; "
     "100 is perfect, the share of fakes is chance; no threshold is involved"),
    ("AUROC", ("auroc",), "how often a fake scores higher than a real image; 100 is perfect, 50 is chance"),
    ("Real acc.", ("real_acc",), "share of the real images that are called real"),
    ("Fake acc.", ("fake_acc",), "share of the fakes that are called fake"),
    ("Balanced acc.", ("balanced_acc",), "mean of the accuracies on reals and on fakes"),
    ("EER", ("eer",), "error rate where as many reals as fakes are called wrong; 0 is perfect, 50 is chance"),
    ("TPR", ("tpr",), "share of fakes found while at most the named share of reals is called fake"),
    ("FPR", ("fpr",), "share of reals called fake while at least the named share of fakes is found"),
    ("F1", ("f1",), "harmonic mean of precision and recall for fakes"),
    ("MCC", ("mcc",), "correlation of what is called and what is; 100 is perfect, 0 is chance"),
    ("NLL", ("nll",), "mean negative log-likelihood, scores taken for probabilities; 0 is perfect"),
    ("Brier", ("brier",), "mean squared distance of score and label; 0 is perfect"),
    ("ECE", ("ece",), "how far scores, taken for probabilities, are from the share of fakes; 0 is perfect"),
    ("Mean", ("mean",), "every test set counts once, however many images it has"),
)  # fmt: skip


def explain(columns: Iterable[str]) -> list[tuple[str, str]]:
    """Explain the terms that begin one of the names of columns."""
    shown = [name.lower() for name in columns]
    return [
        (term, meaning)
        for term, keys, meaning in _TERMS
        if any(name.startswith((term.lower(), *keys)) for name in shown)
    ]
