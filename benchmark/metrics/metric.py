"""What a metric is: one row of the catalogue, with the functions that compute it.

There are three kinds, by what they judge: an order of images, decisions at a threshold, or probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from .terms import Term

if TYPE_CHECKING:
    from .calibration import Probabilities
    from .classification import Ranked
    from .counts import Counts
    from .decisions import Decisions, N
    from .spread import Floats

AUTHOR, FITTED, ORACLE = "", "fitted", "oracle"
"""Whose threshold decides: the author's, one fitted to other images, the best one for these very images."""
MAPS = ("temperature", "platt", "isotonic")
"""What makes probabilities of scores, fitted to other images."""


Why: TypeAlias = Callable[[Mapping[str, Any], str], str]
"""Says why a metric has no interval, or nothing: of a cell's metrics, its numbers of scored images ``real``
and ``fake``, and its ``origins``; and of the prefix of the metrics that rest on the same threshold or map.
"""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A row of the catalogue; it is one of the three kinds below.

    Attributes:
        name: Its column in the frame of cells, and in ``--rank-by``.
        label: What tables print for it.
        term: What it means, for the glossary.
        by: Whose threshold decides, or what made the probabilities; part of the name.
        headings: Of its column, by the name of the table of cells that shows it.
        bounds: Its range.
        percent: It is a share, which tables print in percent.
        lower_is_better: Otherwise the highest value is the best one.
        kept: Its replicates are kept, for means over test sets; the leaderboard has a column for it.
        ranks: What detectors are ranked by, in words, where this can be chosen; it is then kept, too.
        one_label_counts: Of both labels, but it has a value on one: blank where no image of the other was
            scored, for it would be the rate of that label alone.
        version: Change it whenever its values do; our own need none, for their code is looked at.
        withheld: Says where it has no interval whatever resamples show (see `withheld`); None: nowhere.
        origin: Who adds it, such as "package mine", which the catalogue fills in; our own have none.
    """

    name: str
    label: str
    term: Term
    by: str = ""
    headings: Mapping[str, str] = field(default_factory=dict)
    bounds: tuple[float, float] = (0.0, 1.0)
    percent: bool = True
    lower_is_better: bool = False
    kept: bool = False
    ranks: str = ""
    one_label_counts: bool = False
    version: str = ""
    withheld: Why | None = None
    origin: str = ""

    def __post_init__(self) -> None:
        # The leaderboard sorts one way; a metric sorted the other way would put the worst detector first.
        if self.ranks and self.lower_is_better:
            raise ValueError(f"metric '{self.name}': the highest value ranks first, but the lowest is better")


@dataclass(frozen=True, kw_only=True)
class RankingMetric(Metric):
    """Judges how images are ordered; undefined unless there are both labels.

    Attributes:
        point: Its value, of images by rank; it is asked only where there are both labels.
        replicate: Its values (replicates,), of what was drawn; where a label is missing anything.
    """

    point: Callable[[Ranked], float]
    replicate: Callable[[Counts], Floats]


class Judge(Protocol):
    """A function of decisions: of one number each, or of one a replicate."""

    def __call__(self, made: Decisions[N]) -> N:
        """Return its value."""
        ...


@dataclass(frozen=True, kw_only=True)
class DecisionMetric(Metric):
    """Judges which images are called fake.

    Attributes:
        judge: Its value, and with arrays its replicates.
    """

    judge: Judge


@dataclass(frozen=True, kw_only=True)
class ProbabilityMetric(Metric):
    """Judges how far scores can be believed as probabilities.

    Attributes:
        point: Its value.
        losses: Of each image (n,), of which it is the mean; None where it is no such mean, and has no
            replicates.
        balanced: It is the mean of both labels' means of these instead.
    """

    point: Callable[[Probabilities], float]
    losses: Callable[[Probabilities], Floats] | None = None
    balanced: bool = False
