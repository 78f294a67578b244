"""Models that no plugin describes, by what stands before the colon: ``hf:``, ``onnx:``, ``timm:``."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def find_loader(request: str) -> Any:  # noqa: ANN401 - a class that makes detectors, as a plugin's is
    """Return what makes a detector of ``PREFIX:…``, called with the request and weights; else None.

    Each is imported only when it is asked for: their libraries take seconds.
    """
    match request.partition(":")[0]:
        case "hf":
            from .hub_models import HubModel

            return HubModel
        case "onnx":
            from .onnx_files import OnnxFile

            return OnnxFile
        case "timm":
            from .timm_heads import TimmHead

            return TimmHead
    return None


def absolute(request: str) -> str:
    """Say the same for a process that was started in another folder; other requests come as they are."""
    if request.endswith(".py"):
        return str(Path(request).resolve())
    loader = find_loader(request)
    return request if loader is None else str(loader.parse(request).absolute())
