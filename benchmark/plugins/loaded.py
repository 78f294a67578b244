"""A detector ready to score, and what made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from forenbench.types import OWN, UNVERIFIED, Detector


@dataclass(frozen=True, slots=True)
class LoadedDetector:
    """A detector ready to score, and what made it.

    Attributes:
        detector: The detector itself.
        weights: Whose it carries, by the files that were read (see `forenbench.weights.checkpoint_store`):
            "published", "sample", "unverified" or "own"; also "own" where none is read through `Weights`.
        checkpoints: sha256 of every weights file it read, by checkpoint name.
        code: sha256 of the file a path plugin came from (an edited file means new scores), else empty.
        variant: Of its plugin; empty where that has none.
        trained_on: Names of what its weights have seen: what the detector states (see
            `forenbench.types.Detector`) or, of files that are not known to be the published ones, the user.
        remarks: What readers of its rows must know of its files.
    """

    detector: Detector
    weights: str
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    variant: str = ""
    trained_on: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The detector's name."""
        return self.detector.name

    @property
    def is_replaced(self) -> bool:
        """Whether it read files that are not known to be those which its author states things of."""
        # A detector that reads no file is its author's own as well: what it states holds for it.
        return bool(self.checkpoints) and self.weights in (UNVERIFIED, OWN)
