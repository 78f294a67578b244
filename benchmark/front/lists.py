"""What there is to ask for, as frames: detectors, datasets, perturbations, protocols, metrics and tables."""

from __future__ import annotations

import pandas as pd

from forenbench.data.descriptions import specs, suites
from forenbench.data.protocols import protocols
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.perturbations.kinds import KINDS as CHANGES
from forenbench.perturbations.suites import profiles
from forenbench.perturbations.suites import suites as perturbation_suites
from forenbench.plugins.installed import installed
from forenbench.tables import TABLES
from forenbench.tables.papers import paper_tables
from forenbench.weights import KINDS


def list_detectors() -> pd.DataFrame:
    """List every variant of every installed detector; a file or an object is a detector, too.

    Returns:
        Columns detector (as `evaluate` takes it: ``lgrad:nearest-gan@sample``), checkpoints (published,
        sample or own), package, problem (why it cannot be used, or empty).
    """
    rows = []
    for found in installed():
        if found.problem or not hasattr(found.plugin, "variants"):
            # A class without variants reads what it likes; what cannot be loaded is listed, with the reason.
            rows.append((found.name, "own", found.package, found.problem))
        else:
            rows += [
                (f"{found.name}:{variant}@{kind}", kind, found.package, "")
                for kind in KINDS
                for variant in found.variants(kind)
            ]
    return pd.DataFrame(rows, columns=["detector", "checkpoints", "package", "problem"])


def list_datasets() -> pd.DataFrame:
    """List every described dataset and suite; any folder, archive or manifest with labels is one, too.

    Returns:
        Columns dataset, kind (dataset or suite), description, images (NA where not known), licence.
    """
    rows = [
        # A description without counts has an unknown number of images, not none.
        (one.name, "dataset", one.description, sum(one.counts.values()) or None, one.licence)
        for one in specs().values()
    ]
    rows += [(one.name, "suite", one.description, None, "") for one in suites().values()]
    frame = pd.DataFrame(rows, columns=["dataset", "kind", "description", "images", "licence"])
    return frame.astype({"images": "Int64"})  # pandas' own integers have no NA, and would become floats


def list_perturbations() -> pd.DataFrame:
    """List every kind of perturbation, the profiles and the suites; kinds and profiles chain with '+'.

    Returns:
        Columns perturbation, kind (kind, profile or suite), description, values (the range of a kind, or what
        it lacks to be used here).
    """
    rows = [(one.syntax, "kind", one.description, one.lack() or one.range) for one in CHANGES]
    rows += [(one.name, "profile", one.chain, "") for one in profiles().values()]
    rows += [(one.name, "suite", ", ".join(one.perturbations), "") for one in perturbation_suites().values()]
    return pd.DataFrame(rows, columns=["perturbation", "kind", "description", "values"])


def list_protocols() -> pd.DataFrame:
    """List every protocol: what it fixes of files and numbers.

    Returns:
        Columns protocol, description, reencoded (what is done to files first, in words), metrics (of its
        table, with commas between), source.
    """
    rows = [
        (one.name, one.description, "; ".join(map(str, one.reencode)), ", ".join(one.metrics), one.source)
        for one in protocols().values()
    ]
    return pd.DataFrame(rows, columns=["protocol", "description", "reencoded", "metrics", "source"])


def list_metrics() -> pd.DataFrame:
    """List the metrics that tables have, with what they mean.

    Returns:
        Columns metric (its column in frames), label (in tables), better ("higher" or "lower"), meaning.
    """
    rows = [
        (one.name, one.label, "lower" if one.lower_is_better else "higher", one.term.meaning)
        for one in METRICS.values()
    ]
    return pd.DataFrame(rows, columns=["metric", "label", "better", "meaning"])


def list_tables() -> pd.DataFrame:
    """List every table: those that any run has, and the papers'.

    Returns:
        Columns table, shows, of (any run, or the paper).
    """
    rows = [(name, kind.description, "any run") for name, kind in TABLES.items()]
    rows += [(name, paper.title, paper.source) for name, paper in paper_tables().items()]
    return pd.DataFrame(rows, columns=["table", "shows", "of"])
