"""Processes that need no seconds of imports: forked off a server that has made them once.

A process has one server, with one list of what it imports: a second list would take the place of the first.
"""

from __future__ import annotations

import multiprocessing

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(
    [
        # All that a run imports by itself, and Ray, which starts its threads only when a cluster is joined.
        *("forenbench.cli.app", "forenbench.cli.run"),
        *("forenbench.plugins.loading", "forenbench.plugins.ways"),
        *("forenbench.scoring.engines.local", "forenbench.scoring.engines.ray", "forenbench.scoring.runner"),
        *("forenbench.audit", "forenbench.records.measuring", "forenbench.tables.exports"),
        "forenbench.testing",
        # Of intervals and of readers, of files of rows, and of Typer: more than a second.
        *("scipy.special", "torchvision.transforms", "pyarrow.parquet", "pydantic"),
        # All that a training does.
        *("forenbench.training.supervised", "forenbench.data.catalogue", "timm"),
    ]
)
