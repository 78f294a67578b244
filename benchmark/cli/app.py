"""The `bench` application: its commands, and how errors end."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from forenbench import __version__
from forenbench.errors import BenchError

from . import (
    audit,
    cache,
    calibrate,
    check,
    compare,
    data,
    importing,
    leaderboard,
    listing,
    new,
    report,
    run,
    score,
    show,
    table,
    train,
    weights,
)
from .console import say
from .console import show as show_text

app = typer.Typer(
    name="bench",
    help="Compare detectors of AI-generated images: one row per image, tables you can trust.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("score")(score.score)
app.command("table")(table.table)
app.command("leaderboard")(leaderboard.leaderboard)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.command("calibrate")(calibrate.calibrate)
app.command("import")(importing.import_scores)
app.command("audit")(audit.audit)
app.command("list")(listing.listing)
app.add_typer(data.app, name="data")
app.add_typer(weights.app, name="weights")
app.add_typer(cache.app, name="cache")
app.add_typer(check.app, name="check")
app.add_typer(new.app, name="new")
app.add_typer(train.app, name="train")
app.add_typer(show.app, name="show")


def _show_version(asked: bool) -> None:
    """Print the version and stop there."""
    if asked:
        show_text(f"forenbench {__version__}")
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
