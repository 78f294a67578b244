"""What ``datasets/*.toml`` say: described datasets, and suites that select test sets from them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from forenbench.data.sources.rules import NO_RULES, Rules
from forenbench.data.sources.split_patterns import read_splits
from forenbench.errors import BenchError, unknown

from .published_counts import CountKey as CountKey
from .published_counts import read_counts, read_formats
from .release_dates import read_dates
from .subsets import WHOLE, Subset


@dataclass(frozen=True, slots=True)
class Download:
    """One published file.

    Attributes:
        file: Its name below the data root; of a whole dataset of the hub, the folder for its files.
        url: A stable public location (``http(s)://``, ``hf://``, ``file://``), or empty where there is none;
            ``hf://datasets/ORG/NAME@REVISION`` is a whole dataset.
        size: In bytes, where known.
        sha256: Where known.
        md5: Where it is known, and no sha256.
    """

    file: str
    url: str = ""
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None

    @property
    def checksum(self) -> str:
        """Return what is known of its content, in words."""
        return f"md5 {self.md5}" if self.md5 and not self.sha256 else f"sha256 {self.sha256 or 'not known'}"


@dataclass(frozen=True, slots=True)
class Spec:
    """One described dataset. What is unknown is empty.

    Attributes:
        name: The file's stem.
        description: One line.
        licence: Of the images.
        version: Part of the folder a builder fills, so that changed images never mix with old ones.
        builder: ``module:function`` that makes the images in a folder, for a dataset made on first use.
        folder: Where the images lie below the data root, or below the folder that the builder fills.
        archives: Files below the data root that are read instead where that folder is absent.
        layouts: Folders and archives below the data root in which official code has it, tried where both are
            absent.
        generator: The one generator of a folder that holds its classes directly.
        origin: A regular expression, found in paths, whose one group is the origin (see `Sample`).
        source: Where its makers publish it.
        downloads: The published files.
        instructions: What to do once they are there, or how to get what is published nowhere.
        checkpoints: The kind of checkpoints that is the default here.
        testsets: Order of the test sets in tables; those not named follow in the order of their names.
        counts: How many images there are of each generator, class and label.
        reals: Sources of real images that several test sets share, with the names of these.
        formats: How many files of each format a generator has under a label.
        rules: How its files say what they are, where names of folders do not.
        aliases: What others call its generators' folders, by that name.
        lender_path: Where the dataset lies that `rules` borrow reals of; empty: where its own description
            says. No key of a file.
        released: When its generators were released, by test set.
        subset: Which of its files count.
        splits: Patterns of the files of each split, where names of folders do not say it.
    """

    name: str
    description: str
    licence: str
    version: str = ""
    builder: str = ""
    folder: str = ""
    archives: tuple[str, ...] = ()
    layouts: tuple[str, ...] = ()
    generator: str = ""
    origin: str = ""
    source: str = ""
    downloads: tuple[Download, ...] = ()
    instructions: str = ""
    checkpoints: str = "published"
    testsets: tuple[str, ...] = ()
    counts: Mapping[CountKey, int] = field(default_factory=dict)
    reals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    formats: Mapping[tuple[str, int], Mapping[str, int]] = field(default_factory=dict)
    rules: Rules = NO_RULES
    aliases: Mapping[str, str] = field(default_factory=dict)
    released: Mapping[str, date] = field(default_factory=dict)
    subset: Subset = WHOLE
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lender_path: str = ""

    def names(self) -> set[str]:
        """Return what generators, classes and sources of reals are called; none is a split's folder."""
        declared = {name for key in self.counts for name in (key.generator, *key.class_name.split("/"))}
        return {*self.testsets, *self.aliases, *self.reals, *declared} - {""}

    def top_folders(self) -> set[str]:
        """Return the folders that it consists of, as far as it declares them."""
        if self.generator:
            return {key.class_name.split("/")[0] for key in self.counts}
        declared = {*self.testsets, *self.aliases, *self.reals, *(key.generator for key in self.counts)}
        if (first := self.rules.top_folders()) is None:
            return declared
        spelt = {name for name in first if not {*name} & {*"*{"}}
        if not (kept := first - spelt):
            return spelt
        # What is kept of the topmost names is declared; of what else may stand there, nothing is known.
        return spelt | declared if declared and kept <= {"{generator}", "{source}"} else set()


class SuitePart(NamedTuple):
    """The test sets that a suite takes from one dataset: where a file names none, all that it declares."""

    dataset: str
    testsets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suite:
    """A named selection of test sets, in the order of a published table."""

    name: str
    description: str
    parts: tuple[SuitePart, ...]
    checkpoints: str = "published"


@cache
def specs() -> Mapping[str, Spec]:
    """Read every dataset description that comes with the package."""
    return {name: parse(name, values) for name, values in _files() if "parts" not in values}


@cache
def suites() -> Mapping[str, Suite]:
    """Read every suite that comes with the package."""
    found, known = {}, specs()
    for name, values in _files():
        if "parts" in values:
            _refuse_unknown(name, values, {"description", "parts", "checkpoints"})
            parts = tuple(
                SuitePart(part["dataset"], tuple(part.get("testsets") or known[part["dataset"]].testsets))
                for part in values["parts"]
            )
            found[name] = Suite(**{**values, "name": name, "parts": parts})
    return found


def check_places(places: Mapping[str, Path]) -> dict[str, Path]:
    """Check where described datasets are said to lie.

    Raises:
        BenchError: One is no described dataset, or nothing is there.
    """
    known = [name for name, spec in specs().items() if not spec.builder]
    for name, path in places.items():
        if name not in known:
            raise BenchError(unknown("dataset", name, known, "bench list datasets"))
        if not path.expanduser().exists():
            raise BenchError(f"dataset '{name}' cannot be read: there is nothing at '{path}'")
    return {name: path.expanduser() for name, path in places.items()}


@cache
def _files() -> list[tuple[str, dict[str, Any]]]:
    """Read every file, with its stem: once, for to parse some fifty takes 40 ms."""
    found = sorted(files("forenbench.datasets").iterdir(), key=lambda file: file.name)
    return [
        (file.name.removesuffix(".toml"), tomllib.loads(file.read_text(encoding="utf-8")))
        for file in found
        if file.name.endswith(".toml")
    ]


def parse(name: str, values: Mapping[str, Any]) -> Spec:
    """Make a dataset of one file's content, checking its keys.

    Raises:
        BenchError: A key is unknown, or a rule is none.
    """
    known = {field.name for field in fields(Spec)} - {"name", "counts", "lender_path"} | {"format"}
    _refuse_unknown(name, values, known)
    testsets, reals = values.get("testsets", ()), values.get("reals", {})
    counts = read_counts(testsets, reals)
    try:
        rules, subset = Rules.parse(values.get("rules", {})), Subset.parse(values.get("subset", {}))
        splits = read_splits(values.get("splits", {}))
    except BenchError as error:
        raise BenchError(f"datasets/{name}.toml: {error}") from None
    parsed = {
        "name": name,
        "archives": tuple(values.get("archives", ())),
        "layouts": tuple(values.get("layouts", ())),
        "downloads": tuple(Download(**one) for one in values.get("downloads", ())),
        "testsets": tuple(testsets),
        "counts": counts,
        "reals": {source: tuple(declared["testsets"]) for source, declared in reals.items()},
        "formats": read_formats(values, counts),
        "rules": rules,
        "subset": subset,
        "splits": splits,
        "released": read_dates(f"datasets/{name}.toml", values.get("released", {})),
    }
    plain = {key: value for key, value in values.items() if key != "format"}
    return Spec(**{**plain, **parsed})


def _refuse_unknown(name: str, values: Mapping[str, Any], known: set[str]) -> None:
    """Refuse a misspelt key rather than pass over it."""
    if surplus := set(values) - known:
        raise BenchError(f"datasets/{name}.toml: unknown key '{min(surplus)}'; known are {sorted(known)}")
