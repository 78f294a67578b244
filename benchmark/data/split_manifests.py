"""A manifest of each split of a dataset, wherever its images lie."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from forenbench.errors import BenchError
from forenbench.printable import readable
from forenbench.types import FileSource, Sample

from .dividing import ON_THE_LINE, Division
from .inventory import FileFacts
from .sources.locations import open_location
from .sources.manifest import write_manifest


def write_splits(
    folder: Path, made: Division, facts: Mapping[str, FileFacts], source: FileSource, root: Path
) -> dict[str, Path]:
    """Write ``<split>.csv`` of each split, once it was seen that they open the same files.

    Args:
        folder: For the manifests; made if needed.
        made: What they hold.
        facts: Of each image, by path.
        source: Of the images.
        root: Where the dataset lies.

    Returns:
        The files, by split.

    Raises:
        BenchError: The folder holds other splits, or images are where no manifest can find them.
    """
    files = {split: folder / f"{split}.csv" for split in made.samples}
    for split in ON_THE_LINE:
        if split not in files and (old := folder / f"{split}.csv").exists():
            raise BenchError(f"'{old}' is of another division; name another folder, or remove it")
    drafts = {split: folder / f".{split}.draft.csv" for split in files}
    try:
        for split, draft in drafts.items():
            _draft(draft, made.samples[split], facts, source, root)
            if (file := files[split]).exists() and file.read_bytes() != draft.read_bytes():
                raise BenchError(
                    f"'{file}' is there already, of other images, shares or another seed; name another "
                    "folder, or remove it"
                )
        for split, draft in drafts.items():
            draft.replace(files[split])
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    return files


def _draft(
    file: Path, samples: Sequence[Sample], facts: Mapping[str, FileFacts], source: FileSource, root: Path
) -> None:
    """Write one manifest, open it, and compare what it leads to.

    Raises:
        BenchError: It is not the same files.
    """
    # A table that holds its images is found by way of its folder.
    folder = root if root.is_dir() else root.parent
    paths = [sample.path for sample in samples]
    ours, locations = source.stamps(paths), {}
    for path, stamp in ours.items():
        name = os.fsencode(path)
        # Two slashes stand between an archive and its member.
        ends = [end for end in (b"//" + name, b"/" + name) if stamp.key.endswith(end)]
        locations[path] = Path(os.fsdecode(stamp.key.removesuffix(ends[0]))) if ends else folder
    write_manifest(file, locations, samples, facts)
    theirs = open_location(file)[0].stamps(paths)
    for path in paths:
        if theirs[path].key != ours[path].key:
            raise BenchError(
                f"no manifest can say where '{readable(path)}' of '{root}' is; unpack the images"
            )
