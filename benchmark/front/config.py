"""The options of a run in a TOML file: what ``bench run`` reads, and what each run leaves beside its rows."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from forenbench.errors import BenchError, unknown
from forenbench.files.atomic import explaining, write_text
from forenbench.files.regular import read_regular
from forenbench.plugins.own import OwnDetector

from .arguments import PathName
from .experiment import narrowed

if TYPE_CHECKING:
    from forenbench.scoring.run_request import Means, Request
    from forenbench.scoring.working import EngineChoice

NAME = "config.toml"
"""Of the file in a run folder."""
_HEAD = """\
# What this run was asked for: 'bench run' with this file as its argument asks for it again.
# Relative paths begin in the working folder, which was {}
"""


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _names(value: object) -> list[str] | None:
    several = [value] if isinstance(value, str) else value
    return several if isinstance(several, list) and all(isinstance(one, str) for one in several) else None


def _pairs(value: object) -> dict[str, str] | None:
    """Take a table for what it is, and a list of NAME=VALUE for one."""
    if isinstance(value, dict):
        plain = all(isinstance(one, str | int | float) for one in value.values())
        return {name: str(one) for name, one in value.items()} if plain else None
    several = [one.partition("=") for one in _names(value) or [""]]
    return {name: one for name, _, one in several} if all(equals for _, equals, _ in several) else None


_Kind = Callable[[object], Any]
_WORDS: Mapping[_Kind, str] = {
    _text: "a text",
    _number: "a whole number",
    _flag: "true or false",
    _names: "a text, or a list of texts",
    _pairs: "a table of names and values",
}
OPTIONS: Mapping[str, _Kind] = {
    **dict.fromkeys(
        ("detectors", "dataset", "perturbations", "equalise", "generators", "trained_on"), _names
    ),
    **dict.fromkeys(("real", "fake", "leave"), _names),
    **dict.fromkeys(("weights", "data", "columns", "labels", "fail_below", "fail_above"), _pairs),
    **dict.fromkeys(("experiment", "checkpoints", "protocol", "split", "list", "reals"), _text),
    **dict.fromkeys(("data_root", "out", "device", "precision", "feature_cache", "engine", "address"), _text),
    **dict.fromkeys(("limit", "seed", "readers", "replica_cpus"), _number),
    **dict.fromkeys(("unverified", "keep_going"), _flag),
}
"""The options of ``bench run``, with underscores, each with what takes its value, or returns None."""
_IN_PYTHON = {"list": "listed", "data": "places"}
"""Options that `forenbench.evaluate` calls otherwise."""


def read_config(file: PathName) -> dict[str, Any]:
    """Read a run's options from a TOML file, as ``bench run`` does.

    Args:
        file: A file of your own, or the ``config.toml`` of a run folder, which goes on with that folder.

    Returns:
        Keywords of `evaluate`: ``evaluate(**read_config(file))``.

    Raises:
        BenchError: It cannot be read, an option is unknown, or has a value of another kind.
    """
    return {_IN_PYTHON.get(name, name): value for name, value in read_options(Path(file)).items()}


def read_options(file: Path) -> dict[str, Any]:
    """Read the same, by the names that options have on the command line, with underscores."""
    try:
        content = tomllib.loads(read_regular(file).decode("utf-8"))
    except OSError as error:
        raise BenchError(f"config '{file}' cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # no TOML, or no text
        raise BenchError(f"config '{file}' is no TOML: {error}") from error
    found = {}
    for key, value in content.items():
        name = key.replace("-", "_")
        if name == "allow_network":  # a file may be somebody else's
            raise BenchError(
                f"config '{file}': allow_network is for who types the command to say: take it out, and add "
                "--allow-network (allow_network=True in Python)"
            )
        if name not in OPTIONS:
            raise BenchError(f"config '{file}': {unknown('option of a run', key, OPTIONS)}")
        if name in found:
            raise BenchError(f"config '{file}' has '{name}' twice, once with dashes")
        found[name] = OPTIONS[name](value)
        if found[name] is None:
            raise BenchError(f"config '{file}': {key} = {value!r} is not {_WORDS[OPTIONS[name]]}")
    # A run folder may have been moved or renamed since: what lies in it says where it is.
    if file.name == NAME and any((file.parent / name).is_dir() for name in ("scores", "parts")):
        found["out"] = str(file.parent)
    return found


def save_config(
    folder: Path, request: Request, means: Means, choice: EngineChoice, others: Mapping[str, Any]
) -> None:
    """Keep in a run folder what the run was asked for, all defaults included.

    Of detectors that a program hands over as objects no file can tell: of such a run nothing is kept.

    Args:
        folder: The run folder.
        request: Detectors over test sets and perturbations.
        means: What the run is carried out with.
        choice: What scores.
        others: Further options.

    Raises:
        RunFailed: The file cannot be written.
    """
    if any(isinstance(one, OwnDetector) for one in request.detectors):
        return
    if request.table:
        asked = {"experiment": request.table, "generators": narrowed(request)}
    else:
        asked = {
            "detectors": [str(one) for one in request.detectors],
            "dataset": list(request.datasets),
            "perturbations": list(request.perturbations),
            # the same ones are wanted of every dataset
            "generators": next(iter(request.datasets.values()), []),
        }
    asked |= _how(means, choice) | {"out": folder.as_posix(), **others}
    said = {name: value for name, value in asked.items() if value not in ("", None, [], {})}
    head = _HEAD.format(str(Path.cwd()).encode("unicode_escape").decode("ascii"))
    text = f"{head}{tomli_w.dumps(said)}"
    file = folder / NAME
    with explaining(folder):
        # Left alone where it says the same: a finished run may lie where nothing can be written any more.
        if not (file.is_file() and file.read_bytes() == text.encode("utf-8")):
            write_text(file, text)


def _how(means: Means, choice: EngineChoice) -> dict[str, Any]:
    return {
        "checkpoints": means.checkpoints,
        "weights": dict(pair.split("=", 1) for pair in means.files.pairs),
        "unverified": means.files.unverified,
        "trained_on": list(means.files.trained_on),
        "limit": means.limit,
        "protocol": means.protocol,
        "split": means.split,
        "list": str(means.listed or ""),
        "data_root": str(means.data_root),
        "data": {name: str(path) for name, path in means.places.items()},
        **{
            word: list(said) if isinstance(said, tuple) else said
            for word, said in means.rules.to_json().items()
        },
        "engine": choice.name,
        "device": choice.device,
        "readers": choice.readers,
        "feature_cache": choice.features,
        "address": choice.address,
        "replica_cpus": choice.replica_cpus,
    }
