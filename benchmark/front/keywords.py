"""Options that functions take as ``**options``, shown in their signatures."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def taking(options: Any, choice: type) -> Callable[[Function], Function]:  # noqa: ANN401 - a TypedDict
    """Show the options that a function takes as ``**options`` in its signature, with their defaults.

    Args:
        options: Which they are.
        choice: The dataclass that is made of them.
    """

    def decorate(function: Function) -> Function:
        own, known = signature(function), signature(choice).parameters
        *named, _ = own.parameters.values()  # the last is **options
        every = [*named, *(known[name] for name in known if name in options.__annotations__)]
        # `help`, and the completion of notebooks, read this; the call itself does not.
        function.__signature__ = own.replace(parameters=every)  # type: ignore[attr-defined]
        return function

    return decorate
