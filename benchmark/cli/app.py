"""The `bench` application: its commands, each imported when it is called, and how errors end."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

import forenbench
from forenbench.errors import BenchError
from forenbench.front.talk import voice
from forenbench.front.terminal import is_plain

from .completion import join_words
from .console import say
from .console import show as show_text
from .help_pages import COMMAND_PANELS
from .lazy import lazy_group
from .loudness import LogFile, Quiet, Verbose
from .usage import usage_error

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
    "plot": (
        "plot:plot",
        "Draw a figure of one or more runs for a paper: ROC, precision and recall, robustness, heat.",
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
        "List detectors, datasets, engines, metrics, perturbations, protocols, sources, tables or weights.",
    ),
    "runs": ("runs:app", "List, show, check, rename, remove, merge or compare runs."),
    "data": ("data:app", "List, check, fetch, index or divide datasets."),
    "weights": ("weights:app", "List, fetch or check checkpoint files."),
    "doctor": (
        "doctor:doctor",
        "Show what a report of a fault needs: versions, devices, room, caches, weights, settings.",
    ),
    "cache": ("cache:app", "Show or clear what is kept: features, weights, datasets, answers."),
    "check": ("check:app", "Check what you add against its contract, or results."),
    "new": ("new:app", "Start a new detector."),
    "train": ("train:app", "Train checkpoints."),
    "show": ("show:app", "Show what detectors see, as pictures, or why images have no score."),
}
"""Where each command is, and the line that ``bench --help`` has of it, which is that of its own help."""


app = lazy_group(
    __package__,
    COMMANDS,
    COMMAND_PANELS,
    name="bench",
    help="Compare detectors of AI-generated images: one row per image, tables you can trust.",
)


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
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
) -> None:
    """Hold the options that come before the command (`run_app` looks for --debug itself)."""


def run_app() -> None:
    """Run the command line: exit 2 for a request that cannot be carried out, 1 for one that broke off."""
    arguments = sys.argv[1:]
    # Read off the arguments: an error may be raised before any option has been read.
    is_debugged = "--debug" in arguments
    voice.reset()
    join_words(os.environ)
    if is_plain():
        # Typer forces colours in its help where FORCE_COLOR or GITHUB_ACTIONS is set, whatever NO_COLOR says.
        os.environ["_TYPER_FORCE_DISABLE_TERMINAL"] = "1"
    try:
        # Not `standalone`: Typer would draw its own errors in boxes.
        sys.exit(app(prog_name="bench", standalone_mode=False))
    except BenchError as error:
        if is_debugged:
            raise
        say(f"error: {error}", "red")
        sys.exit(error.exit_status)
    except typer.Abort:  # a question was left with Ctrl-C
        say("Aborted.")
        sys.exit(1)
    except typer.TyperException as error:
        # A group alone: with the error that Typer makes of it, its help is shown already.
        if type(error).__name__ != "NoArgsIsHelpError":
            say(f"error: {usage_error(error, arguments)}", "red")
        sys.exit(2)
    except Exception as error:
        if is_debugged:
            raise
        say(f"error: {type(error).__name__}: {error}", "red")
        say("This is a defect in forenbench; 'bench --debug …' shows where.")
        sys.exit(1)
