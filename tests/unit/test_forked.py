"""Work in forked processes: results, errors and order are those of one process, whatever becomes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from forenbench.errors import BenchError
from forenbench.files.forked import in_processes, is_forked, most

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")


@linux
def test_results_come_in_order_from_other_processes() -> None:
    # a lambda, which only a forked process knows: nothing but items and results is pickled
    found = list(in_processes(lambda item: (item, os.getpid(), is_forked(), most()), range(5), 2))
    assert [item for item, *_ in found] == list(range(5))
    assert os.getpid() not in {process for _, process, *_ in found}
    assert all(rest == (True, 1) for _, _, *pair in found for rest in [tuple(pair)])
    assert not is_forked()


def test_one_process_is_this_one() -> None:
    assert list(in_processes(lambda item: (item, os.getpid()), [3], 1)) == [(3, os.getpid())]


@linux
def test_an_error_is_raised_as_it_was_after_what_came_before_it() -> None:
    def refuse(item: int) -> int:
        if item == 1:
            raise BenchError("cell 1 is damaged")
        return item

    found = in_processes(refuse, range(3), 2)
    assert next(found) == 0
    with pytest.raises(BenchError, match=r"^cell 1 is damaged$"):
        next(found)


@linux
def test_what_a_killed_process_leaves_this_one_does() -> None:
    here = os.getpid()

    def die(item: int) -> int:
        if item == 2 and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    assert list(in_processes(die, range(5), 2)) == list(range(5))


@linux
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_first_one(how: signal.Signals) -> None:
    code = (
        "import os, time\n"
        "from forenbench.files.forked import in_processes\n"
        "def tell(seconds):\n"
        "    os.write(1, f'{os.getpid()}\\n'.encode())\n"  # at once: three write to one pipe
        "    time.sleep(seconds)\n"
        "list(in_processes(tell, [60, 60, 0], 3))\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        children = [int(process.stdout.readline()) for _ in range(3)]
        time.sleep(0.1)  # the third has nothing more to do, and waits: only there would it speak of Ctrl-C
        if how == signal.SIGINT:  # as a terminal sends it: to all
            os.killpg(process.pid, how)
        else:
            process.send_signal(how)
        process.wait(timeout=30)
        said = process.stderr.read()  # which ends when the last of them has ended
    deadline = time.monotonic() + 30
    while any(map(_lives, children)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert said.count("Traceback") <= 1  # of the first one alone


def _lives(process: int) -> bool:
    try:
        said = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return said.rpartition(")")[2].split()[0] != "Z"
