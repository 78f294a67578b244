"""``bench new``: start a detector from a file that already runs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from forenbench.front.starting import TEMPLATES, start_detector

from .console import show

app = typer.Typer(help="Start a new detector.", no_args_is_help=True)

_KINDS = "; ".join(f"{kind}, {template.line}" for kind, template in TEMPLATES.items())
Kind = Annotated[str, typer.Option(help=f"What it starts from: {_KINDS}.")]


@app.command()
def detector(
    name: Annotated[str, typer.Argument(help="The detector's name, for instance mine.")],
    kind: Kind = "plain",
    folder: Annotated[Path, typer.Option(help="Where the file goes.")] = Path(),
) -> None:
    """Write NAME.py: a detector of one file that already runs."""
    made = start_detector(name, kind, folder)
    written = _shown(made.file)
    shown = f"{written}{made.template.options}"
    example = f"\nwrote {_shown(made.example)}, an example: put your own in its place" if made.example else ""
    fill = f"\nfill in:  {made.template.fill}" if made.template.fill else ""
    show(
        f"wrote {written}{example}{fill}\nrun it:   bench run --detectors {shown}\n"
        f"check it: bench check detector {shown}"
    )


def _shown(path: Path) -> str:
    """Write a path for the shell."""
    # "./mine.py", not "mine.py": with a slash it is plain that no installed detector is meant.
    return shlex.quote(str(path) if path.is_absolute() else f"./{path}")
