"""How long one step of reading a file may take, in a process that is there to die of it.

Neither a decoder nor a detector's `prepare` can be stopped from within: the process is ended, another one
takes its place, and the file is tried once more by itself before it is left alone.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass


@dataclass(slots=True)
class Patience:
    """A limit for each step, kept by an alarm that ends the process.

    Attributes:
        seconds: Of a step; 0: without a limit, as in any process that must live.
    """

    seconds: float = 0

    def keep(self, seconds: float) -> None:
        """Begin to end this process where a step takes longer."""
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        self.seconds = seconds

    def begin(self) -> None:
        """Begin a step, which ends the one before."""
        if self.seconds:
            signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def __enter__(self) -> None:
        self.begin()

    def __exit__(self, *_: object) -> None:
        """End the last step."""
        if self.seconds:
            signal.setitimer(signal.ITIMER_REAL, 0)
