"""Whether what is fitted on images is tested on the same ones: by name, by content, and by origin."""

from __future__ import annotations

import os
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from forenbench.data.descriptions import specs
from forenbench.data.inventory import take_stock
from forenbench.data.sources.lent import home
from forenbench.data.testsets import digest
from forenbench.errors import BenchError
from forenbench.types import NOWHERE, FileSource, Sample

from .record import Record
from .store import Store

if TYPE_CHECKING:
    import pandas as pd


class _Image(NamedTuple):
    """One image of a test set, and whose it is.

    Attributes:
        testset: With its dataset.
        dataset: Whose it is, though another one borrowed it.
        path: There.
        sha256: Empty where it is not known.
        origin: Empty where it has none.
        key: What names the file on this machine; empty where it is not at hand.
        place: How the dataset is asked for on a command line; empty where that is not known.
    """

    testset: str
    dataset: str
    path: str
    sha256: str
    origin: str
    key: bytes
    place: str


@dataclass(slots=True)
class Contents:
    """What the images of runs are, as far as their files are still at hand.

    Attributes:
        sources: Opened datasets, by run folder and name.
        unknown: Test sets that were asked for, and whose files are not at hand or not those that were run.
        namesakes: Origins of one name in two datasets of which nobody knows that they are of one.
    """

    sources: Mapping[Path, Mapping[str, FileSource]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    namesakes: list[str] = field(default_factory=list)

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

    def keys(self, store: Store, record: Record, rows: pd.DataFrame) -> list[bytes]:
        """Return what names each row's file on this machine; nothing where origins do not ask for it."""
        source = self.sources.get(store.root, {}).get(record.cell.dataset)
        if source is None or not rows["origin"].any():
            return [b""] * len(rows)
        stamps = source.stamps(list(rows["path"]))
        return [stamps[path].key for path in rows["path"]]


def refuse_overlap(
    validation: Sequence[Store], tested: Sequence[Store], perturbation: str, contents: Contents
) -> None:
    """Stop if a fit would rest on images that results rest on, or on others of their origins.

    Two images are the same if their content is; where one's is not known, if dataset and path are. An origin
    is a name within its dataset, or the folder that the files of two datasets are all in: two manifests of
    it. Origins of one name elsewhere are `Contents.namesakes`.

    Raises:
        BenchError: Some image, or origin, is in both.
    """
    images = [image for store in tested for image in _images(store, None, contents)]
    others = [image for store in validation for image in _images(store, perturbation, contents)]
    by_content = {image.sha256: image for image in images if image.sha256}
    by_name = {(image.dataset, image.path): image for image in images}
    for image in others:
        namesake = by_name.get((image.dataset, image.path))
        # Where both contents are known they decide. Names alone do not: every second set has a 0001.png.
        if namesake and namesake.sha256 and image.sha256:
            namesake = None
        if same := by_content.get(image.sha256, namesake):
            raise BenchError(
                f"the splits overlap: '{image.path}' of {image.testset} is also in {same.testset}"
                f"{'' if same.path == image.path else f' as {same.path!r}'}. {_way_out(same)}"
            )
    _refuse_origins(
        [one for one in others if one.origin], [one for one in images if one.origin], contents.namesakes
    )


def _refuse_origins(validation: Sequence[_Image], tested: Sequence[_Image], namesakes: list[str]) -> None:
    """Stop if both have images of one origin; add those of whom nobody knows to the namesakes.

    Raises:
        BenchError: They have.
    """
    folders, theirs = _folders(tested), _folders(validation)
    names = {image.origin for image in tested}
    by_dataset = {(image.dataset, image.origin): image for image in tested}
    by_folder = {(folders.get(image.dataset, b""), image.origin): image for image in tested}
    for image in validation:
        same = by_dataset.get((image.dataset, image.origin))
        if not same and (folder := theirs.get(image.dataset)):
            same = by_folder.get((folder, image.origin))
        if same:
            raise BenchError(
                f"the splits overlap: '{image.path}' of {image.testset} is of origin '{image.origin}', as "
                f"'{same.path}' of {same.testset} is. {_way_out(same)}"
            )
        if image.origin in names:
            namesakes.append(image.origin)


def _folders(images: Iterable[_Image]) -> dict[str, bytes]:
    """Name the innermost folder that all files of a dataset are in, as far as they are at hand."""
    keys: dict[str, list[bytes]] = defaultdict(list)
    for image in images:
        if image.key:
            keys[image.dataset].append(image.key)
    return {dataset: os.path.commonpath(several) for dataset, several in keys.items()}


def _way_out(image: _Image) -> str:
    """Say how to get images to fit on."""
    why = "What is fitted on images that are tested promises too much; "
    if not image.place:
        return f"{why}take other images"
    return f"{why}'bench data split {image.place} --val 0.2' makes splits that share none"


def full_name(record: Record) -> str:
    """Name a test set with its dataset."""
    return f"{record.cell.dataset}/{record.cell.testset}"


def _images(store: Store, perturbation: str | None, contents: Contents) -> Iterator[_Image]:
    """Yield every image of a run; each test set is read once."""
    seen = set()
    for record in store.records():
        # A limit, a protocol or changed files make another set of images under one name; its digest differs.
        known = full_name(record), record.identity.testset
        if perturbation not in (None, record.cell.perturbation) or known in seen:
            continue
        seen.add(known)
        rows = store.rows(record, ["path", "label", "origin"])
        testset, place, files = full_name(record), _place(record), contents.of(store, record, rows)
        columns = (rows["path"], files, rows["origin"], contents.keys(store, record, rows))
        for path, sha256, origin, key in zip(*columns, strict=True):
            yield _Image(testset, *home(record.cell.dataset, path), sha256, origin, key, place)


def _place(record: Record) -> str:
    """Word what a command line asks for a record's dataset by, with its rules; empty where nobody knows."""
    dataset, found = record.cell.dataset, record.provenance.found or NOWHERE
    place = found.path or (dataset if dataset in specs() else "")
    words = [place] if place else []
    for rule, said in (found.rules or {}).items() if found.path else ():
        if isinstance(said, Mapping):
            pairs = (f"{ours}={theirs}".replace(",", r"\,") for ours, theirs in said.items())
            words.append(f"--{rule}={','.join(pairs)}")
        elif rule != "reals":  # they are named when a split is scored
            words += [f"--{rule}={pattern}" for pattern in said]
    if words and found.data_root and Path(found.data_root) != Path("data").absolute():
        words.append(f"--data-root={found.data_root}")
    return shlex.join(words)
