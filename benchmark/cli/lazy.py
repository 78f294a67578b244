"""Groups of commands of which each is imported when it is called: help that lists them loads none of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from forenbench.errors import BenchError

from .completion import with_completion
from .help_pages import dress, laid_out
from .loudness import add_behind

Commands = Mapping[str, tuple[str, str]]
"""Where each command is, ``module:name`` below the group's package, and the line that help has of it."""


def lazy_group(
    package: str,
    commands: Commands,
    panels: Mapping[str, Sequence[str]] | None = None,
    instead: Mapping[str, str] = MappingProxyType({}),
    **settings: Any,  # noqa: ANN401 - Typer's own
) -> typer.Typer:
    """Make an application of commands that stand in modules of a package.

    Args:
        package: Which.
        commands: Where each is.
        panels: In which of its help each stands, by their titles.
        instead: What others call a command of ours, and a sentence that names it.
        settings: Typer's.
    """

    class Lazy(LazyGroup):
        """This group's class: Typer makes the group itself."""

        table = commands
        where = package
        called_otherwise = instead

    made = _application(cls=Lazy, no_args_is_help=True, **settings)
    # Typer knows commands by functions: each gets an empty one, for its name and line in the help.
    where = {name: panel for panel, names in (panels or {}).items() for name in names}
    for name, (_, line) in commands.items():
        made.command(name, help=line, rich_help_panel=where.get(name))(lambda: None)
    return made


class LazyGroup(TyperGroup):
    """Loads a command in place of the line that stands for it.

    Attributes:
        table: The commands.
        where: The package that their modules are in.
        called_otherwise: See `lazy_group`.
    """

    table: Commands
    where: str
    called_otherwise: Mapping[str, str]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - Typer's own classes
        """Find the command that is called, and load it.

        Raises:
            BenchError: It has another name here.
        """
        if args and args[0] in self.called_otherwise:
            raise BenchError(self.called_otherwise[args[0]])
        # Click guesses at misspelt names here, and needs no more than the names for it. What stands for a
        # command has no options of its own.
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.load(name) if name and name in self.table else command, rest

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - likewise
        """List the group's own options."""
        return laid_out(super().get_params(ctx))

    def load(self, name: str) -> Any:  # noqa: ANN401 - Typer's own class
        """Import a command, or a group of them, by its name."""
        found = resolve_name(f"{self.where}.{self.table[name][0]}")
        alone = _application()
        if isinstance(found, typer.Typer):
            for one in found.registered_commands:
                one.callback = with_completion(one.callback) if one.callback else None
            alone.add_typer(found, name=name)
        else:
            alone.command(name)(with_completion(found))
        # Without a callback Typer makes of a single command the application itself, not a group that has it.
        alone.callback()(lambda: None)
        group = get_command(alone)
        assert isinstance(group, TyperGroup)
        add_behind(group.commands[name])
        dress(group.commands[name], name)
        return group.commands[name]

    def load_all(self) -> None:
        """Import every command, and those of the groups among them."""
        for name in self.table:
            self.commands[name] = loaded = self.load(name)
            if isinstance(loaded, LazyGroup):
                loaded.load_all()


def _application(**settings: Any) -> typer.Typer:  # noqa: ANN401 - Typer's own
    """Make what holds commands, with the settings that all of them inherit."""
    return typer.Typer(
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )
