"""``bench check``: the executable contract of a detector, or of what else can be added; and of results."""

from __future__ import annotations

from .lazy import lazy_group

COMMANDS = {
    "detector": ("check_detector:detector", "Run the contract: every check, with what it found."),
    "perturbation": ("check_added:perturbation", "Run the contract of a perturbation."),
    "source": ("check_added:source", "Run the contract of a source on a place that it opens."),
    "table": ("check_added:table", "Run the contract of a table on a tiny run."),
    "metric": ("check_added:metric", "Run the contract of a metric on a tiny run."),
    "engine": (
        "check_added:engine",
        "Run the contract of an engine: a tiny run gives the rows of the local engine.",
    ),
    "results": (
        "check_results:results",
        "Check results before they join others: digests, images, tables, weights, copies.",
    ),
}
"""As `forenbench.cli.app.COMMANDS`: who checks a detector need not wait for what tables rest on."""

app = lazy_group(__package__, COMMANDS, help="Check what you add against its contract, or results.")
