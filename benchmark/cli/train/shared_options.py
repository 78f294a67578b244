"""The options that recipes share, and what is made of them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from forenbench.cli import options as o
from forenbench.cli.console import say, short, split
from forenbench.cli.progress import RecipeProgress
from forenbench.detectors._nets import encoders
from forenbench.errors import BenchError, unknown
from forenbench.plugins.installed import installed
from forenbench.scoring.devices import choose_device
from forenbench.scoring.requested import Files, open_weights
from forenbench.training.feature_bank import Encoding
from forenbench.training.loop import PRECISIONS
from forenbench.training.processes import joined
from forenbench.training.recipes import TrainingRecipe
from forenbench.training.request import TrainingRequest
from forenbench.training.session import Running
from forenbench.weights import Weights

Data = Annotated[
    str, typer.Option(help="Training images: a dataset's name, a folder or an archive with labels.")
]
Out = Annotated[Path, typer.Option(help="Where checkpoint and card go (and the state meanwhile).")]
Val = Annotated[str, typer.Option(help="Validation images; by default those that belong to --data.")]
Classes = Annotated[str, typer.Option(help="Only these classes, comma-separated: horse,chair.")]
Aug = Annotated[str, typer.Option(help="none, blur:P, jpeg:P or blur_jpg:P, P a probability.")]
Limit = Annotated[int | None, typer.Option(help="N training images in all, half of them real.")]
Init = Annotated[str, typer.Option(help="imagenet, random, or a checkpoint file to start from.")]
Seed = Annotated[int, typer.Option(min=0, help="Of every random draw.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="At most; by default the recipe's.")]
BatchSize = Annotated[int | None, typer.Option("--batch", min=1, help="Over all processes; the recipe's.")]
Rate = Annotated[float | None, typer.Option("--lr", min=0, help="Learning rate; by default the recipe's.")]
Precision = Annotated[str, typer.Option(help="fp32, or bf16 for mixed precision.")]
Quirks = Annotated[bool, typer.Option("--official-quirks", help="Keep the epoch that official code keeps.")]
Skip = Annotated[bool, typer.Option("--skip-unreadable", help="Leave broken files out; the card lists them.")]
Name = Annotated[str, typer.Option(help="Of the checkpoint; by default the one that detectors look for.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes that decode images, for each that trains.")]
SaveEvery = Annotated[int, typer.Option(min=1, help="Steps between two writings of the state.")]
Backbone = Annotated[
    str,
    typer.Option(help="clip-vit-l14, clip-rn50, imagenet-resnet50, imagenet-vit-b16, efficientnet-lite0."),
]

_GO_ON = "The same command goes on from the last state that was written."

_FIRST = ("context", "data", "out")
_REST = (
    *("val", "real", "fake", "leave", "reals", "columns", "labels", "data_root", "classes", "aug", "limit"),
    *("init", "continuing", "seed", "epochs", "batch", "lr"),
    *("device", "precision", "official_quirks", "skip_unreadable", "weights", "unverified", "name"),
    *("workers", "save_every"),
)
"""In which order the help of a recipe lists its options; those of its own stand between these two."""


@dataclass(frozen=True, kw_only=True)
class Options(o.Ruled):
    """What recipes share: their options, by name (see `takes_shared`)."""

    data: Data
    out: Out
    val: Val = ""
    data_root: o.DataRoot = Path("data")
    classes: Classes = ""
    limit: Limit = None
    seed: Seed = 0
    epochs: Epochs = None
    batch: BatchSize = None
    lr: Rate = None
    device: o.Device = "auto"
    precision: Precision = "fp32"
    official_quirks: Quirks = False
    skip_unreadable: Skip = False
    weights: o.Pairs = None
    unverified: o.Unverified = False
    workers: Workers = 4
    save_every: SaveEvery = 500

    @classmethod
    def of(cls, context: typer.Context) -> Options:
        """Take them from a command's options."""
        asked = {
            field.name: context.params[field.name] for field in fields(cls) if field.name in context.params
        }
        # Click hands out paths as texts; Typer makes them Paths only on its way into the command.
        folders = {name: Path(asked[name]) for name in ("out", "data_root")}
        return cls(**{**asked, **folders})

    @property
    def files(self) -> Files:
        """Say which weights files are taken."""
        return Files(self.weights or (), self.unverified)

    def request(self, name: str) -> TrainingRequest:
        """Say what is asked, under a checkpoint's name."""
        if "/" in name or name.startswith("."):  # it would lie where no detector looks for it, or be hidden
            raise BenchError(f"--name '{name}' must be a file's name without a folder")
        return TrainingRequest(
            name,
            self.out,
            self.data,
            self.val,
            self.data_root,
            tuple(sorted(split(self.classes))),
            self.limit,
            self.seed,
            self.skip_unreadable,
            self.rules,
        )

    def adapted(self, recipe: TrainingRecipe, **changes: Any) -> TrainingRecipe:  # noqa: ANN401 - a recipe's fields
        """Change what the user changes about a recipe."""
        # None is "as the recipe has it"; a learning rate of 0 is a wish like any other.
        asked: dict[str, Any] = {"epochs": self.epochs, "batch": self.batch, "rate": self.lr}
        changes |= {key: value for key, value in asked.items() if value is not None}
        return replace(recipe, **changes)


