"""Which files of a test set are re-encoded before they are scored: by label, by format, or by dataset.

What depends on the label is no perturbation, which sees the image alone: a protocol has it, or an equalised
run beside the files as they are, and rows, records and tables say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from forenbench.errors import BenchError
from forenbench.types import LABEL_NAMES, Sample

if TYPE_CHECKING:
    from .inventory import FileFacts

LABELS = {**{name: (label,) for label, name in LABEL_NAMES.items()}, "all": tuple(LABEL_NAMES)}
JPEG = ("JPEG", "MPO")
"""Pillow's names: an MPO is a JPEG with more pictures behind the first, as some cameras write it."""
NOT_JPEG = "not JPEG"
LIKE_REALS = "jpeg-like-reals"
"""What makes files that are not JPEG such as the reals are (see `forenbench.audit.like_reals`)."""


@dataclass(frozen=True, slots=True)
class Reencoding:
    """One rule.

    Attributes:
        label: Of the files: real, fake, tampered or all.
        by: What is done to them: a perturbation's canonical name.
        format: Only files of this one, by Pillow's name, or all that are not JPEG; empty: of any.
        datasets: Only theirs; empty: of all but `spared`.
        spared: Datasets whose files stay as they are.
    """

    label: str
    by: str
    format: str = ""
    datasets: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise BenchError(f"label '{self.label}' of a re-encoding is none of {', '.join(LABELS)}")

    def __str__(self) -> str:
        files = (
            f"{self.format} files of label {self.label}" if self.format else f"files of label {self.label}"
        )
        where = f" of {', '.join(self.datasets)}" if self.datasets else ""
        spared = f", not of {', '.join(self.spared)}" if self.spared else ""
        return f"{self.by} on {files}{where}{spared}"

    def concerns(self, dataset: str) -> bool:
        """Say whether the rule is for a dataset."""
        return dataset in self.datasets if self.datasets else dataset not in self.spared

    def of(self, samples: Iterable[Sample], facts: Mapping[str, FileFacts]) -> dict[str, str]:
        """Say what is done to each file that the rule is for, by path.

        Args:
            samples: Of a test set whose dataset the rule is for.
            facts: Of their files; what is no image is left alone, and stays unreadable.
        """
        found = {}
        for sample in samples:
            if sample.label not in LABELS[self.label]:
                continue
            format = facts[sample.path].format
            fits = format not in JPEG if self.format == NOT_JPEG else self.format in ("", format)
            if format and fits:
                found[sample.path] = self.by
        return found


def is_of_single_files(text: str) -> bool:
    """Say whether a re-encoding is not the same for all files: ``fake=jpeg:96``, or `LIKE_REALS`."""
    return text == LIKE_REALS or "=" in text


def by_label(text: str) -> Reencoding:
    """Read a rule as a run takes it: ``fake=jpeg:96``.

    Raises:
        BenchError: There is no such label.
    """
    label, _, by = text.partition("=")
    return Reencoding(label.strip().lower(), by.strip())
