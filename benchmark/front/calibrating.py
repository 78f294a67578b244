"""Thresholds and probabilities fitted on a validation run, for the detectors of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from forenbench.data.finding import find_files
from forenbench.errors import BenchError
from forenbench.records import fits
from forenbench.records.dataset_paths import find_datasets
from forenbench.records.leakage import Contents
from forenbench.types import FileSource

from .arguments import PathName, several
from .bars import Quiet, RunProgress
from .packed import is_unpacked
from .results import Results, open_stores
from .talk import short


def calibrate(  # noqa: PLR0913 - all that says what is fitted, and on what
    on: PathName | Sequence[PathName],
    runs: PathName | Sequence[PathName] = (),
    *,
    perturbation: str = "none",
    dataset: PathName | Sequence[PathName] = (),
    data_root: PathName = "data",
    progress: bool = True,
) -> Results:
    """Fit threshold, temperature, Platt's line and isotonic steps for detectors, as ``bench calibrate`` does.

    They are kept in each run folder as fits.json; its tables "thresholds" and "calibration" show what they
    change.

    Args:
        on: Run folders over validation images.
        runs: Run folders that use the fits; none: all others below ``results/runs``.
        perturbation: Which of the validation rows are used.
        dataset: Where the images of runs are, names or paths; by default where the runs found them.
        data_root: Where downloaded datasets lie.
        progress: Say, on stderr, what was fitted, and what could not be compared.

    Returns:
        The runs that use the fits.

    Raises:
        BenchError: One image, or origin, is in both, for what is fitted on tested images promises too much;
            or a detector was not run on validation images, or as another version of itself.
    """
    told = RunProgress() if progress else Quiet()
    validation = open_stores(several(on))
    used = {store.root.resolve() for store in validation}
    tested = [s for s in open_stores(several(runs)) if several(runs) or s.root.resolve() not in used]
    if packed := [store.root.name for store in tested if is_unpacked(store.root)]:
        raise BenchError(f"fits are kept in the run folder: unpack the zip file of '{packed[0]}' first")
    # Names alone do not tell whether an image is in both: copies are found by content, where files are there.
    sources: dict[Path, dict[str, FileSource]] = {store.root: {} for store in (*validation, *tested)}
    wanted = [str(one) for one in several(dataset)]
    with told:
        for store in (*validation, *tested):
            for name, found in find_datasets(store.records(), wanted, Path(data_root)).items():
                with suppress(BenchError):  # it is not on this machine, or holds no image any more
                    sources[store.root][name], _ = find_files(*found, told.files)
    contents = Contents(sources)
    made = fits.fit(validation, tested, perturbation, contents)
    for store in tested:
        own = {record.detector for record in store.records()}
        if own & made.keys():
            path = fits.write(store.root, {key: fit for key, fit in made.items() if key in own})
            told.say(f"wrote {short(path)}")
        for detector, weights in sorted(own - made.keys()):
            told.say(f"  not fitted, not run on the validation images: {detector} ({weights})", "yellow")
    for (detector, weights), fit in made.items():
        images = "{} real and {} fake images".format(*fit.images)
        told.say(f"  {detector} ({weights}): threshold {fit.threshold:.4g}, from {images}")
    for doubt in _doubts(contents):
        told.say(f"  {doubt}", "yellow")
    return Results(tested)


def _doubts(contents: Contents) -> Iterator[str]:
    """Say which images may be in both, for all that could be seen."""
    if contents.unknown:
        some = ", ".join(dict.fromkeys(contents.unknown))
        yield f"compared by name only, their files are not at hand or have changed: {some}"
    if namesakes := list(dict.fromkeys(contents.namesakes)):
        yield (
            "origins of one name in both, taken for different ones, for they are of different datasets: "
            f"{len(namesakes)}, the first '{namesakes[0]}'"
        )
