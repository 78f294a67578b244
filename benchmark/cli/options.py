"""Options that several commands share, each declared once, and what is read off them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from forenbench.data.descriptions import check_places
from forenbench.data.sources.rules import Rules
from forenbench.errors import BenchError
from forenbench.front.arguments import ImageChoice
from forenbench.printable import STYLES, check_style

from .console import split, split_pairs
from .option_groups import fields_as_options as fields_as_options
from .option_groups import grouped as grouped

Runs = Annotated[
    list[Path] | None, typer.Argument(help="Run folders.", show_default="all below results/runs")
]
RunFolder = Annotated[Path | None, typer.Option(help="Run folder.", show_default="results/runs/<dataset>")]


def format_option(styles: Sequence[str], words: str) -> object:
    """Declare the option --format, which refuses any but these before its command begins."""

    def checked(style: str) -> str:
        check_style(style, styles)
        return style

    return typer.Option("--format", help=words, callback=checked)


Style = Annotated[str, format_option(STYLES, "text, csv, tidy (one number a line), markdown, latex or json.")]
RowStyle = Annotated[str, format_option(("text", "csv", "json"), "text, csv or json.")]
ListStyle = Annotated[str, format_option(("text", "json"), "text or json.")]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric", metavar="FILE", help="A Python file that adds a metric to tables; may be repeated."
    ),
]
FailedAs = Annotated[
    str,
    typer.Option(
        help="What images without a score count as: missing (in no metric), or wrong (errors in each)."
    ),
]
TamperedAs = Annotated[
    str,
    typer.Option(help="What tampered images count as: apart (a number of their own), fake, real or drop."),
]
CellsOf = Annotated[
    str, typer.Option(help="Cells run under this protocol; by default 'all', or the only one there is.")
]
DataRoot = Annotated[Path, typer.Option(help="Where downloaded datasets lie.")]
Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data", metavar="NAME=PATH", help="Where a dataset lies, if not in --data-root; may be repeated."
    ),
]
FailBelow = Annotated[
    list[str] | None,
    typer.Option(
        metavar="METRIC=VALUE",
        help="End with status 3 if a metric of any cell is lower or has no value: ap=0.9; mean:ap=0.9: of a "
        "detector's mean over test sets; may be repeated.",
    ),
]
FailAbove = Annotated[
    list[str] | None,
    typer.Option(metavar="METRIC=VALUE", help="The same of metrics of which lower is better: ece=0.1."),
]
_PATTERN = "Files of a path that are {}, as a pattern: {}; may be repeated."
Real = Annotated[
    list[str] | None, typer.Option("--real", metavar="PATTERN", help=_PATTERN.format("real", "'coco/**'"))
]
Fake = Annotated[
    list[str] | None,
    typer.Option("--fake", metavar="PATTERN", help=_PATTERN.format("fake", "'{generator}/*'")),
]
Leave = Annotated[
    list[str] | None,
    typer.Option("--leave", metavar="PATTERN", help=_PATTERN.format("neither", "'**/*.pdf'")),
]
Reals = Annotated[
    str, typer.Option("--reals", metavar="NAME|PATH", help="Whose reals stand beside fakes that have none.")
]
Generators = Annotated[str, typer.Option(help="Only these generators, comma-separated.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most N images per label and test set.")]
Listed = Annotated[
    Path | None, typer.Option("--list", metavar="FILE", help="A table of paths: these files alone count.")
]
Split = Annotated[
    str,
    typer.Option(
        "--split",
        help="Which split counts: test, val, train or all.",
        show_default="test, else val, else train",
    ),
]
Protocol = Annotated[
    str,
    typer.Option(
        help="Which files count, and what is done to them first; 'bench list protocols' shows them."
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
Pairs = Annotated[list[str] | None, typer.Option("--weights", help="A checkpoint file, as NAME=PATH.")]
RepeatedPairs = Annotated[
    list[str] | None, typer.Option("--weights", help="A checkpoint file, as NAME=PATH; may be repeated.")
]
Unverified = Annotated[
    bool,
    typer.Option(
        "--unverified",
        help="Take weights of another sha256 than the published one, such as your own; tables say so.",
    ),
]
AllowNetwork = Annotated[
    bool,
    typer.Option(
        "--allow-network", help="Let detectors that ask a service over the network send it the images."
    ),
]
Checkpoints = Annotated[str, typer.Option(help="published or sample.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before the download.")]
Columns = Annotated[
    str,
    typer.Option(
        metavar="OURS=THEIRS,…",
        help="What a table calls its columns: path=filename,generator=model.",
        show_default="as we call them",
    ),
]
Labels = Annotated[
    str,
    typer.Option(
        metavar="WORD=LABEL,…",
        help="What words of a table's labels mean, real, fake, tampered or drop: human=real,6=fake; "
        "*: every other.",
        show_default="0, 1, real, fake, … are known",
    ),
]


@dataclass(frozen=True)
class Ruled:
    """Options that say how the files of a path say what they are (see `grouped`)."""

    real: Real = None
    fake: Fake = None
    leave: Leave = None
    columns: Columns = ""
    labels: Labels = ""
    reals: Reals = ""

    @property
    def words(self) -> dict[str, Any]:
        """The same, as Python's functions take them."""
        patterns = {name: getattr(self, name) or [] for name in ("real", "fake", "leave")}
        return {
            **patterns,
            "columns": split_pairs("--columns", self.columns),
            "labels": split_pairs("--labels", self.labels),
            "reals": self.reals,
        }

    @property
    def rules(self) -> Rules:
        """The same, as datasets are opened by them.

        Raises:
            BenchError: One is no rule.
        """
        return Rules.parse(self.words)


@dataclass(frozen=True)
class Images(Ruled):
    """Options that say which images of datasets count, and where datasets lie (see `grouped`)."""

    generators: Generators = ""
    protocol: Protocol = "all"
    splits: Split = ""
    limit: Limit = None
    listed: Listed = None
    data_root: DataRoot = Path("data")
    data: Data = None

    @property
    def choice(self) -> ImageChoice:
        """The same, as Python's functions take it.

        Raises:
            BenchError: A dataset is not where it is said to be.
        """
        return ImageChoice(
            generators=split(self.generators),
            protocol=self.protocol,
            split=self.splits,
            limit=self.limit,
            listed=self.listed,
            data_root=self.data_root,
            places=parse_places(self.data),
            **self.words,
        )


@dataclass(frozen=True)
class Shown:
    """Options that say which cells are shown, and what has no score (see `grouped`)."""

    runs: Runs = None
    protocol: CellsOf = ""
    failed_as: FailedAs = "missing"
    tampered_as: TamperedAs = "apart"

    @property
    def cells(self) -> tuple[str | None, str, str]:
        """The protocol (None: "all", or the only one); what unscored and what tampered images count as."""
        return self.protocol or None, self.failed_as, self.tampered_as


IMAGES, RULED, SHOWN = Images(), Ruled(), Shown()


def parse_places(pairs: Iterable[str] | None) -> dict[str, Path]:
    """Read the options ``--data NAME=PATH``.

    Raises:
        BenchError: One has no path, names no described dataset, or nothing is there.
    """
    places = {}
    for pair in pairs or ():
        name, equals, path = pair.partition("=")
        if not equals:
            raise BenchError(f"--data '{pair}' is not NAME=PATH; a dataset of your own is --dataset PATH")
        places[name] = Path(path)
    return check_places(places)
