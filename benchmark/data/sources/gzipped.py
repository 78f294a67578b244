"""gzip files that can be read at any position: images come out of a ``.tar.gz`` without unpacking it."""

from __future__ import annotations

import io
import os
import zlib
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK = 1 << 16
_STATES = 1024
"""States kept of one file, some 45 kB each; the further apart, the more is inflated anew at a step back."""


@dataclass(slots=True)
class _State:
    """An inflater and how far it is, in inflated and in compressed bytes."""

    inflated: int
    compressed: int
    inflater: zlib._Decompress


class SeekableGzip(io.RawIOBase):
    """Reads a gzip file at any position, from the nearest inflater state that was kept: gzip has no index.

    Not safe for several threads at once. Broken data raise `zlib.error`, a file cut short raises `EOFError`.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        # A state holds the last 32 kB of inflated data: no more than one a megabyte, and of a file of any
        # size no more than `_STATES`.
        self._apart = max(1 << 20, os.fstat(file.fileno()).st_size // _STATES)
        self._states = [_State(0, 0, _new_inflater())]
        self._now = self._copy(self._states[0])
        self._start, self._block = 0, b""
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True; a step back inflates again what follows the state before it."""
        return True

    def tell(self) -> int:
        """Return the position in the inflated data."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position; what lies between is inflated by the next read only."""
        if whence == io.SEEK_END:
            # gzip's own field for the size counts modulo 4 GiB, and of the last stream only
            raise io.UnsupportedOperation("the end is not known before all is inflated")
        self._position = offset + (self._position if whence == io.SEEK_CUR else 0)
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill the buffer with what is at hand, at least one byte unless the data end here."""
        position = self._position
        known = self._states[bisect_right(self._states, position, key=lambda state: state.inflated) - 1]
        # A kept state is worth going to for a step back, or where it spares inflating what lies between.
        if position < self._start or known.inflated > self._now.inflated:
            self._now = self._copy(known)
            self._start, self._block = known.inflated, b""
        while position >= self._now.inflated and self._inflate():
            pass
        wanted = memoryview(buffer).cast("B")
        first = position - self._start
        filled = self._block[first : first + len(wanted)]
        wanted[: len(filled)] = filled
        self._position += len(filled)
        return len(filled)

    def _inflate(self) -> bool:
        """Inflate the next chunk into the block in hand, or return False at the end."""
        now = self._now
        if now.compressed >= self._states[-1].compressed + self._apart:
            self._states.append(self._copy(now))
        self._file.seek(now.compressed)
        chunk = self._file.read(_CHUNK)
        if not chunk and not now.inflater.eof:
            raise EOFError("the gzip data are cut off")
        now.compressed += len(chunk)
        inflated, left = [], chunk
        while left:
            # RFC 1952, 2.2: several gzip streams in a row are one file, as `cat` and parallel compressors
            # write them. Tapes, and tools that still write for them, fill up its end with zeros.
            if now.inflater.eof:
                left = left.lstrip(b"\0")
                if not left:
                    break
                now.inflater = _new_inflater()
            inflated.append(now.inflater.decompress(left))
            left = now.inflater.unused_data
        self._start, self._block = now.inflated, b"".join(inflated)
        now.inflated += len(self._block)
        return bool(chunk)

    @staticmethod
    def _copy(state: _State) -> _State:
        """Copy a state, so that one of them can go on."""
        return replace(state, inflater=state.inflater.copy())


def _new_inflater() -> zlib._Decompress:
    """Make an inflater that reads gzip headers and checks the checksum at the end."""
    return zlib.decompressobj(wbits=31)
