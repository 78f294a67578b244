"""How long one step of reading a file may take, in a process that may be ended for it.

Neither a decoder nor a detector's `prepare` can be stopped from within: the process is ended, another one
takes its place, and the file is tried once more by itself before it is left alone.
"""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from types import TracebackType

from forenbench.images.effort import max_seconds


@dataclass(slots=True)
class Patience:
    """A limit for each step, kept by an alarm that ends the process.

    Attributes:
        seconds: Of a step; 0: without a limit, as in any process that must live.
    """

    seconds: float = 0

    def keep(self, _process: int = 0) -> None:
        """Begin to end this process where a step takes longer than `max_seconds`, and not to end by Ctrl-C.

        Args:
            _process: The number of a reader process, which PyTorch's loader tells.
        """
        # Ctrl-C reaches every process of a terminal; the run needs its readers until the shard in progress is
        # done, and one that is tried for a fatal file would seem to have died of it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # The default action, by which the kernel ends the process: a handler in Python would run only once
        # the decoder's C code returns, and that is what it may never do.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        sys.excepthook = _but_not_that_the_run_is_gone
        self.seconds = max_seconds()

    def begin(self) -> None:
        """Begin a step, which ends the one before."""
        if self.seconds:
            # Wall-clock time, not the processor's: a `prepare` may wait for a lock for ever.
            signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def __enter__(self) -> None:
        self.begin()

    def __exit__(self, *_: object) -> None:
        """End the last step."""
        if self.seconds:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _but_not_that_the_run_is_gone(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Show an error that ends a thread, unless it is the end of the run that tensors are handed to.

    A second Ctrl-C ends a run at once, and a thread of the standard library would print a traceback of it.
    """
    if not issubclass(kind, ConnectionError | EOFError):
        sys.__excepthook__(kind, error, trace)
