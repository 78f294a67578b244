"""What metrics mean, in a line each, for readers who see such tables for the first time."""

from __future__ import annotations

from typing import NamedTuple


class Term(NamedTuple):
    """A line of the glossary.

    Attributes:
        name: What is explained.
        words: Words, in lower case, of the headings that it explains.
        meaning: In one line.
    """

    name: str
    words: tuple[str, ...]
    meaning: str


ACC = Term(
    "Acc.",
    ("acc.", "acc"),
    "accuracy: share of all images that are called right, at the author's threshold if no other is named",
)
REAL = Term("Real acc.", ("real",), "share of the real images that are called real")
FAKE = Term("Fake acc.", ("fake",), "share of the fakes that are called fake")
TAMPERED = Term(
    "Tampered, called fake",
    ("tampered",),
    "share of the tampered images (edited, inpainted) that are called fake; they are in no other number",
)
BALANCED = Term(
    "Bal. acc.",
    ("bal.", "bacc"),
    "balanced accuracy: mean of the accuracies on reals and on fakes; 50 is chance",
)
AP = Term(
    "A.P.",
    ("a.p.", "ap"),
    "average precision: how purely fakes come first when images are sorted by score; 100 is perfect, the "
    "share of fakes is chance; no threshold is involved",
)
HARD_AP = Term(
    "A.P. (hard labels)",
    ("hard",),
    "average precision of decisions taken for scores, as some papers seem to print it; not comparable with "
    "A.P.",
)
AUROC = Term(
    "AUROC", ("auroc",), "how often a fake scores higher than a real image; 100 is perfect, 50 is chance"
)
EER = Term(
    "EER", ("eer",), "error rate where as many reals as fakes are called wrong; 0 is perfect, 50 is chance"
)
TPR = Term(
    "TPR at … FPR",
    ("tpr",),
    "true positive rate (recall) of the lowest threshold with at most this FPR",
)
FPR = Term("FPR", ("fpr",), "false positive rate: share of real images called fake")
F1 = Term("F1", ("f1",), "harmonic mean of precision and recall for fakes")
MCC = Term("MCC", ("mcc",), "correlation of what is called and what is; 100 is perfect, 0 is chance")
NLL = Term("NLL", ("nll",), "mean negative log-likelihood, scores taken for probabilities; 0 is perfect")
BRIER = Term("Brier", ("brier",), "mean squared distance of score and label; 0 is perfect")
ECE = Term(
    "ECE",
    ("ece",),
    "how far scores, taken for probabilities, are from the share of fakes; 0 is perfect",
)
TERMS = (ACC, REAL, FAKE, TAMPERED, BALANCED, AP, AUROC, EER, TPR, FPR, F1, MCC, NLL, BRIER, ECE)
"""In the order in which they are explained."""
