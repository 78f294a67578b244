"""How the benchmarks measure: tasks in turns, memory of whole process trees, and the machine's description.

Nothing here is asserted. A ratio is the median over rounds in which both sides ran one after the other, so
that a change in the machine's mood meets both.
"""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

MIB = 1 << 20
SCALE = float(os.environ.get("PERF_SCALE", "1"))
"""Share of the usual number of images: less for a quick look, whose ratios mean little."""

_INTERVAL = 0.05
"""Seconds between two looks at memory."""


def scaled(number: int, least: int = 1) -> int:
    """Scale a number of images."""
    return max(least, round(number * SCALE))


def title(text: str) -> None:
    """Print what is measured, and on what."""
    print(f"\n## {text}\n{machine()}", flush=True)


def machine() -> str:
    """Describe the machine: processor, cores, memory, system, and the packages that do the work."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "pillow", "numpy", "pyarrow"))
    cores = len(os.sched_getaffinity(0))
    return (
        f"({_processor()}, {cores} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {packages})"
    )


def _processor() -> str:
    """Name the processor, with family and model where its name says little."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    number = f"family {facts.get('cpu family', '?')} model {facts.get('model', '?')}"
    return f"{facts.get('model name', platform.machine())} ({number})"


def alternately(
    rounds: int, tasks: Mapping[str, Callable[[], object]], clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Run tasks in turns, every other round backwards; return the seconds of each, round by round."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(rounds):
        for name in list(tasks)[:: -1 if number % 2 else 1]:
            gc.collect()
            begun = clock()
            tasks[name]()
            seconds[name].append(clock() - begun)
    return seconds


def ratio(what: str, above: Sequence[float], below: Sequence[float], budget: str = "") -> float:
    """Print and return the median of the ratios of two tasks' seconds, with the least and the greatest."""
    ratios = [one / other for one, other in zip(above, below, strict=True)]
    middle = median(ratios)
    bar = f"   budget {budget}" if budget else ""
    print(f"{what:<76} {middle:7.3f}  ({min(ratios):.3f}–{max(ratios):.3f}){bar}", flush=True)
    return middle


def value(what: str, number: float, unit: str, budget: str = "") -> None:
    """Print one value that is no ratio."""
    bar = f"   budget {budget}" if budget else ""
    print(f"{what:<76} {number:7.2f} {unit}{bar}", flush=True)


@dataclass(slots=True)
class Peak:
    """The most memory that a process and its descendants had at once, in bytes (proportional set sizes)."""

    size: int = 0


@contextmanager
def watching(process: int) -> Iterator[Peak]:
    """Look at a process tree's memory again and again while the block runs."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.wait(_INTERVAL):
            peak.size = max(peak.size, tree_memory(process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def tree_memory(process: int) -> int:
    """Sum the proportional set sizes of a process and its descendants: shared pages count once."""
    processes = [*_tree(process)]
    mapped = sum(_proportional(one, "Pss_Shmem:") for one in processes)
    files: dict[int, int] = {}
    for one in processes:
        files |= _memory_files(one)
    # What one process wrote into a file in memory is in no set size until another one looks at it.
    return sum(_proportional(one, "Pss:") for one in processes) - mapped + max(mapped, sum(files.values()))


def _memory_files(process: int) -> dict[int, int]:
    """Return the bytes of each file in memory that a process has open, by its number."""
    found = {}
    with suppress(OSError):
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):
                if str(descriptor.readlink()).startswith("/memfd:"):
                    status = descriptor.stat()
                    found[status.st_ino] = 512 * status.st_blocks
    return found


def _tree(process: int) -> Iterator[int]:
    """Yield a process and its descendants, as far as they live."""
    yield process
    with suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from _tree(int(child))


def _proportional(process: int, kind: str) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith(kind):
                return int(line.split()[1]) * 1024
    return 0


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command went: its seconds, those of processors, and its process tree's peak memory in bytes."""

    seconds: float
    processors: float
    peak: int


def python(code: str, *arguments: str, folder: Path) -> Finished:
    """Run Python code in a process of its own, in a folder; its output counts only if it fails."""
    # Where compiled modules may not be kept, each start would compile all of ours anew, as no user's does.
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begun, before = time.perf_counter(), _processors()
    command = [sys.executable, "-c", code, *arguments]
    with (
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process,
        watching(process.pid) as peak,
    ):
        said, _ = process.communicate()
        seconds = time.perf_counter() - begun
    if process.returncode:
        sys.exit(said.decode(errors="replace"))
    return Finished(seconds, _processors() - before, peak.size)


def _processors() -> float:
    """Return the seconds that processors spent on all processes that were waited for."""
    times = os.times()
    return times.children_user + times.children_system


def bench(*arguments: str, folder: Path) -> Finished:
    """Run ``bench`` with arguments in a folder."""
    return python("from forenbench.cli import main; main()", *arguments, folder=folder)
