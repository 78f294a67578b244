"""Where results are made: machine, packages, commit."""

from __future__ import annotations

import platform
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "forenbench",
    "torch",
    "torchvision",
    "timm",
    "open_clip_torch",
    "faiss-cpu",
    "faiss-gpu-cu12",
    "pillow",
    "opencv-python-headless",
    "scipy",
    "numpy",
)


_version = cache(version)
"""Each look-up parses a file of the package, and a run writes many records."""


def environment(device: str) -> dict[str, Any]:
    """Say when, by which command and with what something is made, in the words of `Provenance`."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "command": tuple(sys.argv),
        "device": device,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "packages": versions(),
        "commit": _commit(),
    }


def versions() -> dict[str, str]:
    """Return the versions of the packages that scores rest on, as far as they are installed."""
    found = {}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = _version(name)
    return found


@cache  # two processes of git, which take longer than a small cell
def _commit() -> str:
    """Return the commit of the checkout this code runs from, with "-dirty" if changed; empty if installed."""
    here = Path(__file__).resolve()
    git = ["git", "-C", str(here.parent)]
    try:
        # installed into a .venv inside another checkout it is not of that commit: git must know this file
        subprocess.run([*git, "ls-files", "--error-unmatch", here.name], check=True, capture_output=True)
        # "--exclude=*" leaves all tags aside: a record names the commit, which no tag can be moved away from
        describe = [*git, "describe", "--always", "--dirty", "--exclude=*", "--abbrev=40"]
        return subprocess.run(describe, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
