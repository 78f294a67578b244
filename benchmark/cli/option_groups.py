"""Dataclasses whose fields are options of commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import get_type_hints


def fields_as_options(group: type) -> dict[str, Parameter]:
    """Make the parameters of a command of a group's fields, by name."""
    # Annotations are texts here (PEP 563), and Typer wants the `Annotated` objects.
    hints = get_type_hints(group, include_extras=True)
    defaults = {one.name: one.default for one in fields(group)}
    return {
        name: Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if default is MISSING else default,
            annotation=hints[name],
        )
        for name, default in defaults.items()
    }


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of each group (a dataclass) that it takes, in the group's place."""
    groups: dict[str, type] = {}
    options: list[Parameter] = []
    for name, own in signature(command, eval_str=True).parameters.items():
        if is_dataclass(own.annotation) and isinstance(own.annotation, type):
            groups[name] = own.annotation
            options += fields_as_options(own.annotation).values()
        else:
            options.append(own.replace(kind=Parameter.KEYWORD_ONLY))

    @wraps(command)
    def call(*given: object, **values: object) -> None:
        for name, group in groups.items():
            asked = {one.name: values.pop(one.name) for one in fields(group) if one.name in values}
            values |= {name: group(**asked)} if asked else {}  # none where a program calls the command
        command(*given, **values)

    # Typer makes options of a signature, and reads `__signature__` before the function's own.
    call.__signature__ = Signature(options)  # type: ignore[attr-defined]
    return call
