"""Images with texts of the same name beside them that say what they are: the layout of WebDataset."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from posixpath import splitext
from typing import NamedTuple

from forenbench.errors import BenchError
from forenbench.printable import readable
from forenbench.types import Source

from .columns import is_likely
from .findings import Findings
from .labels import TableWords
from .leftovers import TEXTS
from .table_rows import OF_IMAGES, ReadColumns, find_columns, read_columns

_CLASS, _FIELDS = ".cls", ".json"
_IMAGES = {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}
_IMAGES |= {".jp2", ".avif", ".heic", ".heif"}


class Keyed(NamedTuple):
    """One image and the texts that say what it is; empty where there is none.

    Attributes:
        image: Its path.
        label: Of a text that holds its label alone.
        fields: Of a text of JSON.
    """

    image: str
    label: str
    fields: str


def says_labels(source: Source, paths: Sequence[str], words: TableWords) -> bool:
    """Say whether texts beside images hold labels, as far as the first of them tells.

    Args:
        source: What the paths are read of.
        paths: Of all files.
        words: What fields are called.
    """
    fields = ""
    for one in keyed(paths):
        if one.label:
            return True
        fields = fields or one.fields
    if not fields or "label" in words.columns:
        return bool(fields)
    # Other benchmarks have such texts, too, with prompts in them, and folders that say the label.
    with suppress(BenchError):
        return not {"label", "labels"}.isdisjoint(_fields(source, fields))
    return False


def keyed(paths: Sequence[str]) -> Iterator[Keyed]:
    """Put images and their texts together, in the order of the images.

    The texts of ``a/0001.png`` are ``a/0001.cls`` and ``a/0001.json``, with suffixes in any case. In
    WebDataset's own reading a key ends at the first dot of a name: ``0001.json`` belongs to
    ``0001.crop.png``, too.
    """
    texts = {
        (stem, suffix.lower()): path
        for path in paths
        for stem, suffix in [splitext(path)]
        if suffix.lower() in (_CLASS, _FIELDS)
    }
    if not texts:  # of most folders: the names of a million images need not be taken apart
        return
    for path in paths:
        stem, suffix = splitext(path)
        if suffix.lower() in _IMAGES:
            folder, slash, name = path.rpartition("/")
            names = stem, folder + slash + name.partition(".")[0]
            label, fields = (
                next((texts[name, kind] for name in names if (name, kind) in texts), "")
                for kind in (_CLASS, _FIELDS)
            )
            yield Keyed(path, label, fields)


def find_keyed(source: Source, paths: Sequence[str], words: TableWords, where: str, stem: str) -> Findings:
    """Read what the texts beside images say of them.

    A text ``.cls`` holds the label, a number or a word. Fields of a ``.json`` are columns, as those of a
    table: the label where there is no ``.cls``, the generator and so on. Images without a label are left
    aside.

    Args:
        source: What the paths are read of.
        paths: Of all files.
        words: What fields and labels are called.
        where: The place, for messages.
        stem: The generator of fakes, and the source of reals, of which nothing says another.

    Raises:
        BenchError: A text cannot be read, no field is a label, or a label means nothing.
    """
    images = list(keyed(sorted(paths)))
    wanted = {*OF_IMAGES, "labels", *(name.strip().lower() for name in words.columns.values())}
    rows: list[dict[str, str]] = []
    there: dict[str, None] = {}
    for one in images:
        row = _fields(source, one.fields) if one.fields else {}
        there.update(dict.fromkeys(row))
        if one.label:
            # said by a text for the label alone, unless somebody names a field
            row["label"] = _text(source, one.label).strip()
            there["label"] = None
        # of a caption or an embedding nothing is kept
        rows.append({name: value for name, value in row.items() if name in wanted or is_likely(name)})
    names = find_columns(list(there), words, where)
    used = [name for name in there if name in names.values() or is_likely(name)]
    columns = ReadColumns(names, {name: [row.get(name, "") for row in rows] for name in used})
    found = read_columns([one.image for one in images], columns, words, where, stem)
    return replace(found, notes=(*_notes(images, paths), *found.notes))


def _notes(images: Sequence[Keyed], paths: Sequence[str]) -> Iterator[str]:
    """Say which keys have several images, and which files are neither images nor texts."""
    keys: dict[str, list[str]] = defaultdict(list)
    for one in images:
        keys[one.label or one.fields].append(one.image)
    several = [names for key, names in keys.items() if key and len(names) > 1]
    if several:
        some = ", ".join(f"'{readable(name)}'" for name in several[0])
        yield (
            f"{len(several)} keys have several images, the first {some}: each is an image of its own, with "
            "the key's label. If some are masks or the like, leave them aside by a pattern"
        )
    known = {*_IMAGES, *TEXTS}
    others = [path for path in paths if splitext(path)[1].lower() not in known]
    if others:
        yield f"left aside, neither images nor texts: {len(others)}, the first '{readable(min(others))}'"


def _fields(source: Source, path: str) -> dict[str, str]:
    """Read the fields of a text of JSON, by lower-case name."""
    try:
        found = json.loads(_text(source, path))
    except (ValueError, RecursionError) as error:
        raise BenchError(f"'{readable(path)}' is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise BenchError(f"'{readable(path)}' holds no fields, but a {type(found).__name__}")
    return {str(name).strip().lower(): "" if value is None else str(value) for name, value in found.items()}


def _text(source: Source, path: str) -> str:
    """Read a text."""
    try:
        return source.read(path).decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise BenchError(
            f"'{readable(path)}', which says what an image is, cannot be read: {error}"
        ) from error
