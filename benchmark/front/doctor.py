"""What of this machine and installation matters to a run, to be pasted into a report of a fault."""

from __future__ import annotations

import math
import os
import platform
import re
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, entry_points, version
from pathlib import Path
from typing import TypeAlias

from rich.filesize import decimal

from forenbench.errors import BenchError
from forenbench.files.places import cache_folder
from forenbench.files.sizes import size_of
from forenbench.plugins.readiness import ready
from forenbench.registry.guests import contained, reason
from forenbench.scoring.memory import network_memory
from forenbench.version import __version__
from forenbench.weights.checkpoint_store import FOLDER

Findings: TypeAlias = dict[str, dict[str, str]]
"""What was found, in words, by subject and name."""

PACKAGES = (
    *("torch", "torchvision", "timm", "open_clip_torch", "numpy", "pandas", "pyarrow", "scikit-learn"),
    *("scipy", "pillow", "safetensors", "huggingface_hub", "typer", "rich"),
)
SETTINGS = (
    *("FORENBENCH_WEIGHTS", "FORENBENCH_FEATURES", "FORENBENCH_NETWORK_MEMORY", "FORENBENCH_MAX_PIXELS"),
    *(
        "FORENBENCH_MAX_SECONDS",
        "FORENBENCH_KEEP_MEMORY",
        "XDG_CACHE_HOME",
        "HF_HOME",
        "HF_HUB_CACHE",
        "HF_HUB_OFFLINE",
    ),
    *("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS"),
)
"""Environment variables of which the value is shown; of others it may be a secret."""
_ABSENT = "not installed"
_SECRETS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_SHARED = Path("/dev/shm")


def diagnose() -> Findings:
    """Say which versions, devices, room, caches, weights and settings there are, as ``bench doctor`` does.

    Nothing is written, and no network is asked. The home folder stands as ``~``, and of what may be a secret
    only that it is set.

    Returns:
        Words by name, by subject: versions, extras, devices, room, cache, weights, settings, plugins.
    """
    own = {"forenbench": __version__, "python": platform.python_version(), "system": platform.platform()}
    folder = cache_folder()
    kept = [one for one in sorted(folder.glob("*")) if one.suffix != ".lock"]
    ours = sorted(name for name in os.environ if name.startswith("FORENBENCH_"))
    given = {name: os.environ[name] for name in (*SETTINGS, *_SECRETS, *ours) if os.environ.get(name)}
    room = {}
    for name, path in (("here", Path()), ("cache", folder), ("/dev/shm", _SHARED)):
        there = next((one for one in (path, *path.absolute().parents) if one.exists()), None)
        if there is None or (path == _SHARED and there != _SHARED):
            room[name] = "not there"
            continue
        usage = shutil.disk_usage(there)
        room[name] = f"{decimal(usage.free)} of {decimal(usage.total)} free"
    plugins = {
        group.removeprefix("forenbench."): sorted(
            f"{one.name} ({one.dist.name if one.dist else one.value})"
            for one in entry_points(group=group)
            if one.dist is None or one.dist.name != "forenbench"
        )
        for group in sorted(entry_points().groups)
        if group.startswith("forenbench.")
    }
    return {
        "versions": own | {name: _version(name) for name in PACKAGES},
        "extras": dict(_extras()),
        "devices": dict(_devices()),
        "room": room,
        "cache": {"folder": _short(folder), **{one.name: decimal(size_of(one)) for one in kept}},
        "weights": _weights(),
        "settings": {name: _short(value) if name in SETTINGS else "set" for name, value in given.items()},
        "plugins": {kind: ", ".join(others) for kind, others in plugins.items() if others},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return _ABSENT


def _extras() -> Iterator[tuple[str, str]]:
    """Say of each extra what users install it for, whether all of it is here."""
    try:
        found = distribution("forenbench")
    except PackageNotFoundError:  # a copy of the sources on the path
        return
    for extra in found.metadata.get_all("Provides-Extra") or ():
        # as in 'ray>=2.40; extra == "ray"'
        wanted = [one for one in found.requires or () if one.endswith(f'extra == "{extra}"')]
        names = [re.split(r"[^\w.-]", one)[0] for one in wanted]
        versions = {name: _version(name) for name in names}
        is_here = _ABSENT not in versions.values()
        if extra != "dev":  # nothing that users install
            yield extra, ", ".join(f"{name} {one}" for name, one in versions.items()) if is_here else _ABSENT


def _devices() -> Iterator[tuple[str, str]]:
    yield "cpu", f"{os.cpu_count()} cores, {platform.machine()}"
    try:
        memory = network_memory("cpu")
        yield "memory for networks", decimal(int(memory)) if math.isfinite(memory) else "not known"
    except BenchError as error:
        yield "memory for networks", str(error)
    try:
        with contained():
            import torch

            for number in range(torch.cuda.device_count()):
                free, total = torch.cuda.mem_get_info(number)
                name = torch.cuda.get_device_name(number)
                yield f"cuda:{number}", f"{name}, {decimal(free)} of {decimal(total)} free"
            if torch.backends.mps.is_available():
                yield "mps", "Apple"
            yield "torch", f"CUDA {torch.version.cuda or 'none'}, {torch.get_num_threads()} threads"
    except Exception as error:  # a broken installation is what one looks for here
        yield "torch", f"cannot be used: {reason(error)}"


def _weights() -> dict[str, str]:
    try:
        here, lacking = ready({})
    except BenchError as error:
        return {"problem": str(error)}
    names = sorted({one.detector for one in here})
    every = {one.detector for one in (*here, *lacking)}
    own = os.environ.get(FOLDER, "")
    return {
        "folder": _short(Path(own).expanduser()) if own else f"none ({FOLDER} is not set)",
        "published": f"of {len(every)} detectors {len(names)} have theirs: {', '.join(names) or 'none'}",
    }


def _short(text: str | Path) -> str:
    """Leave out who the user is."""
    home = str(Path.home())
    return str(text).replace(home, "~") if len(home) > 1 else str(text)
