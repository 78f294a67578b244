"""The refusal of detectors whose weights are not here, with what can be run in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from forenbench.errors import NotHere
from forenbench.weights.checkpoint_store import FOLDER
from forenbench.weights.wording import licence_in_words, size_in_words

if TYPE_CHECKING:
    from forenbench.weights.checkpoint import Checkpoint

    from .readiness import Standing

Again = Callable[[str, str], str]
"""Words how to ask for the same with another value: ``("detectors", "npr")``."""

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Way:
    """Something else that can be run.

    Attributes:
        title: What it is, and what it costs.
        option: What is to be asked for otherwise: "detectors" or "checkpoints".
        value: What of it.
        fetch: The checkpoints to download before.
    """

    title: str
    option: str
    value: str
    fetch: tuple[str, ...] = ()

    def lines(self, again: Again) -> Iterator[str]:
        """Word what is to be done, a line a step."""
        if self.fetch:
            yield f"bench weights fetch {' '.join(self.fetch)}"
        yield again(self.option, self.value)


class NotReady(NotHere):
    """Detectors were asked for whose weights are not on this machine.

    Attributes:
        ways: What can be run, in the order of what it costs.
    """

    def __init__(self, lacking: Sequence[Standing], ways: Sequence[Way], here: str) -> None:
        self._lacking, self._here, self.ways = lacking, here, ways
        super().__init__(self.worded(lambda option, value: f'the same with {option}="{value}"'))

    def worded(self, again: Again) -> str:
        """Word it for who asks in another way than a program does."""
        users: dict[Checkpoint, dict[str, None]] = {}
        for one in self._lacking:
            for checkpoint in one.lacks:
                users.setdefault(checkpoint, {})[one.detector] = None
        detectors = list(dict.fromkeys(one.detector for one in self._lacking))
        whose = ", ".join(detectors) if len(detectors) <= _SHOWN else f"{len(detectors)} detectors"
        lines = [f"the published weights of {whose} are not here:"]
        lines += [f"    {', '.join(names)}: {facts(one)}" for one, names in [*users.items()][:_SHOWN]]
        if len(users) > _SHOWN:
            lines.append(f"    and {len(users) - _SHOWN} more, which 'bench weights list' shows")
        lines.append(f"What can be run ({self._here}):")
        for number, way in enumerate(self.ways, 1):
            lines += [f"    {number}. {way.title}:", *(f"         {line}" for line in way.lines(again))]
        lines.append(
            "Files that you have: --weights NAME=PATH (in Python: weights=['NAME=PATH']), or a folder of "
            f"them in {FOLDER}"
        )
        return "\n".join(lines)


def facts(checkpoint: Checkpoint) -> str:
    """Say in a few words what a missing checkpoint is, and how it gets here where `fetch` cannot bring it."""
    if checkpoint.command:
        return f"{checkpoint.name}, which nobody published: you train it ({checkpoint.command})"
    by_hand = "" if checkpoint.urls else f"; by hand, 'bench weights fetch {checkpoint.name}' says from where"
    known = f"{size_in_words(checkpoint.size)}, {licence_in_words(checkpoint.licence)}"
    return f"{checkpoint.name}, {known}{by_hand}"
