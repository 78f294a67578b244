"""The `bench` application: its commands, each imported when it is called, and how errors end."""

from __future__ import annotations

import sys
from pkgutil import resolve_name
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

import forenbench
from forenbench.errors import BenchError

from .console import say
from .console import show as show_text

COMMANDS = {
    "run": ("run:run", "Score every image with every detector, then show the table."),
    "score": (
        "score:score",
        "Score images: one row per image and detector; a higher score means more likely generated.",
    ),
    "table": ("table:table", "Make a table from the rows of one or more runs."),
    "leaderboard": ("leaderboard:leaderboard", "Rank the detectors of one or more runs."),
    "report": (
        "report:report",
        "Write one HTML page about one or more runs, which needs no other file and no network.",
    ),
    "compare": ("compare:compare", "Compare detectors image by image: does one really beat the other?"),
    "calibrate": (
        "calibrate:calibrate",
        "Fit a threshold, temperature, Platt's line and isotonic steps for every detector of the runs.",
    ),
    "import": (
        "importing:import_scores",
        "Take the scores of any tool or API into a run, as a detector of its own.",
    ),
    "audit": (
        "audit:audit",
        "Compare the files of real and fake images: format, quality, size, duplicates, broken files.",
    ),
    "list": (
        "listing:app",
        "List detectors, datasets, engines, metrics, perturbations, sources, tables or weights.",
    ),
    "data": ("data:app", "List, check, fetch or index datasets."),
    "weights": ("weights:app", "List, fetch or check checkpoint files."),
    "cache": ("cache:app", "Show or clear the features that encoders left on disk."),
    "check": ("check:app", "Check what you add against its contract."),
    "new": ("new:app", "Start a new detector."),
    "train": ("train:app", "Train checkpoints."),
    "show": ("show:app", "Show what detectors see, as pictures."),
}
"""Where each command is, and the line that ``bench --help`` has of it, which is that of its own help."""


class LazyGroup(TyperGroup):
    """Commands of which each is imported when it is called: help that lists them need not load them all."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - Typer's own classes
        """Find the command that is called, and load it in place of the line that stands for it."""
        # Click guesses at misspelt names here, and needs no more than the names for it. What stands for a
        # command has no options of its own.
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if name in COMMANDS else command, rest


def load(name: str) -> Any:  # noqa: ANN401 - Typer's own class
    """Import a command, or a group of them, by its name."""
    found = resolve_name(f"{__package__}.{COMMANDS[name][0]}")
    alone = _application()
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
    else:
        alone.command(name)(found)
    # Without a callback Typer makes of a single command the application itself, not a group that has it.
    alone.callback()(lambda: None)
    group = get_command(alone)
    assert isinstance(group, TyperGroup)
    return group.commands[name]


def _application(**settings: Any) -> typer.Typer:  # noqa: ANN401 - Typer's own
    """Make what holds commands, with the settings that all of them inherit."""
    return typer.Typer(
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )


app = _application(
    name="bench",
    help="Compare detectors of AI-generated images: one row per image, tables you can trust.",
    no_args_is_help=True,
    cls=LazyGroup,
)
# Typer knows commands by functions: each gets an empty one, for its name and line in the help.
for _name, (_, _line) in COMMANDS.items():
    app.command(_name, help=_line)(lambda: None)


def _show_version(asked: bool) -> None:
    """Print the version and stop there."""
    # Called while options are read (`is_eager`): `bench --version` names no command, and Click would refuse
    # that before it calls `options`.
    if asked:
        show_text(f"forenbench {forenbench.__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show a traceback when something goes wrong.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Hold the options that come before the command (`run_app` looks for --debug itself)."""


def run_app() -> None:
    """Run the command line: exit 2 for a request that cannot be carried out, 1 for one that broke off."""
    try:
        app()
    except BenchError as error:
        # Read off the arguments: the error may have been raised before Click had read any option.
        if "--debug" in sys.argv[1:]:
            raise
        say(f"error: {error}", "red")
        sys.exit(error.exit_status)
    except Exception as error:
        if "--debug" in sys.argv[1:]:
            raise
        say(f"error: {type(error).__name__}: {error}", "red")
        say("This is a defect in forenbench; 'bench --debug …' shows where.")
        sys.exit(1)
