"""Sources that packages and files add; their errors and wrong answers stay errors of the place or image."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from reprlib import repr as short
from threading import Lock
from typing import Any, Protocol

from forenbench.errors import BenchError
from forenbench.printable import readable
from forenbench.registry import Registry
from forenbench.registry.guests import contained, reason
from forenbench.registry.plugin_files import PluginFile, read_plugin, split_request
from forenbench.types import LABEL_NAMES, FileSource, Sample, Stamp

from .findings import Findings
from .folder import list_files
from .stamping import refuse_size, stamp_file


class SourceKind(Protocol):
    """A class whose objects are opened places; made anew in every process that reads.

    Attributes:
        name: For messages.
        description: Of the places that it opens, as in "an .npz file of images".
    """

    name: str
    description: str

    @staticmethod
    def recognises(place: Path) -> bool:
        """Say whether it opens this place, by its name or its first bytes; asked of every place."""
        ...

    def __init__(self, place: Path) -> None:
        """Open a place."""

    def samples(self) -> Iterable[Sample]:
        """List the images with a label; their paths are the source's own, with forward slashes."""
        ...

    def read(self, path: str) -> bytes:
        """Return the bytes of one image file; called by one thread at a time."""
        ...


class GuestSource:
    """An opened place; pickled by its place, and opened anew by each process, so that no file is shared.

    Attributes:
        origin: The name of a package's source, or the file that defines one.
        version: Of the code.
        place: What is opened.
        seen: What `look` said before it was opened; empty where it is not open yet.
    """

    def __init__(self, origin: str | PluginFile, version: str, place: Path) -> None:
        self.origin, self.version, self.place = origin, version, place
        self._lock = Lock()
        self._opened: Any = None
        self._process = 0
        self.seen = ""

    def __reduce__(self) -> tuple[type[GuestSource], tuple[str | PluginFile, str, Path]]:
        """Pickle without what is open; a file's text goes along."""
        return GuestSource, (self.origin, self.version, self.place)

    def opened(self) -> Any:  # noqa: ANN401 - whatever a plugin made
        """Open the place, once a process."""
        if self._process != os.getpid():
            # found anew by name: a forked or spawned reader has no use for the parent's open file and locks
            if isinstance(self.origin, PluginFile):
                kind = SOURCES.in_file(self.origin, type)
            else:
                found = SOURCES.find(self.origin).thing
                assert found is not None
                kind = found
            self._opened, self._process = kind(self.place), os.getpid()
        return self._opened

    def look(self) -> str:
        """Say what changes whenever anything at the place may have."""
        if not self.place.is_dir():
            return stamp_file(self.place).mark
        # A folder's own time does not change with its files' content. Which of them make up an image only the
        # plugin knows, so that one that changes has all images read again.
        marks = [f"{path} {stamp_file(self.place / path).mark}" for path in sorted(list_files(self.place))]
        return hashlib.sha256("\n".join(marks).encode("utf-8", "surrogateescape")).hexdigest()

    def read(self, path: str) -> bytes:
        """Return one image file's bytes; whatever goes wrong becomes an `OSError`."""
        with self._lock:
            try:
                with contained():
                    data = self.opened().read(path)
                    if not isinstance(data, bytes):
                        raise TypeError(f"read returned {short(data)}, not bytes")
            except Exception as error:
                raise OSError(f"cannot read {readable(path)} in '{self.place}': {reason(error)}") from error
        refuse_size(len(data))
        return data

    def stamps(self, paths: Sequence[str]) -> dict[str, Stamp]:
        """Look at the place as a whole: its files change together, and with the code that reads them."""
        whole = stamp_file(self.place.resolve())
        # other code may make other bytes of the same file
        mark = f"{self.seen or self.look()} read by {self.version}"
        return {path: Stamp(whole.key + b"//" + os.fsencode(path), mark) for path in paths}


def open_guest(location: Path) -> tuple[FileSource, Findings] | None:
    """Open a place by ``FILE.py:PLACE``, or by the one package that recognises it; None where there is none.

    Raises:
        BenchError: Several packages recognise it, or what opens it cannot be used.
    """
    if (request := split_place(location)) is not None:
        file = read_plugin(request[0], "source")
        return _open(GuestSource(file, file.sha256, request[1]), f"file {file.path}")
    if not (found := _recognising(location)):
        return None
    if len(found) > 1:
        raise BenchError(f"'{location}' is opened by {' and by '.join(found)}; uninstall one")
    ((words, source),) = found.items()
    return _open(source, words)


def split_place(location: Path) -> tuple[str, Path] | None:
    """Split ``FILE.py:PLACE``; None for what is a place itself."""
    file, place = split_request(str(location))
    # A file may be called "a.py:b" itself; what is there counts as what it is.
    return (file, Path(place)) if place and not location.exists() else None


def is_there(location: Path) -> bool:
    """Say whether there is anything at a place, which may be ``FILE.py:PLACE``."""
    request = split_place(location)
    return location.exists() if request is None else Path(request[0]).is_file() and request[1].exists()


def is_guest(location: Path) -> bool:
    """Say whether a package or a file opens a place, rather than we."""
    return split_place(location) is not None or bool(_recognising(location))


def problems() -> list[str]:
    """Return, for each source of a package that cannot be used, the reason."""
    return [
        f"source '{one.entry.name}' ({one.entry.package}) cannot be used: {one.problem}"
        for one in SOURCES.added()
        if one.problem
    ]


def _recognising(location: Path) -> dict[str, GuestSource]:
    """List the packages' sources that say they open a place, with words for each."""
    found = {}
    for one in SOURCES.added():
        try:
            with contained():
                if one.thing is None or not one.thing.recognises(location):
                    continue
        except Exception as error:
            raise BenchError(
                f"source '{one.entry.name}' ({one.entry.package}) cannot say whether it opens '{location}': "
                f"{reason(error)}"
            ) from error
        version = f"{one.entry.name} {one.entry.package} {one.entry.version}"
        words = f"source '{one.entry.name}' of package {one.entry.package}"
        found[words] = GuestSource(one.entry.name, version, location)
    return found


def _open(source: GuestSource, words: str) -> tuple[FileSource, Findings]:
    """List what a place holds, and say who said so."""
    if not source.place.exists():
        raise BenchError(f"there is nothing at '{source.place}'")
    # Before it is opened, for a plugin may keep what it reads then: that must not be remembered under the
    # mark of what somebody puts there later.
    source.seen = source.look()
    try:
        with contained():
            samples = tuple(source.opened().samples())
    except BenchError:
        raise
    except Exception as error:
        raise BenchError(f"'{source.place}' cannot be opened by {words}: {reason(error)}") from error
    for sample in samples:
        if not isinstance(sample, Sample) or sample.label not in LABEL_NAMES:
            raise BenchError(
                f"'{source.place}', opened by {words}: {short(sample)} is no Sample with a label"
            )
    # a path is what facts, rows and thumbnails are kept under
    if len({sample.path for sample in samples}) < len(samples):
        raise BenchError(f"'{source.place}', opened by {words}: two samples have one path")
    if not samples:
        raise BenchError(f"'{source.place}', opened by {words}, holds no image with a label")
    return source, Findings(samples, (), (f"opened by {words}",))


def _flaw(thing: object) -> str:
    """Say what is no source's class."""
    if not isinstance(thing, type):
        return "is no class"
    lacks = [name for name in ("recognises", "samples", "read") if not callable(getattr(thing, name, None))]
    return f"has no method '{lacks[0]}'" if lacks else ""


SOURCES: Registry[type[SourceKind]] = Registry("source", "forenbench.sources", _flaw)
