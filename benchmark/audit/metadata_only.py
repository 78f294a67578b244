"""A baseline that sees no pixel: what tells real from fake by properties of the file alone.

Its scores are stored as rows of a detector ``metadata-only``, so that every table shows them beside the
others. It is no detector: it is trained and tested, fold by fold, on the very test set it scores.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from forenbench.files.threads import one_thread
from forenbench.metrics.classification import why_undefined
from forenbench.records.environment import environment
from forenbench.records.record import Identity, Provenance
from forenbench.records.rows import as_rows, samples_as_arrow
from forenbench.records.store import Store
from forenbench.types import FAKE, OWN, REAL, TAMPERED, Cell, Sample, TestSet

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

NAME = "metadata-only"
VERSION = "2"
ROWS = 1
"""Version of what a row of the baseline means; raise it when statuses change. Scores are the version's."""
THRESHOLD = 0.5
FOLDS = 5
_LEAF = 5
"""Files in a leaf of the trees; fewer where a label has fewer, for else no shortcut would be found."""

_SMALL = 250_000
"""Numbers that trees get one thread for: more save no time there, and take up to 32 times the processor's."""

_CATEGORIES = ["container", "mode", "subsampling"]
_NUMBERS = ["quality", "width", "height", "aspect", "bytes_per_pixel", "exif", "icc"]
_NOTE = f"{NAME} is no detector: file properties alone, cross-validated within each test set"
_LAST = 1_000_000
"""Its position among the detectors of a run: behind all of them."""


def cross_validate(files: pd.DataFrame, seed: int) -> tuple[NDArray[np.float32], str]:
    """Score every file by a classifier that was fitted on other folds.

    Gradient-boosted trees (scikit-learn's, both labels of equal weight) on container, mode, subsampling,
    quality, width, height, aspect, bytes per pixel, and whether there are EXIF data and a colour profile.
    Folds are stratified by label; files of one origin, or with the same bytes, stay together.

    Args:
        files: Of one test set, as in `forenbench.audit.Audit.files`.
        seed: Of the folds and the trees.

    Returns:
        Probabilities of "fake" (n,), NaN for broken files; and, where no score can be had, the reason.
    """
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    scores = np.full(len(files), np.nan, np.float32)
    whole = np.flatnonzero(files["problem"] == "")
    known = files.iloc[whole]
    labels = known["label"].to_numpy()
    if reason := why_undefined(labels):
        return scores, reason
    # Copies of one file, or crops of one photograph, in two folds would be known by heart: on the sample that
    # alone is worth ten points of AUROC.
    origins = known["origin"].where(known["origin"] != "", known["sha256"])
    folds = min(FOLDS, *origins.groupby(labels).nunique())
    splits = []
    if folds > 1:
        fold = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        # Where one origin has most files, a fold may come out empty.
        splits = [(fitted, tested) for fitted, tested in fold.split(labels, labels, origins) if len(tested)]
    if not splits or any(why_undefined(labels[fitted]) for fitted, _ in splits):
        return scores, "too few distinct files of a label to cross-validate on"
    # Scikit-learn's trees take single NaNs, but no column of nothing else, so what is no JPEG has quality 0;
    # and they pass over categories of fewer than ten files, unless each is a column of its own.
    features = pd.get_dummies(known[_CATEGORIES + _NUMBERS].fillna(0), columns=_CATEGORIES, dtype=float)
    fewest = min(np.bincount(labels[fitted]).min() for fitted, _ in splits)
    trees = HistGradientBoostingClassifier(
        # With equal weights a fold that has more fakes than the rest is not predicted to have fewer, which
        # would pull chance below 0.5 (Forman and Scholz, SIGKDD Explorations 2010).
        class_weight="balanced",
        # "auto" would hold a tenth of the files back from 10,000 on.
        early_stopping=False,
        min_samples_leaf=min(_LEAF, int(fewest)),
        random_state=seed,
    )
    with one_thread(when=features.size <= _SMALL):
        found = cross_val_predict(trees, features, labels, cv=splits, method="predict_proba")
    scores[whole] = found[:, FAKE]
    return scores, ""


def keep(store: Store, testset: TestSet, files: pd.DataFrame, seed: int, position: int) -> None:
    """Store a test set's scores as a cell of the detector ``metadata-only``, if it is not there.

    Args:
        store: An open run.
        testset: The test set.
        files: Its rows of `forenbench.audit.Audit.files`, in the order of its samples (see `of_two_labels`).
        seed: With which they were scored.
        position: Of the dataset among those of the run, from 0.
    """
    import pandas as pd
    import pyarrow as pa

    cell = Cell(NAME, testset.dataset, testset.name, "none")
    identity = Identity(
        rows=ROWS,
        detector=NAME,
        detector_version=VERSION,
        threshold=THRESHOLD,
        weights=OWN,
        checkpoints={},
        code="",
        testset=testset.digest,
        perturbation="none",
        seed=seed,
        precision="fp32",
    )
    if store.is_done(cell, identity):
        return
    results = pd.DataFrame({"score": files["metadata_score"], "error": files["problem"]})
    results["status"] = np.where(files["problem"] == "", "ok", "unreadable")
    results = results.assign(logit=np.nan, drawn="")
    samples = samples_as_arrow(of_two_labels(testset))
    rows = as_rows(cell, samples, pa.Table.from_pandas(results, preserve_index=False))
    # Trees are another library's than a run's networks: its version is part of where these scores come from.
    here = environment("cpu")
    here["packages"] |= {"scikit-learn": version("scikit-learn")}
    provenance = Provenance(
        **here,
        position=(position, testset.order, 0, _LAST),
        protocol=testset.protocol,
        found=testset.found,
        notes=(_NOTE,),
    )
    store.write(cell, [rows], identity, provenance)


def of_two_labels(testset: TestSet) -> list[Sample]:
    """List the samples that are real or fake: it is these that an audit tells apart."""
    return [sample for sample in testset.samples if sample.label != TAMPERED]


def auroc_of_chance(reals: int, fakes: int) -> float:
    """Return the standard deviation of an AUROC whose scores say nothing (Mann and Whitney, 1947)."""
    return float(np.sqrt((reals + fakes + 1) / (12 * reals * fakes)))


def measure(files: pd.DataFrame, reason: str) -> dict[str, Any]:
    """Measure one test set: counts of scored images, ``auroc``, and ``undefined`` with the reason for NaN."""
    from forenbench.metrics.classification import auroc

    scored = files[files["metadata_score"].notna()]
    labels, scores = scored["label"].to_numpy(), scored["metadata_score"].to_numpy()
    counts = {"real": int((labels == REAL).sum()), "fake": int((labels == FAKE).sum())}
    return {**counts, "auroc": auroc(labels, scores) if not reason else np.nan, "undefined": reason}
