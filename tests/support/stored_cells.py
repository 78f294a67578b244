"""Finished cells in a store, with metrics known by formula."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa

from forenbench.records.record import Identity, Provenance, Record, StatusCounts
from forenbench.records.rows import COLUMNS
from forenbench.records.store import Store
from forenbench.types import Cell, Whereabouts

LABELS = [0, 0, 1, 1]
PERFECT, ONE_WRONG = [0.1, 0.2, 0.8, 0.9], [0.1, 0.6, 0.4, 0.9]
"""ONE_WRONG: accuracy 1/2; AP = (1/1 + 2/3) / 2 = 5/6; three of four pairs in order: AUROC 3/4."""
_IDENTITY = Identity(
    rows=4,
    detector="d",
    detector_version="1",
    threshold=0.5,
    weights="sample",
    checkpoints={"head": "abc" * 20},
    code="",
    testset="d1",
    perturbation="none",
    seed=0,
    precision="fp32",
)
_PROVENANCE = Provenance(time="2026-01-02T00:00:00+00:00", position=(0, 0, 0, 0))


def with_wrong_reals(wrong: int) -> tuple[list[int], list[float]]:
    """Give labels and scores of ten reals and ten fakes, some reals above all fakes.

    The fakes tie, so precision has one step: accuracy (20 - wrong) / 20, AP 10 / (10 + wrong).
    """
    return [0] * 10 + [1] * 10, [0.99] * wrong + [0.1] * (10 - wrong) + [0.9] * 10


def identity(**fields: Any) -> Identity:  # noqa: ANN401 - whatever a field holds
    """Make an identity; what is not given does not matter."""
    return replace(_IDENTITY, **fields)


def provenance(**fields: Any) -> Provenance:  # noqa: ANN401 - likewise
    """Say what made a cell; what is not given is not known."""
    return replace(_PROVENANCE, **fields)


def record(dataset: str, **fields: Any) -> Record:  # noqa: ANN401 - likewise
    """Make a record of no rows, with such a provenance."""
    return Record(Cell("d", dataset, "t", "none"), identity(), StatusCounts(), provenance(**fields))


def add(
    store: Store,
    detector: str,
    testset: str,
    scores: list[float],
    labels: list[int] | None = None,
    *,
    dataset: str = "data",
    classes: list[str] | None = None,
    status: str = "ok",
    lost: int | list[int] = 1,
    place: int = 0,
    perturbation: str = "none",
    kind: str = "sample",
    digest: str = "d1",
    head: str = "abc" * 20,
    version: str = "1",
    threshold: float = 0.5,
    time: str = "2026-01-02T00:00:00+00:00",
    protocol: str | None = None,
    sources: list[str] | None = None,
    trained_on: list[str] | None = None,
    paths: list[str] | None = None,
    origins: list[str] | None = None,
    lender: str | None = None,
    generators: list[str] | None = None,
) -> None:
    """Store one cell; `status` is that of the first `lost` images, or of those at these places."""
    labels = LABELS if labels is None else labels
    classes = classes or [""] * len(labels)
    values: dict[str, object] = dict.fromkeys(COLUMNS, "") | {"logit": math.nan}
    rows = pd.DataFrame(
        [
            values
            | {"label": label, "score": score, "status": "ok", "class": name}
            | {"real_source": source, "path": path, "origin": origin, "generator": generator}
            for label, score, name, source, path, origin, generator in zip(
                labels,
                scores,
                classes,
                sources or [""] * len(labels),
                paths or [f"{testset}/{at}" for at in range(len(labels))],
                origins or [""] * len(labels),
                generators or [""] * len(labels),
                strict=True,
            )
        ]
    )
    rows.loc[range(lost) if isinstance(lost, int) else lost, "status"] = status
    cell = Cell(detector, dataset, testset, perturbation)
    same = identity(
        detector=detector,
        detector_version=version,
        threshold=threshold,
        weights=kind,
        checkpoints={"head": head},
        testset=digest,
        perturbation=perturbation,
    )
    seen = tuple(trained_on or ())
    made = provenance(time=time, position=(0, place, 0, 0), trained_on=seen, protocol=protocol)
    if lender is not None:
        made = replace(made, found=Whereabouts(lender=lender))
    store.write(cell, [pa.Table.from_pandas(rows)], same, made)
