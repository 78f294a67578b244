"""Words that stand for several detectors: ``all``, and the line-ups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from .installed import FoundPlugin, installed
from .own import OwnDetector

ALL = "all"
"""In a list of requests: every installed detector that has checkpoints of the kind."""

LINEUPS: Mapping[str, tuple[str, ...]] = {
    "modern": (
        "univfd:lc",
        "npr",
        "drct",
        "c2p-clip",
        "aide",
        "fatformer",
        "safe",
        "aligned",
        "dda",
        "commfor",
        "rine",
        "corvi",
        "bfree",
        "effort",
    ),
}
"""Detectors that papers compare, by the name for all of them: of a line-up runs what has its weights here.

modern: the nine of the table in the paper of DDA (Chen et al., NeurIPS 2025), and five that came beside it.
"""


def named(
    requests: Iterable[str | OwnDetector], kind: str, every: Callable[[], Iterable[FoundPlugin]] = installed
) -> Iterator[tuple[str | OwnDetector, str]]:
    """Put names in the place of ``all``, ``all@sample`` and line-ups; beside each, the word that asked.

    Args:
        requests: As they were given.
        kind: Of the checkpoints, where a request names none.
        every: Lists what ``all`` stands for.
    """
    for request in requests:
        word, at, other = request.partition("@") if isinstance(request, str) else ("", "", "")
        if word == ALL:
            # Those without variants have no checkpoints of any kind, and can always be run.
            some = [one for one in every() if not one.has_variants or one.variants(other or kind)]
            yield from ((f"{one.name}{at}{other}" if one.has_variants else one.name, word) for one in some)
        elif word in LINEUPS:
            yield from ((f"{name}{at}{other}", word) for name in LINEUPS[word])
        else:
            yield request, word
