"""Further processes of a run end with it, however it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from threading import Timer
from typing import Any

import pytest
from idle_workers import Idle

from forenbench.scoring.workers import workers


@pytest.fixture
def workplace() -> Iterator[Any]:
    yield Idle()
    for left in multiprocessing.active_children():
        left.kill()


@pytest.mark.slow
def test_ctrl_c_while_they_are_waited_for_ends_them_all(workplace: Any) -> None:  # noqa: ANN401
    """The run itself is over by then, after a first Ctrl-C: only they have a shard to finish."""
    again = Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt), workers(workplace, 0, print):
        again.start()
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_an_error_in_the_run_ends_them_all(workplace: Any) -> None:  # noqa: ANN401
    with pytest.raises(OSError, match="disk"), workers(workplace, 0, print):
        raise OSError("the disk is full")
    assert not multiprocessing.active_children()
