"""What only a GPU can show, in one command of at most eight minutes; where there is none, in a tiny form.

    PYTHONPATH=tests/support python tests/perf/gpu_check.py --out gpu.json

It writes what was found as JSON, and beside it as a Markdown table for ``docs/performance.md``. Nothing is
downloaded: weights and pictures are made by formula. Each check has a process of its own, for an error of
CUDA spoils all that follows it in a process, and a limit of time; what fails is told and the others go on.
The exit status is 1 if a detector's float32 logits are not the official ones.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

# Asked in the other way, CUDA is opened in this process, and none that is forked from it can use it.
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")

import torch
from gpu_networks import copies, rates, sweep
from gpu_parity import CASES, PICTURES, PRECISIONS, deviations, write_pictures
from gpu_place import Check, Facts, Place, numbers
from gpu_runs import halving, overlap, reading, repeat
from measuring import machine
from workloads import workplace

# Before processes are forked, each of which would spend seconds on what the first run imports.
import forenbench.audit
import forenbench.front.door
import forenbench.tables.exports  # noqa: F401
from forenbench.registry.guests import reason

LIMIT = 480.0
"""Seconds for everything."""
TINY = {"npr:squash256": ("fp32", "bf16"), "safe:crop256": ("fp32",)}
"""The cases that a CPU has time for in a test, and their precisions."""
NO_GPU = "no CUDA device"


@dataclass(slots=True)
class Outcome:
    """What became of a check.

    Attributes:
        check: Its name.
        status: "ok", "failed" or "not run".
        reason: Of the latter two.
        seconds: What it took.
        facts: What it found.
    """

    check: str
    status: str = "ok"
    reason: str = ""
    seconds: float = 0.0
    facts: Facts = field(default_factory=dict)


def parity(detector: str, place: Place) -> Facts:
    """Compare a detector's logits with the official ones.

    Raises:
        ValueError: Those of float32 are further off than they may be.
    """
    case = CASES[detector]
    pictures = write_pictures(place.root / "formula", PICTURES[:2] if place.tiny else PICTURES)
    precisions = TINY[detector] if place.tiny else PRECISIONS
    found = deviations(case, pictures, place.root, place.device, precisions)
    if found["fp32"] > case.within:
        raise ValueError(f"float32 logits are off by {found['fp32']:.2g}, more than {case.within:.2g}")
    return {"largest deviation": found}


def about(place: Place) -> Facts:
    """Describe the machine."""
    facts: Facts = {"machine": machine(), "device": place.device}
    if place.device != "cpu":
        made = torch.cuda.get_device_properties(place.device)
        facts |= {
            "name": made.name,
            "capability": f"{made.major}.{made.minor}",
            "GiB": round(made.total_memory / 2**30, 1),
            "CUDA": torch.version.cuda,
            "cuDNN": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
        }
    return facts


CHECKS = (
    Check("machine", about, 30),
    *(Check(f"parity {name}", partial(parity, name), 90 if "univfd" in name else 40) for name in CASES),
    Check("two runs alike", repeat, 60),
    Check("out of memory", halving, 30),
    Check("networks", rates, 60),
    Check("LGrad at once", sweep, 60),
    Check("reading", reading, 60),
    Check("copies", copies, 30, needs_gpu=True),
    Check("overlap", overlap, 60),
)


def run_all(place: Place, checks: Sequence[Check] = CHECKS) -> list[Outcome]:
    """Run checks one after another, as far as there is time and a device."""
    end, outcomes = time.monotonic() + LIMIT, []
    for check in checks:
        left = end - time.monotonic()
        if check.needs_gpu and place.device == "cpu":
            outcome = Outcome(check.name, "not run", NO_GPU)
        elif place.tiny and check.name.startswith("parity ") and check.name.split()[1] not in TINY:
            outcome = Outcome(check.name, "not run", f"{NO_GPU}; the golden tests compare it on the CPU")
        elif left < 1:
            outcome = Outcome(check.name, "not run", f"the {LIMIT:.0f} s were over")
        else:
            # How fast a CPU is, and who else is at work on it, nobody knows.
            outcome = _apart(check, place, min(check.seconds * (5 if place.tiny else 1), left))
        print(f"{outcome.check}: {outcome.status} {outcome.reason} ({outcome.seconds:.1f} s)", flush=True)
        outcomes.append(outcome)
    return outcomes


def _apart(check: Check, place: Place, limit: float) -> Outcome:
    """Run a check in a process of its own, and end that when its time is over."""
    forked = multiprocessing.get_context("fork")
    here, there = forked.Pipe(duplex=False)
    process = forked.Process(target=_answer, args=(there, check, place))
    begun = time.monotonic()
    process.start()
    there.close()
    try:
        facts, failed = here.recv() if here.poll(limit) else ({}, f"not done within {limit:.0f} s")
    except EOFError:
        process.join()
        facts, failed = {}, f"its process ended with status {process.exitcode}"
    process.kill()
    process.join()
    seconds = round(time.monotonic() - begun, 2)
    return Outcome(check.name, "failed" if failed else "ok", failed, seconds, facts)


def _answer(there: Any, check: Check, place: Place) -> None:  # noqa: ANN401 - a connection has no public type
    if place.device == "cpu":
        torch.set_num_threads(1)  # OpenMP's threads did not come along, and would be waited for
    try:
        there.send((check.run(place), ""))
    except Exception as error:
        there.send(({}, reason(error)))


def as_markdown(outcomes: Sequence[Outcome]) -> str:
    """Lay outcomes out as a table."""
    lines = ["| check | what was found | s |", "|---|---|---|"]
    for one in outcomes:
        told = "; ".join(f"{name}: {numbers(value)}" for name, value in one.facts.items())
        words = told if one.status == "ok" else f"**{one.status}**: {one.reason}"
        lines.append(f"| {one.check} | {words.replace('|', '/')} | {one.seconds:.0f} |")
    return "\n".join([*lines, ""])


def is_official(outcomes: Sequence[Outcome]) -> bool:
    """Say whether no detector's float32 logits were found to be others than the official ones."""
    return not any(one.status == "failed" and one.check.startswith("parity ") for one in outcomes)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, write what was found, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gpu.json"), help="the JSON file; a .md beside it")
    out: Path = parser.parse_args(arguments).out
    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    with workplace() as root:
        outcomes = run_all(Place(device, root))
    document: Mapping[str, object] = {"device": device, "checks": [asdict(one) for one in outcomes]}
    out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    out.with_suffix(".md").write_text(as_markdown(outcomes), encoding="utf-8")
    return 0 if is_official(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
