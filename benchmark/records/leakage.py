"""Whether what is fitted on images is tested on the same ones, by name and by content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from forenbench.data.inventory import take_stock
from forenbench.data.sources.lent import home
from forenbench.data.testsets import digest
from forenbench.errors import BenchError
from forenbench.types import FileSource, Sample

from .record import Record
from .store import Store

if TYPE_CHECKING:
    import pandas as pd


class _Image(NamedTuple):
    """One image of a test set, and whose it is; `sha256` is empty where it is not known."""

    testset: str
    dataset: str
    path: str
    sha256: str


@dataclass(slots=True)
class Contents:
    """What the images of runs are, as far as their files are still at hand.

    Attributes:
        sources: Opened datasets, by run folder and name.
        unknown: Test sets that were asked for, and whose files are not at hand or not those that were run.
    """

    sources: Mapping[Path, Mapping[str, FileSource]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def of(self, store: Store, record: Record, rows: pd.DataFrame) -> list[str]:
        """Return the sha256 of each row's file; the test set's digest vouches for all of them."""
        source = self.sources.get(store.root, {}).get(record.cell.dataset)
        samples = [Sample(path, label) for path, label in zip(rows["path"], rows["label"], strict=True)]
        with suppress(BenchError):
            facts = take_stock(source, [sample.path for sample in samples]) if source else {}
            # One digest for all: where a single file has changed since the run, nobody knows which one it is.
            if facts and digest(samples, facts) == record.identity.testset:
                return [facts[sample.path].sha256 for sample in samples]
        self.unknown.append(full_name(record))
        return [""] * len(samples)


def refuse_overlap(
    validation: Sequence[Store], tested: Sequence[Store], perturbation: str, contents: Contents
) -> None:
    """Stop if a fit would rest on images that results rest on.

    Two images are the same if their content is; where one's is not known, if dataset and path are.

    Raises:
        BenchError: Some image is in both.
    """
    images = [image for store in tested for image in _images(store, None, contents)]
    by_content = {image.sha256: image for image in images if image.sha256}
    by_name = {(image.dataset, image.path): image for image in images}
    for store in validation:
        for image in _images(store, perturbation, contents):
            namesake = by_name.get((image.dataset, image.path))
            # Where both contents are known they decide. Names alone do not: every second set has a 0001.png.
            if namesake and namesake.sha256 and image.sha256:
                namesake = None
            if same := by_content.get(image.sha256, namesake):
                raise BenchError(
                    f"the splits overlap: '{image.path}' of {image.testset} is also in {same.testset}"
                    f"{'' if same.path == image.path else f' as {same.path!r}'}. What is fitted on images "
                    "that are tested promises too much; take other images"
                )


def full_name(record: Record) -> str:
    """Name a test set with its dataset."""
    return f"{record.cell.dataset}/{record.cell.testset}"


def _images(store: Store, perturbation: str | None, contents: Contents) -> Iterator[_Image]:
    """Yield every image of a run; each test set is read once."""
    seen = set()
    for record in store.records():
        # A limit, a protocol or changed files make another set of images under one name; its digest differs.
        key = full_name(record), record.identity.testset
        if perturbation not in (None, record.cell.perturbation) or key in seen:
            continue
        seen.add(key)
        rows = store.rows(record, ["path", "label"])
        for path, sha256 in zip(rows["path"], contents.of(store, record, rows), strict=True):
            yield _Image(full_name(record), *home(record.cell.dataset, path), sha256)
