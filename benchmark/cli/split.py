"""``bench data split``: validation, test and training images that share no origin."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

import forenbench

from . import options as o
from .console import say, short, show_table

Share = Annotated[
    float | None, typer.Option(help="Share of the images, as 0.2; what is not said is the rest.")
]
_OUT = "Folder of val.csv, test.csv and train.csv."
_OF = "Of a dataset that has splits, the one that is divided: test, val, train or all."


@o.grouped
def split(  # noqa: PLR0913 - a command's options are its arguments
    dataset: Annotated[str, typer.Argument(help="A dataset's name, a folder, archive or manifest.")],
    val: Share = None,
    test: Share = None,
    train: Share = None,
    seed: Annotated[int, typer.Option(help="Another one gives other splits.")] = 0,
    near: Annotated[
        bool, typer.Option("--near", help="Keep pictures together that look alike, too: all are decoded.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help=_OUT, show_default="<dataset>-split")] = None,
    of: Annotated[str, typer.Option("--split", help=_OF, show_default="test, else val, else train")] = "",
    data_root: o.DataRoot = Path("data"),
    data: o.Data = None,
    ruled: o.Ruled = o.RULED,
) -> None:
    """Divide a dataset into validation, test and training images, a manifest each.

    Images of one origin (photograph, video) or of equal content are never in two of them, and each has its
    share of every label, generator, class and source of reals. The same seed gives the same splits.
    """
    made = forenbench.split(
        dataset,
        out,
        val=val,
        test=test,
        train=train,
        seed=seed,
        near=near,
        of=of,
        data_root=data_root,
        places=o.parse_places(data),
        **ruled.words,
    )
    numbers = made.counts.drop(columns="split")
    show_table(
        ("split", *map(str, numbers), "manifest"),
        [
            (split, *line, short(file))
            for (split, file), line in zip(made.files.items(), numbers.to_numpy().tolist(), strict=True)
        ],
        right=tuple(map(str, numbers)),
    )
    if {"val", "test"} <= made.files.keys():
        name = made.files["val"].parent.name
        runs = {one: shlex.quote(f"results/runs/{name}-{one}") for one in ("val", "test")}
        say("run the same detectors on both, then fit on the one what is used on the other:")
        for one, run in runs.items():
            say(f"  bench run --dataset {shlex.quote(short(made.files[one]))} --out {run}")
        say(f"  bench calibrate {runs['test']} --on {runs['val']}")
