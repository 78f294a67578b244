"""Downloads that can be interrupted: a file is whole and verified, or not there.

What has arrived lies in ``<file>.part``; ``<file>.part.json`` says which file of which server it is a part
of, so that parts of two files, or of two versions of one, never mix.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock

from .remote import DownloadFailed as DownloadFailed
from .remote import Interrupted, Origin, Stream, Unreachable, open_at, page_instead

PAUSES: tuple[float, ...] = (0, 1, 2, 4, 8)
"""Seconds before each new attempt; they start again whenever something has arrived."""

_CHUNK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT)

Arrived = Callable[[int, int], None]
"""Called with (bytes that are here, bytes in all; 0 where that is not known)."""


def fetch(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    advance: Arrived = lambda done, total: None,
) -> None:
    """Download a file, going on where an earlier attempt stopped; it appears whole and verified.

    A file that is there already and fits is left as it is. Several processes may ask for one file.

    Args:
        url: ``https://…``, ``http://…``, ``file://…``, ``hf://OWNER/REPO/PATH`` or
            ``hf://datasets/OWNER/REPO/PATH`` (the Hugging Face hub).
        target: Where the file is to be; its folder is made.
        sha256: What it must be, in hex; leading digits will do where no more are published.
        size: What it must be, in bytes.
        advance: Told the bytes that are there and the bytes of the whole file (0 where nobody says).

    Raises:
        DownloadFailed: No such file, no access, a web page in its place, another size or sha256 than
            expected (what arrived is removed), no network, or no room on the disk.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):
            if not target.is_file() or mismatch(target, sha256, size):
                part = target.with_name(f"{target.name}.part")
                _fill(url, part, size, advance)
                _verify(url, part, sha256, size)
                part.replace(target)
    except OSError as error:
        what = "the disk is full" if error.errno in _FULL else str(error)
        raise DownloadFailed(
            f"'{target}' cannot be written: {what}. What arrived is kept: then the same command goes on"
        ) from error


def fetch_first(
    urls: Sequence[str],
    target: Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    advance: Arrived = lambda done, total: None,
) -> str:
    """Download a file from the first of several addresses that has it, and return that address.

    Raises:
        DownloadFailed: None has it; the message gives the reason of each.
    """
    problems = []
    for url in urls:
        try:
            fetch(url, target, sha256=sha256, size=size, advance=advance)
        except DownloadFailed as error:
            problems.append(str(error))
        else:
            return url
    raise DownloadFailed("\n".join(problems) or f"no address is known for {target.name}")


def mismatch(path: Path, sha256: str | None, size: int | None) -> str:
    """Say how a file differs from what is known of it: words that follow its name, empty if in nothing."""
    found = path.stat().st_size
    if size not in (None, found):
        return f"has {found} bytes, expected {size}"
    if sha256 is None:
        return ""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return "" if digest.startswith(sha256) else f"has sha256 {digest}, expected {sha256}"


def _fill(url: str, part: Path, size: int | None, advance: Arrived) -> None:
    """Bring the part to its end, with new attempts after a failed connection that can be had again."""
    pauses, arrived = iter(PAUSES), False
    while True:
        before = _length(part)
        try:
            return _continue(url, part, size, advance)
        except Interrupted as error:
            if _length(part) > before:
                pauses, arrived = iter(PAUSES), True
            if isinstance(error, Unreachable) and not arrived:
                raise DownloadFailed(f"{url}: {error}. Is there a network, and the address right?") from error
            pause = next(pauses, None)
            if pause is None:
                raise DownloadFailed(
                    f"{url}: {error}, and {len(PAUSES)} more attempts brought nothing. Is there a network? "
                    "What arrived is kept: the same command goes on from there"
                ) from error
            time.sleep(pause)


def _continue(url: str, part: Path, size: int | None, advance: Arrived) -> None:
    """Append to the part what it lacks, or begin it anew where it belongs to something else."""
    begun = _begun(part, url)
    if begun and begun.size == _length(part):
        return
    with open_at(url, _length(part) if begun else 0) as stream:
        total = stream.origin.size
        if stream.start and stream.origin != begun:
            _note(part).unlink()
            raise Interrupted("the file changed on the server while it was downloaded")
        if size is not None and total not in (None, size):
            raise DownloadFailed(f"{url}: the server has {total} bytes, expected {size}")
        if not stream.start:
            _begin(part, stream.origin)
        _refuse_without_room(part, stream)
        _append(stream, part, advance)
    if total not in (None, _length(part)):
        raise Interrupted(f"the connection ended after {_length(part)} of {total} bytes")


def _append(stream: Stream, part: Path, advance: Arrived) -> None:
    """Write what arrives, as it arrives."""
    done, total = stream.start, stream.origin.size or 0
    with part.open("ab") as file:
        while chunk := stream.read(_CHUNK):
            if not done and _is_page(chunk):
                raise page_instead(stream.origin.url)
            file.write(chunk)
            done += len(chunk)
            advance(done, total)


def _verify(url: str, part: Path, sha256: str | None, size: int | None) -> None:
    """Remove a whole file that is not the expected one."""
    problem = mismatch(part, sha256, size)
    if problem:
        part.unlink()
    _note(part).unlink()
    if problem:
        raise DownloadFailed(f"{url}: what arrived {problem}; '{part}' was removed")


def _is_page(beginning: bytes) -> bool:
    """Recognise a web page by its content, too: not every server tells the type."""
    return beginning[:64].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _refuse_without_room(part: Path, stream: Stream) -> None:
    """Find out before a download that the disk is too small for it."""
    missing = (stream.origin.size or 0) - stream.start
    if missing > shutil.disk_usage(part.parent).free:
        raise DownloadFailed(f"{stream.origin.url}: '{part.parent}' has no room for {missing} more bytes")


def _begin(part: Path, origin: Origin) -> None:
    """Note first what the part will be a part of: without a note, a part is never gone on with."""
    part.unlink(missing_ok=True)
    _note(part).write_text(json.dumps(asdict(origin)), encoding="utf-8")


def _begun(part: Path, url: str) -> Origin | None:
    """Read what the part is a part of; None where it is none of this address."""
    try:
        origin = Origin(**json.loads(_note(part).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return origin if part.is_file() and origin.url == url else None


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _length(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0
