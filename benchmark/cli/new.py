"""``bench new``: start a detector from a file that already runs."""

from __future__ import annotations

import keyword
import shlex
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from forenbench.errors import BenchError

from .console import show

app = typer.Typer(help="Start a new detector.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Start a new detector."""


@app.command()
def detector(
    name: Annotated[str, typer.Argument(help="The detector's name, for instance mine.")],
    folder: Annotated[Path, typer.Option(help="Where the file goes.")] = Path(),
) -> None:
    """Write NAME.py: a detector of one file that already runs."""
    # The name stays as it is typed, but a file that can be imported and a class are called otherwise.
    module = name.lower().replace("-", "_")
    if not module.isidentifier() or keyword.iskeyword(module):
        raise BenchError(
            f"'{name}' cannot be a detector's name: use letters, digits, '-' and '_', letter first"
        )
    path = folder / f"{module}.py"
    if path.exists():
        raise BenchError(f"'{path}' is there already; choose another name")
    class_name = "".join(part.capitalize() for part in module.split("_"))
    template = (files("forenbench") / "templates" / "detector.py.txt").read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(template.replace("{name}", name).replace("{Class}", class_name), encoding="utf-8")
    # "./mine.py", not "mine.py": with a slash it is plain that no installed detector is meant.
    shown = shlex.quote(str(path) if path.is_absolute() else f"./{path}")
    show(f"wrote {shown}\nrun it:   bench run --detectors {shown}\ncheck it: bench check detector {shown}")
