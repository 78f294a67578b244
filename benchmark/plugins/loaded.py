"""A detector ready to score, and what made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from forenbench.types import OWN, UNVERIFIED, Detector

if TYPE_CHECKING:
    from .own import OwnDetector


@dataclass(frozen=True, slots=True)
class StandIn:
    """What a run's plan needs of a detector whose network is not in memory: it scores nothing.

    Attributes:
        name, version, threshold: The detector's.
        made_by: Its class.
        prepare: Says how images are cut, as the detector's own does.
    """

    name: str
    version: str
    threshold: float
    made_by: type
    prepare: Cut


@dataclass(frozen=True, slots=True)
class Cut:
    """How a detector's `prepare` cuts images (see `forenbench.types.Detector`), without what it holds."""

    crop: object = None
    resize: object = None


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
        request: What it can be loaded by again, alone or with others of one file.
        sizes: Bytes of memory that its checkpoints take as float32, by name.
        round: Of the run, in which it scores: networks that do not fit into memory together take turns.
    """

    detector: Detector
    weights: str
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    variant: str = ""
    trained_on: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    request: str | OwnDetector = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    round: int = 0

    @property
    def name(self) -> str:
        """The detector's name."""
        return self.detector.name

    @property
    def made_by(self) -> type:
        """The detector's class."""
        return self.detector.made_by if isinstance(self.detector, StandIn) else type(self.detector)

    def let_go(self) -> LoadedDetector:
        """Return the same with a stand-in for the detector, so that its network's memory can be freed."""
        one = self.detector
        encoder = getattr(one, "encoder", None)
        # One that reads files has none, and cuts nothing itself.
        prepare = getattr(one if encoder is None else encoder, "prepare", None)
        cut = Cut(getattr(prepare, "crop", None), getattr(prepare, "resize", None))
        stand_in = StandIn(one.name, one.version, one.threshold, self.made_by, cut)
        return replace(self, detector=cast("Detector", stand_in))

    @property
    def is_replaced(self) -> bool:
        """Whether it read files that are not known to be those which its author states things of."""
        # A detector that reads no file is its author's own as well: what it states holds for it.
        return bool(self.checkpoints) and self.weights in (UNVERIFIED, OWN)
