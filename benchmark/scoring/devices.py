"""Devices: those that were asked for, refused where they are not there."""

from __future__ import annotations

import re

from forenbench.errors import BenchError

_DEVICE = re.compile(r"(auto|cpu|mps|(cuda|xpu)(:\d+)?)", re.ASCII)


def check_device(request: str) -> None:
    """Refuse what is no name of a device, before PyTorch is imported to look for it.

    Raises:
        BenchError: It is none.
    """
    if not _DEVICE.fullmatch(request):
        raise BenchError(
            f"unknown device '{request}': a GPU of NVIDIA or AMD is cuda (the second one cuda:1), of Apple "
            "mps, of Intel xpu; else say cpu, or auto for what is there"
        )


def split_devices(request: str) -> list[str]:
    """Split devices with commas between.

    Raises:
        BenchError: One is no device's name.
    """
    names = [name.strip() for name in request.split(",") if name.strip()] or ["auto"]
    for name in names:
        check_device(name)
    return names


def choose_device(request: str) -> str:
    """Resolve ``auto`` and refuse devices that are not there.

    Raises:
        BenchError: It is not there.
    """
    check_device(request)
    import torch

    if request == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        # Tried, for torch.device("cuda:99") is made without a look at the machine. A torch that was built
        # without CUDA raises AssertionError; of a long RuntimeError the first line says what is wrong.
        torch.zeros(1, device=request)
    except (RuntimeError, AssertionError) as error:
        raise BenchError(f"device '{request}' cannot be used here: {str(error).splitlines()[0]}") from error
    return request


def choose_devices(request: str) -> list[str]:
    """Resolve ``auto`` to every GPU, or split a list of devices; refuse those that are not there.

    Args:
        request: ``auto``, or devices with commas between.

    Raises:
        BenchError: One is not there.
    """
    names = split_devices(request)
    import torch

    if request == "auto" and torch.cuda.device_count() > 1:
        return [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return [choose_device(name) for name in names]
