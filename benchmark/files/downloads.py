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
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock

from .remote import DownloadFailed as DownloadFailed
from .remote import Interrupted, Origin, Unreachable, open_at, page_instead

PAUSES: tuple[float, ...] = (0, 1, 2, 4, 8)
"""Seconds before each new attempt; they start again whenever something has arrived."""

_CHUNK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT)

Arrived = Callable[[int, int], None]
"""Called with (bytes that are here, bytes in all; 0 where that is not known)."""


def fetch(  # noqa: PLR0913 - what may be known of a file
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    md5: str | None = None,
    size: int | None = None,
    advance: Arrived = lambda done, total: None,
) -> None:
    """Download a file, going on where an earlier attempt stopped; it appears whole and verified.

    A file that is there already and fits is left as it is. Several processes may ask for one file.

    Args:
        url: ``https://…``, ``http://…``, ``file://…``, ``hf://OWNER/REPO/PATH`` or
            ``hf://datasets/OWNER/REPO/PATH`` (the Hugging Face hub; ``REPO@REVISION`` for another than main).
        target: Where the file is to be; its folder is made.
        sha256: What it must be, in hex; leading digits will do where no more are published.
        md5: The same, of files for which nothing better is published.
        size: What it must be, in bytes.
        advance: Told the bytes that are there and the bytes of the whole file (0 where nobody says).

    Raises:
        DownloadFailed: No such file, no access, a web page in its place, another size or checksum than
            expected (what arrived is removed), no network, or no room on the disk.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):
            # Asked under the lock: who waited for another process finds what that one downloaded.
            if not target.is_file() or mismatch(target, sha256, size, md5):
                part = target.with_name(f"{target.name}.part")
                _fill(url, part, sha256 or md5, size, advance)
                problem = mismatch(part, sha256, size, md5)
                if problem:
                    part.unlink()
                _note(part).unlink()
                if problem:
                    raise DownloadFailed(f"{url}: what arrived {problem}; '{part}' was removed")
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


def mismatch(path: Path, sha256: str | None, size: int | None, md5: str | None = None) -> str:
    """Say how a file differs from what is known of it: words that follow its name, empty if in nothing."""
    found = path.stat().st_size
    if size not in (None, found):
        return f"has {found} bytes, expected {size}"
    for kind, expected in (("sha256", sha256), ("md5", md5)):
        if expected is not None:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, kind).hexdigest()
            if not digest.startswith(expected):
                return f"has {kind} {digest}, expected {expected}"
    return ""


def _fill(url: str, part: Path, checksum: str | None, size: int | None, advance: Arrived) -> None:
    """Bring the part to its end, with new attempts after a failed connection that can be had again."""
    pauses, arrived = iter(PAUSES), False
    while True:
        before = _length(part)
        try:
            return _continue(url, part, checksum, size, advance)
        except Interrupted as error:
            # A connection that breaks again and again brings a large file all the same, if each attempt adds
            # to it: only attempts that bring nothing are counted.
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


def _continue(url: str, part: Path, checksum: str | None, size: int | None, advance: Arrived) -> None:
    """Append to the part what it lacks, or begin it anew where it belongs to something else."""
    begun = None
    # A part without a note, or of another address, is of no use. Nor is one of a server that tells neither
    # ETag nor date, for it may have another file by now; unless a checksum will show that.
    with suppress(FileNotFoundError, ValueError, TypeError):
        origin = Origin(**json.loads(_note(part).read_text(encoding="utf-8")))
        if part.is_file() and origin.url == url and (origin.version or checksum):
            begun = origin
    if begun and begun.size == _length(part):
        return  # a process was killed after the last byte and before the renaming
    with open_at(url, _length(part) if begun else 0) as stream:
        done, total = stream.start, stream.origin.size
        if done and stream.origin != begun:
            _note(part).unlink()
            raise Interrupted("the file changed on the server while it was downloaded")
        if size is not None and total not in (None, size):
            raise DownloadFailed(f"{url}: the server has {total} bytes, expected {size}")
        if not done:
            # The note comes before the bytes: killed in between, there is a note without a part, which is
            # nothing; the other way round, a new part would lie under the note of an old one.
            part.unlink(missing_ok=True)
            _note(part).write_text(json.dumps(asdict(stream.origin)), encoding="utf-8")
        missing = (total or 0) - done
        if missing > shutil.disk_usage(part.parent).free:
            raise DownloadFailed(f"{url}: '{part.parent}' has no room for {missing} more bytes")
        with part.open("ab") as file:
            while chunk := stream.read(_CHUNK):
                # by its content, too: not every server tells the type of a page
                if not done and chunk[:64].lstrip().lower().startswith((b"<!doctype html", b"<html")):
                    raise page_instead(url)
                file.write(chunk)
                done += len(chunk)
                advance(done, total or 0)
    if total not in (None, done):
        raise Interrupted(f"the connection ended after {done} of {total} bytes")


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _length(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0