def takes_shared(*without: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of all recipes beside its own; it reads them by `Options.of`.

    Args:
        without: Those that mean nothing to it.
    """
    shared = {name: one for name, one in o.fields_as_options(Options).items() if name not in without}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = signature(command, eval_str=True).parameters
        # By keyword only: parameters without a default may then follow those with one, in the order of help.
        every = shared | {name: one.replace(kind=Parameter.KEYWORD_ONLY) for name, one in own.items()}

        @wraps(command)
        def call(**values: object) -> None:
            command(**{name: values[name] for name in own})

        between = [name for name in own if name not in _FIRST + _REST]
        order = [name for name in (*_FIRST, *between, *_REST) if name in every]
        # Typer makes options of a signature, and reads `__signature__` before the function's own.
        call.__signature__ = Signature([every[name] for name in order])  # type: ignore[attr-defined]
        return call

    return decorate


@contextmanager
def running(options: Options, recipe: TrainingRecipe) -> Iterator[tuple[Running, Weights]]:
    """Join the other processes, show progress, find the weights; Ctrl-C says how to go on and exits 130.

    Raises:
        BenchError: A file cannot be written, or the request is bad.
    """
    if options.precision not in PRECISIONS:
        raise BenchError(f"--precision '{options.precision}' is neither {' nor '.join(PRECISIONS)}")
    keep = recipe.official_keep if options.official_quirks else recipe.keep
    rest = (keep, options.precision, options.workers, options.save_every)
    try:
        with (
            # `torchrun` starts one process a GPU; only the first of them speaks.
            joined(choose_device(options.device)) as processes,
            RecipeProgress(quiet=not processes.first) as progress,
        ):
            progress.note(f"on {processes.device}: loading checkpoints and looking at the images")
            weights = open_weights("published", options.files, processes.device)
            yield Running(recipe, processes, progress.report, progress.files, *rest, progress.note), weights
    except OSError as error:
        raise BenchError(f"cannot go on: {error}. {_GO_ON}") from error
    except KeyboardInterrupt:
        # 130 is what shells give a command that SIGINT ended (128 + 2).
        say(f"stopped. {_GO_ON}", "yellow")
        raise typer.Exit(130) from None


def encoding(
    backbone: str,
    weights: Weights,
    run: Running,
    *,
    half: bool,
    among: Mapping[str, encoders.Backbone] = encoders.BACKBONES,
) -> Encoding:
    """Load a frozen backbone, and say how it is run."""
    if backbone not in among:
        raise BenchError(unknown("backbone", backbone, among))
    with weights.recording() as used:  # the card of what is trained names the files that it rests on
        encoder = among[backbone].load(weights)
    return Encoding(encoder, dict(used), run.processes.device, half, run.workers)


def tell(path: Path | None, *, first: bool) -> None:
    """Say where the result is and how to use it."""
    if not first:
        return
    if path is None:
        say("This share is done; others are missing. The last process to finish joins them.")
        return
    say(f"wrote {short(path)} and {short(path.with_name(path.stem))}.card.json", "green")
    known = {checkpoint.name: checkpoint for found in installed() for checkpoint in found.checkpoints}
    file, replaced = shlex.quote(short(path)), known.get(path.stem)
    if replaced is None:
        use = f"--weights NAME={file} --unverified, with the NAME ('bench list weights') it replaces"
    elif replaced.sha256 or replaced.size:  # of the authors' file, which this one is not
        use = f"--weights {path.stem}={file} --unverified"
    else:
        use = f"--weights {path.stem}={file}, or FORENBENCH_WEIGHTS={shlex.quote(short(path.parent))}"
    say(f"use it: {use}")
