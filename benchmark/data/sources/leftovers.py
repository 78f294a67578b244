"""Files that are no samples: texts beside images, and whole trees in which nothing has a label."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from posixpath import splitext

from forenbench.errors import BenchError
from forenbench.printable import readable

TEXTS = {".txt", ".json", ".caption", ".xml", ".cls"}
BESIDE_SHARDS = {".tar", ".idx", ".md", *TEXTS}
_SHOWN = 3


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


def without_labels(location: Path, paths: Sequence[str]) -> BenchError:
    """Return the error for a folder or archive in which nothing has a label.

    Args:
        location: Where it is.
        paths: All that is in it, but for texts beside images.
    """
    if not paths:
        return BenchError(f"'{location}' is empty: there is no file to score")
    quoted = shlex.quote(str(location))
    # the first file of each folder: reversed, the last one that is put under a key is the first in order
    first = {path.rpartition("/")[0]: path for path in reversed(paths)}
    some = ", ".join(f"'{readable(path)}'" for path in sorted(first.values())[:_SHOWN])
    ways = ["Sort them into such folders", "list them with their labels in a manifest"]
    if len(first) == 1:
        ways.append(f"if all have one label, real or fake, say it: bench data index {quoted} --label real")
    if location.is_dir():
        ways.append(f"score them without: bench score {quoted}")
    return BenchError(
        f"'{location}' holds {len(paths)} files, none below a folder named 0_real, 1_fake, real or fake, so "
        f"there are no labels (for instance {some}). {', or '.join(ways)}"
    )
