"""Names → things: one mechanism for all that other packages and single files can add.

A package declares an entry point, a file is named by its path. Nothing is imported before it is asked for,
one broken package takes no other down, and two packages under one name are refused.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from forenbench.errors import BenchError, unknown

from .guests import contained, reason

if TYPE_CHECKING:
    from .plugin_files import PluginFile

T = TypeVar("T")
Flaw = Callable[[object], str]
"""Says why something is not of a kind, in words that follow its name; an empty text where it is."""

OURS = "forenbench"


# This reads the metadata of every installed package, and each look-up of a name asks for it.
@cache
def entries_of(group: str) -> tuple[EntryPoint, ...]:
    """List the entry points of one group."""
    return tuple(entry_points(group=group))


# Each of its attributes parses a file anew, and one package may provide dozens of names.
@cache
def _provider(distribution: Distribution) -> tuple[str, str]:
    """Return a package's name and version."""
    return distribution.name, distribution.version


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """What provides a name; nothing of it is imported.

    Attributes:
        name: As it is asked for.
        package: The distribution, and the object within where the distribution is not known.
        version: Of the distribution.
        problem: Why the name cannot be used, as far as that is known without an import.
        target: Where the object is, as ``module:name``; empty for what is part of this package.
    """

    name: str
    package: str
    version: str = ""
    problem: str = ""
    target: str = ""

    @property
    def is_added(self) -> bool:
        """Say whether it is no part of this package alone."""
        return bool(self.target or self.problem)


@dataclass(frozen=True, slots=True)
class Opened(Generic[T]):
    """What an entry stands for: the thing itself, or why it cannot be used."""

    entry: RegistryEntry
    thing: T | None = None
    problem: str = ""


class Registry(Generic[T]):
    """Things of one kind by name: our own, those of packages, and those of files.

    Args:
        what: One of them in words, as in "unknown perturbation 'x'".
        group: Of the entry points.
        flaw: Tells what is none of them.
        ours: Those that are part of this package, in the order of lists.
        reserved: Lists further names of this package, which nothing that is added may have.
    """

    def __init__(
        self,
        what: str,
        group: str,
        flaw: Flaw,
        ours: Mapping[str, T] | None = None,
        reserved: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.what, self.group, self.flaw, self.reserved = what, group, flaw, reserved
        self.ours: Mapping[str, T] = {} if ours is None else ours

    def entries(self) -> dict[str, RegistryEntry]:
        """List what provides each name: our own first, then others by name; nothing is imported."""
        found = {name: RegistryEntry(name, OURS) for name in self.ours}
        for point in sorted(entries_of(self.group), key=lambda one: one.name):
            # An entry point that was read without its distribution (one built in a test, say) has none.
            package, version = _provider(point.dist) if point.dist else (point.value, "")
            entry = RegistryEntry(point.name, package, version, target=point.value)
            is_reserved = point.name in self.reserved()
            first = found.setdefault(point.name, RegistryEntry(point.name, OURS) if is_reserved else entry)
            # Two entry points of one target are one thing, whoever declares them. Ours have no target, so
            # that nobody can take over one of our names.
            if first.target != entry.target:
                both = " and ".join(
                    f"{one.package}{f' ({one.target})' * bool(one.target)}" for one in (first, entry)
                )
                problem = f"two packages provide a {self.what} '{point.name}': {both}; uninstall one"
                found[point.name] = RegistryEntry(point.name, first.package, problem=problem)
        return found

    def added(self) -> list[Opened[T]]:
        """Import what packages add, also what then cannot be used; each of them by itself."""
        return [self.open(entry) for entry in self.entries().values() if entry.is_added]

    def find(self, name: str) -> Opened[T]:
        """Find a thing by its name, and import it.

        Raises:
            BenchError: There is none, with the nearest names; or it cannot be used, with its package.
        """
        entries = self.entries()
        if name not in entries:
            raise BenchError(unknown(self.what, name, entries))
        found = self.open(entries[name])
        if found.problem:
            raise BenchError(f"{self.what} '{name}' ({found.entry.package}) cannot be used: {found.problem}")
        return found

    def open(self, entry: RegistryEntry) -> Opened[T]:
        """Import what an entry stands for; whatever goes wrong becomes its problem."""
        if entry.problem:
            return Opened(entry, problem=entry.problem)
        if not entry.target:
            return Opened(entry, self.ours[entry.name])
        try:
            with contained():
                # `flaw` calls into the thing, too: a property of it may raise, or leave the process.
                thing = EntryPoint(entry.name, entry.target, self.group).load()
                problem = self.flaw(thing)
        except Exception as error:
            return Opened(entry, problem=reason(error))
        return Opened(entry, problem=f"it {problem}") if problem else Opened(entry, thing)

    def in_file(self, file: PluginFile, of: type = object) -> T:
        """Run a file and return the one thing of this kind that it defines; what it imports is not its own.

        Args:
            file: What is run.
            of: What all things of this kind are instances of, those with a flaw included.

        Raises:
            BenchError: It does not run, or it defines none, as their flaws tell, or several.
        """
        module = file.run(self.what)
        found: list[Any] = []
        flaws: list[str] = []
        for name, value in vars(module).items():
            try:
                with contained():
                    # A file imports base classes of what it defines, which may pass as things of the kind.
                    imported = inspect.isclass(value) and value.__module__ != module.__name__
                    if imported or name.startswith("__") or not isinstance(value, of):
                        continue
                    problem = self.flaw(value)
            except Exception as error:  # some objects refuse even to be looked at
                problem = f"cannot be looked at: {reason(error)}"
            if problem:
                flaws.append(f"{name} {problem}")
            else:
                found.append(value)
        if len(found) != 1:
            number, why = (str(len(found)), "") if found else ("no", "; ".join(flaws))
            raise BenchError(
                f"'{file.path}' defines {number} {self.what}s; it must define one{why and f' ({why})'}"
            )
        thing: T = found[0]
        return thing


def uncallable(thing: object) -> str:
    """Say why something cannot be what makes a thing: a `Flaw` of registries whose things are called."""
    return "" if callable(thing) else "is nothing that can be called"
