"""A config as defaults of a command's options: what is typed beats it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from forenbench.front.config import read_options


def take_defaults(context: typer.Context, file: Path | None) -> Path | None:
    """Have the options of a command default to what a config says of them."""
    # An eager callback: the options are read after it, and those that are not typed look here first.
    if file is not None:
        params: list[Any] = context.command.params
        by_option = {option: param for param in params for option in getattr(param, "opts", ())}
        context.default_map = {}
        for name, value in read_options(file).items():
            param = by_option[f"--{name.replace('_', '-')}"]
            # As the command line has them: as several options, or as one with commas.
            if isinstance(value, Mapping):
                value = [f"{key}={one}" for key, one in value.items()]
            if isinstance(value, list) and not param.multiple:
                value = ",".join(one.replace(",", "\\,") for one in value)
            context.default_map[param.name] = value
    return file
