"""``bench audit``: what a data set could be cheated with."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

import forenbench
from forenbench.audit import Audit
from forenbench.audit.distributions import draw
from forenbench.files.atomic import replacing
from forenbench.files.json_documents import document
from forenbench.printable import for_csv, printable
from forenbench.scoring.run_request import joint_name

from . import options as o
from .console import cell, out, say, short, show, show_table, split_pairs

_AGAINST = "Training data to look for the same pictures in: as the dataset, or files without labels."
_SHOWN = 10
"""Groups of twins of each kind that are shown; there may be thousands."""

Datasets = Annotated[
    list[str] | None,
    typer.Argument(
        help="Datasets or suites by name, or any folders, archives or manifests.", show_default="sample"
    ),
]
Against = Annotated[list[str] | None, typer.Option(help=f"{_AGAINST} May be repeated.")]
# Of training data files count, not labels: patterns of real and fake ones would say nothing more.
AgainstColumns = Annotated[
    str, typer.Option(metavar="OURS=THEIRS,…", help="--columns of --against: path=filename.")
]
AgainstLabels = Annotated[
    str, typer.Option(metavar="WORD=LABEL,…", help="--labels of --against: human=real,2=drop.")
]
AgainstLeave = Annotated[
    list[str] | None, typer.Option(metavar="PATTERN", help="--leave of --against. May be repeated.")
]
Distance = Annotated[
    int, typer.Option(help="Bits of 64 by which hashes of pictures that look alike may differ.")
]
Figure = Annotated[
    Path | None, typer.Option(help="PNG file for the distributions by label.", show_default="none")
]
Style = Annotated[
    str, o.format_option(("text", "csv", "json"), "text, json, or csv: one row a file, and nothing else.")
]
RowsFolder = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Run folder of the metadata-only rows.", show_default="results/runs/<dataset>"
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of the metadata-only baseline.")]


@o.grouped
def audit(  # noqa: PLR0913 - a command's options are its arguments
    dataset: Datasets = None,
    images: o.Images = o.IMAGES,
    against: Against = None,
    against_columns: AgainstColumns = "",
    against_labels: AgainstLabels = "",
    against_leave: AgainstLeave = None,
    distance: Distance = 6,
    figure: Figure = None,
    style: Style = "text",
    folder: RowsFolder = None,
    seed: Seed = 0,
) -> None:
    """Compare the files of real and fake images: format, quality, size, duplicates, broken files.

    What a classifier makes of these properties, without a pixel, is stored as rows of a detector
    metadata-only: tables and leaderboards of the run folder show it beside the others.
    """
    names = dataset or ["sample"]
    rules = {
        "columns": split_pairs("--against-columns", against_columns),
        "labels": split_pairs("--against-labels", against_labels),
        "leave": against_leave or [],
    }
    found = forenbench.audit_dataset(
        names,
        against=against or [],
        against_rules=rules,
        distance=distance,
        seed=seed,
        out=folder,
        **asdict(images.choice),
    )
    if style == "csv":
        looks = [f"{value:016x}" for value in found.files["looks"]]
        texts = found.files.select_dtypes(exclude=["number", "bool"]).map(lambda text: for_csv(str(text)))
        files = found.files.assign(**{str(name): texts[name] for name in texts}, looks=looks)
        show(files.to_csv(index=False, lineterminator="\n"))
    elif style == "json":
        frames = {
            "properties": found.properties,
            "duplicates": found.twins.counts,
            "members": found.twins.members,
            "broken": found.broken,
            "baseline": found.baseline,
        }
        show(document("audit", **frames, warnings=found.warnings))
    else:
        _show_text(found)
    if figure is not None:
        with replacing(figure) as partial:
            partial.write_bytes(draw(found.files, joint_name(names)))
        say(f"wrote {short(figure)}")
    if len(found.broken):
        say(f"{len(found.broken)} broken files; column 'problem' says why", "yellow")
        raise typer.Exit(1)


def _show_text(found: Audit) -> None:
    """Print everything as tables."""
    for (dataset, testset), rows in found.properties.groupby(["dataset", "testset"], sort=False):
        columns = rows.set_index("label").drop(columns=["dataset", "testset"]).T
        _print(f"{dataset}/{testset}", columns[(columns != "").any(axis=1)].reset_index(names="property"))
    _print("Files that have a twin", found.twins.counts.rename(columns=lambda name: name.replace("_", " ")))
    for kind, twins in found.twins.members.groupby("kind"):
        groups = list(twins.groupby("group"))
        for _, group in groups[:_SHOWN]:
            files = [f"{label} {path}" for label, path in zip(group["label"], group["path"], strict=True)]
            more = f" and {len(files) - 4} more" if len(files) > 4 else ""
            show(printable(f"{kind}: {', '.join(files[:4])}{more}"))
        if len(groups) > _SHOWN:
            show(f"{kind}: {len(groups) - _SHOWN} more groups; --format json lists all")
    if len(found.twins.members):
        show("")
    if len(found.broken):
        _print("Broken files", found.broken)
    baseline = found.baseline.assign(auroc=found.baseline["auroc"] * 100)
    if len(baseline) > 1:
        # Without a mean where one test set has none: a mean of the others would look like one of all.
        mean = {"testset": "mean", "auroc": baseline["auroc"].mean(skipna=False)}
        baseline = pd.concat([baseline, pd.DataFrame([mean])], ignore_index=True)
    baseline["auroc"] = [f"{area:.1f}" if pd.notna(area) else "" for area in baseline["auroc"]]
    # Nullable whole numbers: beside the mean's empty cells, pandas would make 35 a 35.0.
    baseline = baseline.astype({"real": "Int64", "fake": "Int64"}).rename(columns={"auroc": "AUROC (%)"})
    if not found.baseline["undefined"].any():
        baseline = baseline.drop(columns="undefined")
    shown = baseline.astype(object).where(baseline.notna(), "")
    _print("Metadata-only: what a detector could score without a pixel", shown)
    whole = found.files[found.files["problem"] == ""]
    has_both = (whole.groupby(["dataset", "testset"])["label"].nunique() > 1).any()
    verdict = (
        "No shortcut found: no property by itself gives the labels away."
        if has_both
        else "Nothing to compare: no test set has whole images of both labels."
    )
    for line in [f"WARNING: {warning}." for warning in found.warnings] or [verdict]:
        show(printable(line))


def _print(title: str, frame: pd.DataFrame) -> None:
    """Print a frame as a table, wrapped to the terminal."""
    out.print(cell(title), style="bold")
    show_table(list(frame.columns), frame.itertuples(index=False))
    show("")
