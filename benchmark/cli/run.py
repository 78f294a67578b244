"""``bench run``: score test sets with detectors, and make the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forenbench.types import BenchError, Perturbation

from .console import say, short, show, split
from .progress import RunProgress

if TYPE_CHECKING:
    from forenbench.catalogue import Dataset
    from forenbench.plugins import LoadedDetector
    from forenbench.runner import Summary
    from forenbench.weights import Checkpoint

_PERTURBATIONS = "Perturbations, comma-separated; chains with '+': none,jpeg:75,jpeg:75+blur:1.0."


def run(  # noqa: PLR0913 - a command's options are its arguments
    detectors: Annotated[
        str, typer.Option(help="Detectors, comma-separated: lgrad,univfd:nn-k9,./mine.py.")
    ] = "lgrad,univfd",
    dataset: Annotated[
        list[str] | None, typer.Option(help="A dataset's name or any folder with labels; may be repeated.")
    ] = None,
    generators: Annotated[str, typer.Option(help="Only these generators, comma-separated.")] = "",
    perturbations: Annotated[str, typer.Option(help=_PERTURBATIONS)] = "none",
    data_root: Annotated[Path, typer.Option(help="Where downloaded datasets lie.")] = Path("data"),
    checkpoints: Annotated[
        str,
        typer.Option(help="published or sample; by default sample on the sample dataset, else published."),
    ] = "",
    weights: Annotated[
        list[str] | None, typer.Option(help="A checkpoint file, as NAME=PATH; may be repeated.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder.", show_default="results/runs/<dataset>")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="At most N images per label and test set.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of random perturbations.")] = 0,
) -> None:
    """Score every image with every detector, then show the table.

    Without options: the embedded sample dataset with the small checkpoints that come with it. What is already
    done is not done again; a stopped run goes on where it was.
    """
    from forenbench.catalogue import find_spec
    from forenbench.runner import Job, Settings
    from forenbench.runner import run as run_jobs
    from forenbench.store import Store

    from .reports import describe_dataset, describe_problems, write_results

    names = dataset or ["sample"]
    kinds = {name: checkpoints or find_spec(name).checkpoints for name in names}
    settings = Settings(_parse_perturbations(perturbations), seed, choose_device(device))
    loaded = {
        kind: load_detectors(split(detectors), kind, weights or [], settings.device)
        for kind in dict.fromkeys(kinds.values())
    }
    with RunProgress() as progress:
        datasets = _open_all(names, data_root, split(generators), limit, progress)
        jobs = [Job(one, loaded[kinds[name]]) for name, one in datasets.items()]
        folder = out or _run_folder(datasets.values(), limit)
        store = Store(folder)
        for one in datasets.values():
            describe_dataset(one)
        summary = _run_or_stop(lambda: run_jobs(jobs, settings, store, progress))
    text, written = write_results(store)
    show(text)
    say(f"In {short(folder)}/: scores/ (a row for every image), {', '.join(written)}")
    if not summary.computed:
        say(f"Nothing to compute: all {summary.present} cells were done before.", "green")
    if summary.problems:
        describe_problems(summary)
        raise typer.Exit(1)


def _parse_perturbations(texts: str) -> list[Perturbation]:
    """Parse the option, each distinct perturbation once."""
    from forenbench.perturbations import parse

    found = {one.name: one for one in map(parse, split(texts))}
    if not found:
        raise BenchError("--perturbations names none; write 'none' for the images as they are")
    return list(found.values())


def _run_folder(datasets: Iterable[Dataset], limit: int | None) -> Path:
    """Name the run folder; a run with a limit has one of its own, so that it never displaces a whole one."""
    name = "+".join(one.name for one in datasets)
    return Path("results/runs") / (name if limit is None else f"{name}-limit{limit}")


def _run_or_stop(work: Callable[[], Summary]) -> Summary:
    """Turn Ctrl-C into a word on how to go on, and exit 130."""
    try:
        return work()
    except KeyboardInterrupt:
        say("stopped. Finished cells are kept: the same command goes on from there.", "yellow")
        raise typer.Exit(130) from None


def choose_device(request: str) -> str:
    """Resolve ``auto`` and refuse devices that are not there."""
    import torch

    if request == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.zeros(1, device=request)
    except (RuntimeError, AssertionError) as error:
        raise BenchError(f"device '{request}' cannot be used here: {str(error).splitlines()[0]}") from error
    return request


def load_detectors(requests: list[str], kind: str, weights: list[str], device: str) -> list[LoadedDetector]:
    """Load detectors with one kind of checkpoints; `weights` are NAME=PATH options."""
    from forenbench.plugins import installed, load_all
    from forenbench.weights import KINDS, Weights

    if kind not in KINDS:
        raise BenchError(f"--checkpoints '{kind}' is neither {' nor '.join(KINDS)}")
    if not requests:
        raise BenchError("--detectors names no detector; 'bench list detectors' shows them")
    known = [checkpoint for found in installed() for checkpoint in found.checkpoints]
    return load_all(requests, Weights(kind, _weights_paths(weights, known), device, tuple(known)))


def _open_all(
    names: list[str], data_root: Path, generators: list[str], limit: int | None, progress: RunProgress
) -> dict[str, Dataset]:
    """Open the datasets by request, refusing two of one name, whose rows would mix."""
    from forenbench.catalogue import open_dataset

    opened: dict[str, Dataset] = {}
    for name in dict.fromkeys(names):
        one = open_dataset(
            name, data_root=data_root, generators=generators, limit=limit, advance=progress.files
        )
        if one.name in {other.name for other in opened.values()}:
            raise BenchError(
                f"two datasets are called '{one.name}'; rename the folder '{name}' or run it by itself"
            )
        opened[name] = one
    return opened


def _weights_paths(pairs: list[str], known: Iterable[Checkpoint]) -> dict[str, Path]:
    """Split NAME=PATH options, refusing names that no installed detector knows."""
    from forenbench.plugins import unknown

    names = [checkpoint.name for checkpoint in known]
    paths = {}
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not equals:
            raise BenchError(f"--weights '{pair}' is not NAME=PATH; 'bench list weights' shows the names")
        if name not in names:
            raise BenchError(unknown("checkpoint", name, names))
        paths[name] = Path(path)
    return paths
