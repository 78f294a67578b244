"""The option ``--data NAME=PATH``: where described datasets lie on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from forenbench.errors import BenchError

Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data", metavar="NAME=PATH", help="Where a dataset lies, if not in --data-root; may be repeated."
    ),
]


def parse_places(pairs: Iterable[str] | None) -> dict[str, Path]:
    """Read the options ``--data NAME=PATH``.

    Raises:
        BenchError: One has no path, names no described dataset, or nothing is there.
    """
    from forenbench.data.descriptions import specs
    from forenbench.errors import unknown

    known = [name for name, spec in specs().items() if not spec.builder]
    places = {}
    for pair in pairs or ():
        name, equals, path = pair.partition("=")
        if not equals:
            raise BenchError(f"--data '{pair}' is not NAME=PATH; a dataset of your own is --dataset PATH")
        if name not in known:
            raise BenchError(unknown("dataset", name, known))
        if not Path(path).expanduser().exists():
            raise BenchError(f"--data {pair}: there is nothing at '{path}'")
        places[name] = Path(path).expanduser()
    return places
