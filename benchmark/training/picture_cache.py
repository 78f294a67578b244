"""Pictures that networks make of training images: made once, one by one, and kept as 8-bit PNG files."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image
from rich.filesize import decimal

from forenbench.data.sources.folder import Folder
from forenbench.files.atomic import replacing

from .examples import Examples
from .loader import Loader, in_order
from .randomness import TRAIN
from .room import require_room
from .session import Running
from .views import Decoded, PlainView

if TYPE_CHECKING:
    from torch import Tensor

_AT_ONCE = 16
_WRITERS = 4
_PNG_HEAD = 8
"""Bytes of the signature before a PNG file's first chunk."""


@dataclass(frozen=True, slots=True)
class Pictures(Folder):
    """PNG files that we wrote. Every chunk's checksum is compared, which decoders do not do."""

    def read(self, path: str) -> bytes:
        """Return one file's bytes.

        Raises:
            OSError: The file cannot be read, or is not what was written.
        """
        data = Folder.read(self, path)
        # Chunks: length, kind, content, CRC-32 of kind and content
        # (PNG specification, section 5.3); IEND ends them.
        start, kind, sound = _PNG_HEAD, b"", True
        while start < len(data) and sound:
            end = start + 8 + int.from_bytes(data[start : start + 4], "big")
            kind = data[start + 4 : start + 8]
            sound = zlib.crc32(data[start + 4 : end]) == int.from_bytes(data[end : end + 4], "big")
            start = end + 4
        if not sound or kind != b"IEND" or start != len(data):
            raise OSError(f"'{self.root / path}' is damaged; remove it, and the same command makes it anew")
        return data


@dataclass(frozen=True)
class PictureCache:
    """Where the pictures of one maker lie, and how they are made.

    Attributes:
        root: Folder of all makers' pictures.
        name: Of this maker's folder in it; another network or another preparation has another one.
        kind: What the pictures are, in words.
        prepare: From one RGB image to a tensor, in a process that decodes.
        make: From a batch of these, on the device, to pictures, uint8 (n, 3, side, side): each as if it were
            alone, whatever else is in the batch.
        side: Of a picture, in pixels.
    """

    root: Path
    name: str
    kind: str
    prepare: Callable[[Image.Image], Tensor]
    make: Callable[[Tensor], Tensor]
    side: int

    @property
    def folder(self) -> Path:
        """Where this maker's pictures are."""
        return self.root / self.name

    def missing(self, examples: Examples) -> list[int]:
        """List one index for each image whose picture is not on disk yet, in the order of their sha256."""
        # Equal files have one picture between them; it is the first of them that is read.
        first_of = {item.sha256: index for index, item in reversed(list(enumerate(examples.items)))}
        return [index for sha, index in sorted(first_of.items()) if not (self.folder / _file(sha)).is_file()]

    def filled(self, examples: Examples, run: Running) -> Examples:
        """Make the pictures that are not on disk yet, and return all of them as examples.

        Every process makes its share; a stopped run keeps what it made.
        """
        missing = self.missing(examples)
        run.processes.wait()  # all have looked before any writes: the shares are strides of one list
        mine, done = run.processes.share(missing), 0
        loader = Loader(examples, Decoded(PlainView(self.prepare)), 0, TRAIN, run.workers)
        groups = [[mine[i] for i in group] for group in in_order(len(mine), _AT_ONCE)]
        with ThreadPoolExecutor(_WRITERS) as writers:
            for batch in loader.batches(0, groups):
                with torch.no_grad():
                    pictures = self.make(batch.inputs.to(run.processes.device)).cpu()
                files = [self.folder / _file(examples.items[index].sha256) for index in batch.indices]
                list(writers.map(_write, files, pictures))
                done += len(files)
                run.advance(f"{self.kind} of {examples.request}", done, len(mine))
        run.processes.wait()
        source = Pictures(self.folder)
        items = [replace(item, source=source, path=_file(item.sha256)) for item in examples.items]
        return replace(examples, items=tuple(items))


def fill(wanted: Sequence[tuple[PictureCache, Examples]], otherwise: str, run: Running) -> list[Examples]:
    """Report the space that pictures will take on the disk, then make them.

    Args:
        wanted: Of which images, by which maker; all under one root, of one kind and side.
        otherwise: What else can be done, in words.
        run: Who makes them.

    Returns:
        The pictures in place of the images, in this order.

    Raises:
        BenchError: There is less room.
    """
    first = wanted[0][0]
    number = sum(len(cache.missing(examples)) for cache, examples in wanted)
    needed = number * _largest(first.side)
    free = require_room(first.root, needed, f"{number:,} {first.kind}", otherwise)
    if number:
        run.note(
            f"{number:,} {first.kind} are to be made, once: at most {decimal(needed)} in {first.root}/, "
            f"where {decimal(free)} are free. They stay for other trainings; or {otherwise}."
        )
    run.processes.wait()  # all have looked at the room before any takes some
    return [cache.filled(examples, run) for cache, examples in wanted]


def _largest(side: int) -> int:
    """Return how many bytes the PNG file of a square picture has at most."""
    # One byte more than its pixels a row; the overhead of blocks that cannot be compressed, for gradients may
    # be next to noise; and the block of the disk that it ends in.
    raw = side * (3 * side + 1)
    return raw + raw // 500 + 4096


def _file(sha256: str) -> str:
    # Folders of two digits: ForenSynths has 720,120 training images, and a folder of so many is slow to list.
    return f"{sha256[:2]}/{sha256}.png"


def _write(path: Path, picture: Tensor) -> None:
    """Write one picture (3, H, W), without waiting for the disk: each can be made again."""
    with replacing(path, durable=False) as partial:
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(partial, format="PNG")
