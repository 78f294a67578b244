"""What a shell completes behind an option: names of detectors, datasets, perturbations, protocols, tables."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, MutableMapping
from copy import copy
from inspect import signature
from typing import Annotated, Any, get_args

from typer.models import ParameterInfo

from forenbench.front import known_names
from forenbench.types import PUBLISHED, SAMPLE

_KNOWN: dict[str, tuple[Callable[[], list[str]], str]] = {
    "detectors": (known_names.detector_names, ","),
    "detector": (known_names.detector_names, ","),
    "card": (known_names.detector_names, ""),
    "dataset": (known_names.dataset_names, ""),
    "describe": (known_names.dataset_names, ""),
    "perturbations": (known_names.perturbation_names, ",+"),
    "perturbation": (known_names.perturbation_names, "+"),
    "protocol": (known_names.protocol_names, ""),
    "experiment": (known_names.table_names, ""),
    "table NAME": (known_names.table_names, ""),
    "detector NAME": (known_names.detector_names, ""),
    "perturbation NAME": (known_names.perturbation_names, ""),
    "check NAME": (known_names.dataset_names, ""),
    "fetch NAME": (known_names.dataset_names, ""),
}
"""By a parameter's name, or a command's and its NAME: the names to choose from, and what parts several."""
_WORD = re.compile(r"""(?:"[^"]*"?|'[^']*'?|\\.|[^\s"'\\])+""")
_SPLIT = (":", "@")
"""Signs that Bash makes words of (COMP_WORDBREAKS)."""
_BEFORE = "_FORENBENCH_COMPLETE_BEFORE"


def with_completion(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give the parameters of a command what they complete, by their names."""
    own, found = signature(command, eval_str=True), []
    for name, parameter in own.parameters.items():
        known = _KNOWN.get(f"{command.__name__} NAME" if name == "name" else name)
        kind, *extras = get_args(parameter.annotation) or (None,)
        if known and extras and isinstance(extras[0], ParameterInfo):
            info = copy(extras[0])
            info.autocompletion = _completer(*known)
            parameter = parameter.replace(annotation=Annotated[kind, info])
        found.append(parameter)
    command.__signature__ = own.replace(parameters=found)  # type: ignore[attr-defined]
    return command


def join_words(environment: MutableMapping[str, str]) -> None:
    """Undo how Bash splits words for completion: it makes three of ``univfd:lc`` and of ``lgrad@sample``.

    What stands before the last part of a word is remembered: Bash puts what it is told behind that.
    """
    if environment.get("_BENCH_COMPLETE") != "complete_bash":
        return
    current = int(environment.get("COMP_CWORD", "0"))
    words = [*_WORD.findall(environment.get("COMP_WORDS", "")), ""][: current + 1]
    joined, sticks = list[str](), False
    for word in words:
        if joined and word and (sticks or word in _SPLIT):
            joined[-1] += word
        else:
            joined.append(word)
        sticks = word in _SPLIT
    last = "" if sticks else words[-1]
    environment[_BEFORE] = joined[-1].removesuffix(last) if last else joined[-1]
    environment["COMP_WORDS"] = " ".join([*joined[:-1], last])
    environment["COMP_CWORD"] = str(len(joined) - 1)


def _completer(every: Callable[[], list[str]], signs: str) -> Callable[[str], list[str]]:
    """Make what Typer asks for the ways in which a word may go on; `signs` part several names in it."""

    def complete(incomplete: str) -> list[str]:
        before = os.environ.get(_BEFORE, "")
        typed = before + incomplete
        start = max((typed.rfind(sign) + 1 for sign in signs), default=0)
        name, at, _ = typed[start:].partition("@")
        known = set(found := every())
        if at:
            found = [f"{name}@{kind}" for kind in (PUBLISHED, SAMPLE)] if name in known else []
        elif ":" not in name and name not in known:
            # Dozens of variants are shown once their detector's name stands there.
            found = [one for one in found if one.partition(":")[0] not in known or ":" not in one]
        whole = [typed[:start] + one for one in found]
        return [one.removeprefix(before) for one in whole if one.startswith(typed)]

    return complete
