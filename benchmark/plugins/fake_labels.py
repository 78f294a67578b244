"""Which classes of a classifier mean "generated": by their names, or by what the user says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from forenbench.errors import BenchError

if TYPE_CHECKING:
    from torch import Tensor

_FAKE = {
    "ai", "aigc", "aigenerated", "artificial", "deepfake", "deepfakes", "diffusion", "fake", "fakes", "gan",
    "generated", "generative", "machine", "synth", "synthesized", "synthetic",
}  # fmt: skip
_REAL = {
    "authentic", "camera", "genuine", "hum", "human", "natural", "nature", "original", "photo", "photograph",
    "real", "realism", "realistic", "reals",
}  # fmt: skip
_NOT = {"no", "non", "not"}


def fake_classes(labels: Mapping[int, str], stated: Sequence[str], request: str) -> tuple[int, ...]:
    """Find the classes that mean "generated".

    Args:
        labels: A classifier's classes by number.
        stated: Names or numbers that the user gives; none: every label has to say clearly what it is.
        request: For the message.

    Raises:
        BenchError: It cannot be told, or what is stated is no label; with the list of labels.
    """
    listed = ", ".join(f"{number} '{label}'" for number, label in sorted(labels.items()))
    names = {label.casefold(): number for number, label in labels.items()}
    names |= {str(number): number for number in labels if str(number) not in names}
    if unknown := [one for one in stated if one.casefold() not in names]:
        raise BenchError(f"'{request}': '{unknown[0]}' is none of its labels ({listed})")
    means = {number: is_fake(label) for number, label in labels.items()}
    found = {names[one.casefold()] for one in stated} or {number for number, fake in means.items() if fake}
    # One lone class has nothing beside it; of several, some must be left to mean "real".
    is_clear = stated or (None not in means.values() and (len(labels) == 1 or False in means.values()))
    if not found or not is_clear or (len(labels) > 1 and len(found) == len(labels)):
        raise BenchError(
            f"'{request}': which of its labels mean \"generated\" cannot be told from their names "
            f"({listed}); add 'fake=LABEL' behind the '#' (of several: 'fake=A&fake=B')"
        )
    return tuple(sorted(found))


def is_fake(label: str) -> bool | None:
    """Say whether a label means "generated"; None where it says neither, or both."""
    # `AI-generated`, `not_ai`, `isFake`, `class_1_fake`
    words = {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", label)}
    fake, real = bool(words & _FAKE), bool(words & _REAL)
    if fake == real:
        return None
    return fake != bool(words & _NOT)


def log_odds(logits: Tensor, fakes: Sequence[int]) -> Tensor:
    """Map n rows of a softmax's logits (n, classes) to logits (n,) of the probability of these classes.

    Their sigmoid is the sum of the classes' softmax. One lone class has a sigmoid's logit already.
    """
    if logits.shape[1] == 1:
        return logits[:, 0]
    others = [number for number in range(logits.shape[1]) if number not in fakes]
    return logits[:, list(fakes)].logsumexp(1) - logits[:, others].logsumexp(1)
