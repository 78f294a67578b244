"""A run killed at any moment goes on where it was, and ends with the files of an uninterrupted one."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
from slow_run import ALL_SHARDS, GENERATORS, IMAGES, SlowRun

KILLS = 21
"""Of the local engine; test_ray.py adds to it."""


@pytest.mark.slow
def test_killed_at_random_and_started_again_gives_the_files_of_an_uninterrupted_run(slow: SlowRun) -> None:
    moments, progress = random.Random(7), []
    for kill in range(KILLS):
        # Three runs have two processes, which share the work; kills hit the one that the user started.
        process = slow.start("killed", *(["--device", "cpu,cpu"] if kill % 8 == 3 else []))
        # Ten of the test sets' twelve shards are waited for, each longer than what is slept after it: a kill
        # that comes when all is done would try nothing. The other kills come early on, while it starts.
        if kill % 2:
            slow.wait_for_progress(process, "killed")
        time.sleep(moments.uniform(0, 0.3 if kill % 2 else 0.6))
        process.kill()
        progress.append(slow.shards("killed"))
    assert progress == sorted(progress), "a finished shard was lost"
    assert max(progress) > 0
    slow.finish("killed")
    assert slow.files("killed") == slow.files("whole")
    assert slow.leftovers("killed") == []
    table = "tables/acc-ap.csv"
    assert (slow.folder / "killed" / table).read_bytes() == (slow.folder / "whole" / table).read_bytes()


@pytest.mark.slow
def test_ctrl_c_finishes_the_shard_in_progress_says_how_to_go_on_and_exits_130(slow: SlowRun) -> None:
    """And so do further processes, though the signal reaches only the one that the user started."""
    done = 0
    for devices in ("cpu,cpu", "cpu"):
        process = slow.start("stopped", "--device", devices)
        slow.wait_for_progress(process, "stopped")
        process.interrupt()
        said = process.finish(120)
        assert process.returncode == 130
        assert "finishing the images in progress" in said
        assert "the same command goes on from there" in said
        assert done < slow.shards("stopped") < ALL_SHARDS
        done = slow.shards("stopped")
    slow.finish("stopped")
    assert slow.files("stopped") == slow.files("whole")


@pytest.mark.slow
def test_ctrl_c_twice_in_a_terminal_ends_all_processes_at_once_and_without_a_traceback(slow: SlowRun) -> None:
    process = slow.start("twice", "--device", "cpu,cpu")
    slow.wait_for_progress(process, "twice")
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.1)
    said = process.finish(60)
    assert process.returncode == 130
    assert "Traceback" not in said


@pytest.mark.slow
def test_two_processes_on_one_run_folder_share_the_work(slow: SlowRun) -> None:
    """Neither does the other's shards again, and both end with everything there."""
    for old in slow.pids.iterdir():
        old.unlink()
    first, second = slow.start("shared"), slow.start("shared")
    said = [process.finish(300) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    assert slow.files("shared") == slow.files("whole")
    assert len(slow.rows("shared")) == len(GENERATORS) * 2 * IMAGES * 3
    assert slow.leftovers("shared") == []
    assert len(list(slow.pids.iterdir())) == 2, "one process did it all"
