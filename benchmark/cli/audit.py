"""``bench audit``: what a data set could be cheated with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.table import Table

from forenbench.audit import Audit, metadata_only, open_training
from forenbench.audit import audit as audit_datasets
from forenbench.audit.distributions import draw
from forenbench.data.catalogue import open_dataset
from forenbench.data.dataset import Dataset
from forenbench.data.sources.splits import chosen
from forenbench.errors import BenchError
from forenbench.files.atomic import replacing
from forenbench.front.bars import RunProgress
from forenbench.printable import for_csv, printable
from forenbench.records.store import Store
from forenbench.scoring.gathering import joint_name, run_folder

from . import options as o
from .console import cell, say, short, show, split
from .console import out as stdout

_AGAINST = "Training data to look for the same pictures in: as the dataset, or files without labels."
_SHOWN = 10


def audit(  # noqa: PLR0913 - a command's options are its arguments
    dataset: Annotated[
        list[str] | None,
        typer.Argument(
            help="Datasets or suites by name, or any folders, archives or manifests.", show_default="sample"
        ),
    ] = None,
    generators: o.Generators = "",
    against: Annotated[list[str] | None, typer.Option(help=f"{_AGAINST} May be repeated.")] = None,
    distance: Annotated[
        int, typer.Option(help="Bits of 64 by which hashes of pictures that look alike may differ.")
    ] = 6,
    figure: Annotated[
        Path | None, typer.Option(help="PNG file for the distributions by label.", show_default="none")
    ] = None,
    style: Annotated[
        str, typer.Option("--format", help="text, json, or csv: one row a file, and nothing else.")
    ] = "text",
    protocol: Annotated[str, typer.Option(help="Which files count, as in 'bench run'.")] = "all",
    splits: o.Split = "",
    data_root: o.DataRoot = Path("data"),
    data: o.Data = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Run folder of the metadata-only rows.", show_default="results/runs/<dataset>"),
    ] = None,
    limit: o.Limit = None,
    seed: Annotated[int, typer.Option(help="Seed of the metadata-only baseline.")] = 0,
) -> None:
    """Compare the files of real and fake images: format, quality, size, duplicates, broken files.

    What a classifier makes of these properties, without a pixel, is stored as rows of a detector
    metadata-only: tables and leaderboards of the run folder show it beside the others.
    """
    if style not in _STYLES:
        raise BenchError(f"--format '{style}' is none of {', '.join(_STYLES)}")
    names = dataset or ["sample"]
    with RunProgress() as progress:
        means: dict[str, Any] = {"data_root": data_root, "limit": limit, "protocol": protocol}
        means |= {"generators": split(generators), "advance": progress.files}
        means |= {"splits": chosen(splits), "places": o.parse_places(data)}
        opened = [one for name in names for one in open_dataset(name, **means)]
        training = [one for name in against or [] for one in open_training(name, data_root, progress.files)]
        _say_notes(opened)
        found = audit_datasets(opened, training, distance=distance, seed=seed, advance=progress.files)
    _STYLES[style](found)
    _keep(found, opened, Store(out or run_folder(joint_name(names), protocol, limit, splits)), seed)
    if figure is not None:
        _draw(found, joint_name(names), figure)
    if len(found.broken):
        say(f"{len(found.broken)} broken files; column 'problem' says why", "yellow")
        raise typer.Exit(1)


def _say_notes(opened: Sequence[Dataset]) -> None:
    """Say what was found out as the datasets were opened, beside what the audit will."""
    for dataset in opened:
        for note in dataset.notes:
            say(f"note: {dataset.name}: {note}", "yellow")


def _keep(found: Audit, opened: Sequence[Dataset], store: Store, seed: int) -> None:
    """Store the metadata-only rows of each test set that has any."""
    store.open()
    defined = found.baseline[found.baseline["undefined"] == ""]
    places = set(zip(defined["dataset"], defined["testset"], strict=True))
    for place, dataset in enumerate(opened):
        for testset in dataset.testsets:
            if (dataset.name, testset.name) in places:
                metadata_only.keep(store, testset, found.of(dataset.name, testset.name), seed, place)
    say(f"In {short(store.root)}/scores/: rows of {metadata_only.NAME} on {len(places)} test sets")


def _draw(found: Audit, title: str, file: Path) -> None:
    """Write the picture."""
    with replacing(file) as partial:
        partial.write_bytes(draw(found.files, title))
    say(f"wrote {short(file)}")


def _show_text(found: Audit) -> None:
    """Print everything as tables."""
    for (dataset, testset), rows in found.properties.groupby(["dataset", "testset"], sort=False):
        columns = rows.set_index("label").drop(columns=["dataset", "testset"]).T
        _print(f"{dataset}/{testset}", columns[(columns != "").any(axis=1)].reset_index(names="property"))
    _print("Files that have a twin", found.twins.counts.rename(columns=lambda name: name.replace("_", " ")))
    _print_twins(found.twins.members)
    if len(found.broken):
        _print("Broken files", found.broken)
    _print("Metadata-only: what a detector could score without a pixel", _with_mean(found.baseline))
    for warning in found.warnings:
        show(printable(f"WARNING: {warning}."))
    if not found.warnings:
        show(_no_warning(found))


def _no_warning(found: Audit) -> str:
    """Say that nothing gives labels away, or that there are none to compare."""
    whole = found.files[found.files["problem"] == ""]
    if (whole.groupby(["dataset", "testset"])["label"].nunique() < 2).all():
        return "Nothing to compare: no test set has whole images of both labels."
    return "No shortcut found: no property by itself gives the labels away."


def _print_twins(members: pd.DataFrame) -> None:
    """Print the first groups of twins of each kind, a line each."""
    for kind, twins in members.groupby("kind"):
        groups = list(twins.groupby("group"))
        for _, group in groups[:_SHOWN]:
            files = [f"{label} {path}" for label, path in zip(group["label"], group["path"], strict=True)]
            more = f" and {len(files) - 4} more" if len(files) > 4 else ""
            show(printable(f"{kind}: {', '.join(files[:4])}{more}"))
        if len(groups) > _SHOWN:
            show(f"{kind}: {len(groups) - _SHOWN} more groups; --format json lists all")
    if len(members):
        show("")


def _with_mean(baseline: pd.DataFrame) -> pd.DataFrame:
    """Write areas in percent, and their mean where all are defined."""
    lines = baseline.assign(auroc=baseline["auroc"] * 100)
    if len(lines) > 1:
        mean = {"testset": "mean", "auroc": lines["auroc"].mean(skipna=False)}
        lines = pd.concat([lines, pd.DataFrame([mean])], ignore_index=True)
    lines["auroc"] = [f"{area:.1f}" if pd.notna(area) else "" for area in lines["auroc"]]
    lines = lines.astype({"real": "Int64", "fake": "Int64"}).rename(columns={"auroc": "AUROC (%)"})
    if not baseline["undefined"].any():
        lines = lines.drop(columns="undefined")
    return lines.astype(object).where(lines.notna(), "")


def _print(title: str, frame: pd.DataFrame) -> None:
    """Print a frame as a table, wrapped to the terminal."""
    table = Table(box=None, pad_edge=False)
    for name in frame.columns:
        table.add_column(cell(name), overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*map(cell, row))
    stdout.print(cell(title), style="bold")
    stdout.print(table, soft_wrap=False)
    show("")


def _show_csv(found: Audit) -> None:
    """Print the files."""
    looks = [f"{value:016x}" for value in found.files["looks"]]
    names = found.files.select_dtypes(exclude=["number", "bool"]).map(lambda text: for_csv(str(text)))
    files = found.files.assign(**{str(name): names[name] for name in names}, looks=looks)
    show(files.to_csv(index=False, lineterminator="\n"))


def _show_json(found: Audit) -> None:
    """Print everything but the files, as one object."""
    frames = {
        "properties": found.properties,
        "duplicates": found.twins.counts,
        "members": found.twins.members,
        "broken": found.broken,
        "baseline": found.baseline,
    }
    records = {name: json.loads(frame.to_json(orient="records")) for name, frame in frames.items()}
    show(json.dumps({**records, "warnings": found.warnings}, indent=1))


_STYLES: Mapping[str, Callable[[Audit], None]] = {"text": _show_text, "csv": _show_csv, "json": _show_json}
