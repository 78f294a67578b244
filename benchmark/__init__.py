"""forenbench: run detectors of generated images over test sets and perturbations, one row per image.

``evaluate`` runs detectors, ``import_scores`` takes other tools' scores, ``load_results`` opens what was run,
``check_results`` checks what others ran, ``split`` divides a dataset, ``calibrate`` fits thresholds,
``audit_dataset`` looks for shortcuts in files, ``score`` scores single images, and ``list_…`` say what there
is to ask for. `Detector`, `Encoder` and `LogitDetector` are what a detector of your own may be.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .version import __version__ as __version__

# Type checkers and editors read the names here: they do not run `__getattr__`.
if TYPE_CHECKING:
    from .audit import Audit as Audit
    from .errors import BenchError as BenchError
    from .errors import RunFailed as RunFailed
    from .front.arguments import ImageOptions as ImageOptions
    from .front.arguments import LoadOptions as LoadOptions
    from .front.arguments import RunOptions as RunOptions
    from .front.auditing import audit_dataset as audit_dataset
    from .front.calibrating import calibrate as calibrate
    from .front.config import read_config as read_config
    from .front.diffing import diff_runs as diff_runs
    from .front.doctor import diagnose as diagnose
    from .front.door import evaluate as evaluate
    from .front.door import score as score
    from .front.importing import ImportOptions as ImportOptions
    from .front.importing import import_scores as import_scores
    from .front.lists import list_datasets as list_datasets
    from .front.lists import list_detectors as list_detectors
    from .front.lists import list_metrics as list_metrics
    from .front.lists import list_perturbations as list_perturbations
    from .front.lists import list_protocols as list_protocols
    from .front.lists import list_tables as list_tables
    from .front.merging import merge_runs as merge_runs
    from .front.plot_request import PlotOptions as PlotOptions
    from .front.results import Results as Results
    from .front.results import load_results as load_results
    from .front.reviewing import check_results as check_results
    from .front.rule_options import RuleOptions as RuleOptions
    from .front.runs import list_runs as list_runs
    from .front.splitting import Splits as Splits
    from .front.splitting import split as split
    from .tables.required import RequirementMissed as RequirementMissed
    from .tables.table import Table as Table
    from .types import Detector as Detector
    from .types import Encoder as Encoder
    from .types import LogitDetector as LogitDetector
    from .types import TestSet as TestSet

_HOMES = {
    "evaluate": "front.door",
    "score": "front.door",
    "import_scores": "front.importing",
    "audit_dataset": "front.auditing",
    "calibrate": "front.calibrating",
    "check_results": "front.reviewing",
    "split": "front.splitting",
    "Splits": "front.splitting",
    "diagnose": "front.doctor",
    "load_results": "front.results",
    "read_config": "front.config",
    "list_runs": "front.runs",
    "merge_runs": "front.merging",
    "diff_runs": "front.diffing",
    "list_detectors": "front.lists",
    "list_datasets": "front.lists",
    "list_perturbations": "front.lists",
    "list_metrics": "front.lists",
    "list_protocols": "front.lists",
    "list_tables": "front.lists",
    "RunOptions": "front.arguments",
    "ImageOptions": "front.arguments",
    "LoadOptions": "front.arguments",
    "ImportOptions": "front.importing",
    "PlotOptions": "front.plot_request",
    "RuleOptions": "front.rule_options",
    "Results": "front.results",
    "Audit": "audit",
    "Table": "tables.table",
    "Detector": "types",
    "Encoder": "types",
    "LogitDetector": "types",
    "TestSet": "types",
    "BenchError": "errors",
    "RunFailed": "errors",
    "RequirementMissed": "tables.required",
}
"""Where each public name is: it is imported when it is asked for, for PyTorch and pandas take seconds."""

__all__ = [
    "Audit",
    "BenchError",
    "Detector",
    "Encoder",
    "ImageOptions",
    "ImportOptions",
    "LoadOptions",
    "LogitDetector",
    "PlotOptions",
    "RequirementMissed",
    "Results",
    "RuleOptions",
    "RunFailed",
    "RunOptions",
    "Splits",
    "Table",
    "TestSet",
    "audit_dataset",
    "calibrate",
    "check_results",
    "diagnose",
    "diff_runs",
    "evaluate",
    "import_scores",
    "list_datasets",
    "list_detectors",
    "list_metrics",
    "list_perturbations",
    "list_protocols",
    "list_runs",
    "list_tables",
    "load_results",
    "merge_runs",
    "read_config",
    "score",
    "split",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'forenbench' has no attribute '{name}'")
    found = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = found  # Python asks `__getattr__` only for what the module lacks: next time it does not
    return found


def __dir__() -> list[str]:
    """List the public names, also those that are not imported yet."""
    return [*globals(), *_HOMES]
