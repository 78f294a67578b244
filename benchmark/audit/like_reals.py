"""Files that are not JPEG, made JPEGs such as a test set's reals are: which quality each of them gets.

Benchmarks since GenImage have JPEG reals and PNG fakes, and what tells the containers apart looks like a
detector. Here a file that is not JPEG, whatever its label, gets a quality that is drawn from those of the
test set's own JPEG reals; JPEG files stay as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from PIL import JpegImagePlugin

from forenbench.data.inventory import FileFacts
from forenbench.data.reencoding import JPEG, LIKE_REALS
from forenbench.errors import BenchError
from forenbench.files.threads import in_threads
from forenbench.images import UnreadableImage, look
from forenbench.perturbations import draw_generator
from forenbench.types import REAL, Advance, Source, TestSet

from .jpeg_tables import read_tables

_SHOWN = 5


class LikeReals(NamedTuple):
    """What is done to a test set's files.

    Attributes:
        steps: A perturbation's name, by the path of each file that is not JPEG.
        words: How many these are, and from which qualities theirs were drawn.
    """

    steps: Mapping[str, str]
    words: str


def like_reals(testset: TestSet, facts: Mapping[str, FileFacts], seed: int, advance: Advance) -> LikeReals:
    """Draw a quality for each file that is not JPEG, from all of those of the JPEG reals with equal chances.

    Args:
        testset: The files.
        facts: Of each.
        seed: Of the run; a file's draw rests on its content, too, and so on nothing but the data.
        advance: Told of files that are read for their quality.

    Raises:
        BenchError: No real is a JPEG, or there are none.
    """
    formats = {sample.path: facts[sample.path].format for sample in testset.samples}
    reals = {sample.path: formats[sample.path] for sample in testset.samples if sample.label == REAL}
    paths = [path for path, found in reals.items() if found in JPEG]
    where = f"test set '{testset.name}' of dataset '{testset.dataset}'"
    found = []
    for done, quality in enumerate(in_threads(partial(_quality, testset.source), paths), 1):
        advance(f"JPEG qualities of {testset.name}", done, len(paths))
        found += [] if quality is None else [quality]
    qualities = sorted(found)  # a draw must not rest on the order of paths
    if not qualities:
        kinds = ", ".join(
            f"{kind or 'no image'} {number}" for kind, number in Counter(reals.values()).items()
        )
        raise BenchError(
            f"equalise {LIKE_REALS}: {where} has no JPEG among its reals ({kinds or 'it has none'}), so "
            "there is no quality to draw; jpeg:96 treats all files alike, fake=jpeg:96 the fakes"
        )
    steps = {}
    for path, kind in formats.items():
        if kind and kind not in JPEG:
            draw = draw_generator(seed, LIKE_REALS, facts[path].sha256)
            steps[path] = f"jpeg:{qualities[draw.integer('at', 0, len(qualities) - 1)]}"
    common = Counter(qualities).most_common()
    shown = ", ".join(f"{quality} ({number})" for quality, number in common[:_SHOWN])
    more = f" and {len(common) - _SHOWN} more" if len(common) > _SHOWN else ""
    done_to = (
        f"re-encodes {len(steps)} of {len(formats)} files, {len(steps.keys() & reals.keys())} of them real"
    )
    return LikeReals(
        steps, f"{where}: {LIKE_REALS} {done_to}, at qualities of {len(qualities)} reals: {shown}{more}"
    )


def _quality(source: Source, path: str) -> int | None:
    """Estimate a JPEG's quality; None where it cannot be read, or has no tables."""
    jpeg = JpegImagePlugin.JpegImageFile
    try:
        tables = look(source.read(path), lambda file: file.quantization if isinstance(file, jpeg) else None)
    except (OSError, UnreadableImage):
        return None
    return read_tables(tables).quality if tables else None
