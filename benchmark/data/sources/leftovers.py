"""Files that are no samples: texts beside images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from posixpath import splitext

from forenbench.printable import readable

TEXTS = {".txt", ".json", ".caption", ".xml", ".cls"}
BESIDE_TARS = {".tar", ".idx", ".md", *TEXTS}


def texts_beside(paths: Sequence[str]) -> set[str]:
    """Find the texts beside images of the same name: ``a.txt`` or ``a.png.txt`` beside ``a.png``."""
    texts = {path for path in paths if splitext(path)[1].lower() in TEXTS}
    if not texts:  # most folders have none, and the names of a million images need not be made
        return texts
    images = {name for path in paths if path not in texts for name in (path, splitext(path)[0])}
    return {path for path in texts if splitext(path)[0] in images}


def aside(texts: Sequence[str]) -> Iterator[str]:
    """Say that texts were left aside."""
    if texts:
        first = readable(texts[0])
        yield f"left aside, texts beside images of the same name: {len(texts)}, the first '{first}'"
