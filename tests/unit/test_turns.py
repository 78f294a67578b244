"""Huge pictures are in memory one at a time, and nobody waits for ever for his turn."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Waiting
from pathlib import Path

import pytest

from forenbench.scoring import turns
from forenbench.scoring.turns import HUGE, Turn


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def take(pixels: int) -> bool:
    with Turn() as turn:
        turn(pixels)
        turn(pixels)  # a mended file is opened again
    return True


def test_a_huge_picture_waits_for_another_and_small_ones_for_none() -> None:
    with ThreadPoolExecutor(2) as threads:
        with Turn() as turn:
            turn(HUGE + 1)
            assert threads.submit(take, HUGE).result(timeout=10)
            waiting = threads.submit(take, HUGE + 1)
            with pytest.raises(Waiting):
                waiting.result(timeout=0.2)
        assert waiting.result(timeout=10)
    assert take(HUGE + 1)


def test_a_stopped_process_keeps_others_waiting_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_PATIENCE", 0.1)
    with Turn() as turn, ThreadPoolExecutor(1) as threads:
        turn(HUGE + 1)
        assert threads.submit(take, HUGE + 1).result(timeout=10)


def hold(pipe: int) -> None:
    Turn()(HUGE + 1)
    os.write(pipe, b"x")
    signal.pause()


def test_the_turn_of_a_killed_process_is_over() -> None:
    read, write = os.pipe()
    process = multiprocessing.get_context("fork").Process(target=hold, args=(write,))
    process.start()
    os.read(read, 1)
    process.kill()
    process.join()
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(take, HUGE + 1).result(timeout=10)


def test_where_no_lock_can_be_made_pictures_are_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/dev/null/no folder")
    assert take(HUGE + 1)
