"""Shortcuts in plain words: what a detector could tell the labels by without a look at the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from forenbench.metrics.classification import auroc
from forenbench.types import FAKE, REAL

from .metadata_only import auroc_of_chance
from .overview import TESTSET, shares, size

if TYPE_CHECKING:
    import pandas as pd

_STRONG = 0.9
_RARE = 3
"""Values of fewer files are one value: that two small sets of photographs share no size is no shortcut."""
_SURE = 3
"""Standard deviations of chance, beyond which an AUROC is a warning."""

_KINDS: Mapping[str, Callable[[pd.DataFrame], pd.Series]] = {
    "container": lambda files: files["container"],
    "colour mode": lambda files: files["mode"],
    "size": size,
    "JPEG table": lambda files: "JPEG of " + files.loc[files["table"] != "", "table"],
    "JPEG chroma": lambda files: "JPEG of " + files.loc[files["subsampling"] != "", "subsampling"],
    "EXIF": lambda files: files["exif"].map({True: "with EXIF", False: "without EXIF"}),
    "ICC profile": lambda files: files["icc"].map({True: "with ICC profile", False: "without ICC profile"}),
}
"""What kind of file it is; of JPEGs alone where nothing else has such a kind."""

_AMOUNTS = {"quality": "JPEG quality", "aspect": "aspect", "bytes_per_pixel": "bytes per pixel"}


def warnings(files: pd.DataFrame) -> Iterator[str]:
    """Name the single properties that give the labels of a test set away.

    A kind (of container, say) is named where real and fake share none, or where guessing by it is right for
    over 90 % (mean over labels); an amount where it alone has an AUROC over 0.9, either way round, that
    chance does not give so few files.

    Args:
        files: As in `forenbench.audit.Audit.files`; broken ones do not count.
    """
    whole = files[files["problem"] == ""]
    for (_, testset), group in whole.groupby(TESTSET, sort=False):
        if group["label"].nunique() < 2:
            continue
        yield from _kinds(str(testset), group)
        for column, name in _AMOUNTS.items():
            known = group.dropna(subset=[column])
            labels = known["label"].to_numpy()
            fakes = int((labels == FAKE).sum())
            if not 0 < fakes < len(labels):
                continue
            area = auroc(labels, known[column].to_numpy())
            chance = 0.5 + _SURE * auroc_of_chance(len(labels) - fakes, fakes)
            # Either way round: a detector learns which label has more as easily as that it has more.
            if max(area, 1 - area) > max(_STRONG, chance):
                more = "more" if area > 0.5 else "less"
                yield (
                    f"{testset}: {name} alone has an AUROC of {max(area, 1 - area):.2f} (fakes have {more})"
                )


def of_baseline(baseline: pd.DataFrame) -> Iterator[str]:
    """Name test sets on which the metadata-only baseline does better than chance.

    Args:
        baseline: As in `forenbench.audit.Audit.baseline`.
    """
    for row in baseline.dropna(subset=["auroc"]).to_dict("records"):
        if row["auroc"] > 0.5 + _SURE * auroc_of_chance(row["real"], row["fake"]):
            yield (
                f"{row['testset']}: file properties alone reach an AUROC of {row['auroc']:.2f}; "
                "a detector that scores no better may have seen no more"
            )


def _kinds(testset: str, files: pd.DataFrame) -> Iterator[str]:
    """Compare what kinds of file the labels are."""
    for name, kind in _KINDS.items():
        values = kind(files)
        labels = files.loc[values.index, "label"]  # some kinds are of JPEGs only
        if labels.nunique() < 2:
            continue
        fake, real = (values[labels == label] for label in (FAKE, REAL))
        frequent = values.where(values.map(values.value_counts()) >= _RARE, "rare")
        shared = frequent.groupby(labels).value_counts(normalize=True).unstack(fill_value=0).min()
        # Whoever guesses by the value takes the label that has the larger share of it, and is wrong for the
        # smaller one; labels weigh alike, so that a test set of mostly fakes is no shortcut by itself.
        error = float(shared.sum()) / 2
        if not error and fake.nunique() == real.nunique() == 1:
            yield (
                f"{testset}: every fake is {fake.iloc[0]} and every real {real.iloc[0]}: "
                "a detector needs no pixel"
            )
        elif not error:
            sides = f"fake: {shares(fake)}; real: {shares(real)}"
            yield f"{testset}: no {name} is common to fake and real ({sides}): a detector needs no pixel"
        elif 1 - error > _STRONG:
            sides = f"fake: {shares(fake)}; real: {shares(real)}"
            yield f"{testset}: {name} alone is right for {1 - error:.0%} ({sides})"
