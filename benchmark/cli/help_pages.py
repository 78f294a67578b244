"""What help shows beside what modules of commands say: panels, kinds of values in plain words, examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

COMMAND_PANELS: Mapping[str, tuple[str, ...]] = {
    "Evaluate": ("run", "score", "import"),
    "Read results": ("table", "leaderboard", "report", "plot", "compare", "calibrate", "show", "runs"),
    "Data and weights": ("list", "data", "audit", "weights", "train"),
    "Extend": ("new", "check"),
    "This machine": ("doctor", "cache"),
}
"""The commands of ``bench --help``, each in one panel."""

_IMAGES = "Which images count"
_RULES = "What the files of a path are"
_RUNNING = "How it computes"
OPTION_PANELS: Mapping[str, tuple[str, ...]] = {
    _IMAGES: ("--generators", "--protocol", "--split", "--limit", "--list", "--failed-as", "--tampered-as"),
    _RULES: ("--real", "--fake", "--leave", "--columns", "--labels", "--reals"),
    "How it is shown": (
        *("--format", "--metric", "--digits", "--rename", "--transpose", "--intervals"),
        *("--caption", "--label", "--wide", "--fit"),
    ),
    "Where files are": ("--data-root", "--data", "--out"),
    "Weights": ("--checkpoints", "--weights", "--unverified", "--trained-on"),
    _RUNNING: (
        *("--device", "--precision", "--seed", "--readers", "--feature-cache", "--keep-going"),
        *("--engine", "--address", "--replica-cpus"),
    ),
}
"""The options of long commands, which stand in one order in all of them; what is in none goes first."""

_LONG = 8
"""A command of more options has panels."""

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "run": (
        "bench run --dataset photos --checkpoints sample",
        "bench run --dataset photos --detectors tiny-ladeda,./mine.py --perturbations none,jpeg:75",
    ),
    "score": (
        "bench score photo.png --checkpoints sample",
        "bench score photos --detectors univfd:lc --format json",
    ),
    "import": (
        "bench import scores.csv --detector some-api",
        "bench import scores.csv --detector some-api --threshold 0.7 --out results/runs/some-api",
    ),
    "table": (
        "bench table acc-ap results/runs/photos --format latex",
        "bench table lgrad-3 --only published",
    ),
    "leaderboard": (
        "bench leaderboard results/runs/photos",
        "bench leaderboard results/runs/photos results/runs/validation --rank-by auroc",
    ),
    "report": (
        "bench report results/runs/photos",
        "bench report results/runs/photos --out page.html --worst 8",
    ),
    "plot": (
        "bench plot roc results/runs/photos --out roc.pdf",
        "bench plot heat results/runs/photos --wide",
    ),
    "compare": (
        "bench compare results/runs/photos",
        "bench compare results/runs/photos --detectors lgrad:nearest-gan,univfd:lc",
    ),
    "calibrate": (
        "bench calibrate results/runs/photos --on results/runs/validation",
        "bench calibrate --on results/runs/validation",
    ),
    "audit": ("bench audit photos", "bench audit photos --format json"),
    "list": ("bench list detectors", "bench list datasets --describe forensynths"),
    "data": ("bench data check sample", "bench data index photos --out manifest.csv"),
    "weights": ("bench weights list --detector univfd", "bench weights fetch --detector univfd:lc"),
    "runs": ("bench runs list", "bench runs show results/runs/photos"),
    "show": (
        "bench show errors results/runs/photos",
        "bench show perturbation photo.png --perturbations none,jpeg:30",
    ),
    "check": ("bench check detector ./mine.py", "bench check perturbation jpeg:75"),
    "doctor": ("bench doctor", "bench doctor --format json"),
}
"""Two commands at the end of a command's help."""


def dress(command: Any, name: str = "") -> None:  # noqa: ANN401 - Typer's own class
    """Give a command's help panels, plain kinds of values and examples.

    Args:
        command: A command, or a group of them.
        name: As `EXAMPLES` has it.
    """
    for one in getattr(command, "commands", {}).values():
        dress(one, f"{name} {one.name}".strip())
    if examples := EXAMPLES.get(name):
        command.epilog = "\n\n".join(["Examples:", *(f"`{one}`" for one in examples)])
    parameters = command.get_params
    # Typer adds --help when it is asked for the parameters, so that they are dressed then.
    command.get_params = lambda context: laid_out(parameters(context))


def laid_out(parameters: Sequence[Any]) -> list[Any]:
    """Give parameters their panels, and values their names; panels stand in one order in all commands."""
    panels = {option: panel for panel, options in OPTION_PANELS.items() for option in options}
    order = [None, *OPTION_PANELS]
    places = []
    for one in parameters:
        if is_argument := one.param_type_name == "argument":
            # Beside its name an argument's type would be shown all the same.
            one.display_type_rich = lambda ctx: None
        if one.metavar is None:
            kind = one.display_type(None)
            word = next((word for name, word in _KINDS.items() if name in kind), "TEXT")
            one.metavar = one.name.upper() if is_argument else word
        if len(parameters) > _LONG and one.param_type_name == "option":
            # What has to be said is not to be looked for.
            one.rich_help_panel = None if one.required else panels.get(one.opts[0])
        places.append(order.index(getattr(one, "rich_help_panel", None)))
    return [one for _, one in sorted(zip(places, parameters, strict=True), key=lambda pair: pair[0])]


_KINDS = {"bool": "", "int": "N", "float": "X", "path": "PATH", "file": "PATH"}
"""The value that is wanted, where a command does not name it, by its type: no type's name."""
