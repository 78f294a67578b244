"""Work for further processes that lasts until they are ended."""

from __future__ import annotations

import time
from typing import NamedTuple


class Idle(NamedTuple):
    """In the place of a run's own work, which takes torch's seconds to import."""

    further_devices: tuple[str, ...] = ("cpu", "cpu")

    def work(self, *_: object) -> None:
        """Go on, whatever the run has come to."""
        time.sleep(600)
