"""Images of a run, found again where they are still at hand, as small pictures inside the page."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.data.finding import find_files
from forenbench.data.sources.folder import Folder
from forenbench.data.sources.source_kinds import is_guest
from forenbench.errors import BenchError
from forenbench.images import decode
from forenbench.records.dataset_paths import Found
from forenbench.types import Advance, Source

if TYPE_CHECKING:
    from PIL import Image

Explain = Callable[["Image.Image"], "Image.Image"]
"""Maps an RGB image to a picture of what one detector sees in it."""

SIDE = 144
_QUALITY = 72


@dataclass(frozen=True, slots=True)
class Picture:
    """A thumbnail as a data URI, or why there is none; `explained` is empty where nothing explains it."""

    source: str
    lack: str = ""
    explained: str = ""


@dataclass(slots=True)
class Thumbnails:
    """Thumbnails by dataset and path.

    Attributes:
        sources: Opened datasets by name.
        lacks: Why the others are not, by name.
        explain: What draws a detector's view, by its name and kind of weights.
    """

    sources: Mapping[str, Source]
    lacks: Mapping[str, str]
    explain: Mapping[tuple[str, str], Explain] = field(default_factory=dict)

    def of(self, dataset: str, path: str, detector: tuple[str, str]) -> Picture:
        """Make a thumbnail, and beside it what the detector sees where that can be drawn."""
        if dataset not in self.sources:
            return Picture("", self.lacks.get(dataset, ""))
        # A picture is an extra: where it cannot be had the reason stands in its place.
        try:
            image = decode(self.sources[dataset].read(path))
        except (OSError, BenchError) as error:
            return Picture("", str(error))
        explained = ""
        with suppress(BenchError):  # not every detector has anything to show
            explained = _embed(self.explain[detector](image)) if detector in self.explain else ""
        return Picture(_embed(image), explained=explained)


def open_pictures(
    datasets: Iterable[str],
    found: Mapping[str, Found],
    advance: Advance = lambda what, done, total: None,
) -> Thumbnails:
    """Open datasets again.

    Args:
        datasets: Their names.
        found: See `forenbench.records.dataset_paths.find_datasets`.
        advance: Told of progress while images are made.
    """
    sources: dict[str, Source] = {}
    lacks: dict[str, str] = {}
    for name in dict.fromkeys(datasets):
        try:
            if name not in found:
                raise BenchError(
                    f"dataset '{name}' is not known here; the option 'dataset' names the folder of its images"
                )
            spec, data_root = found[name]
            folder = data_root / spec.folder
            listed = cache(partial(find_files, spec, data_root, advance))
            # A folder of millions of files is not listed for the few that are shown.
            is_ours = folder.is_dir() and not spec.builder and not is_guest(folder)
            sources[name] = _Unlisted(folder, listed) if is_ours else listed()[0]
        except BenchError as error:
            lacks[name] = str(error)
    return Thumbnails(sources, lacks)


@dataclass(frozen=True, slots=True)
class _Unlisted:
    """A folder that is listed only for a path that may be a row of a table, or borrowed."""

    folder: Path
    listed: Callable[[], tuple[Source, object]]

    def read(self, path: str) -> bytes:
        """Return one file's, or row's, bytes."""
        # `table.parquet#7` is a row of a table, `coco:/7.jpg` another dataset's, unless a file is called so.
        is_elsewhere = ("#" in path or ":/" in path) and not (self.folder / path).is_file()
        return (self.listed()[0] if is_elsewhere else Folder(self.folder)).read(path)


def _embed(image: Image.Image) -> str:
    """Shrink an image to a thumbnail and make a data URI of it."""
    small, buffer = image.convert("RGB"), BytesIO()
    small.thumbnail((SIDE, SIDE))
    small.save(buffer, "WEBP", quality=_QUALITY)
    return "data:image/webp;base64," + b64encode(buffer.getvalue()).decode()
