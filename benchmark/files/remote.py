"""Files of servers, opened at any byte: https, the Hugging Face hub, or a folder of this machine."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from socket import gaierror
from ssl import SSLCertVerificationError
from typing import BinaryIO, NoReturn, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, url2pathname, urlopen

from forenbench.errors import BenchError

from .regular import irregular

_TIMEOUT = 60
_HUB = "hf://"
_HUB_DATASETS = "hf://datasets/"


class DownloadFailed(BenchError):
    """A file could not be had from an address; the message says why."""


class Interrupted(Exception):
    """The connection failed: worth another attempt."""


class Unreachable(Interrupted):
    """No server of that name, or none that proves to be it: another attempt would find the same."""


@dataclass(frozen=True)
class Origin:
    """What an address leads to: the server's ETag (or date) and the size change with the file."""

    url: str
    version: str
    size: int | None


@dataclass(frozen=True)
class Stream:
    """An open file of a server, from byte `start` on."""

    origin: Origin
    start: int
    data: BinaryIO

    def read(self, limit: int) -> bytes:
        """Return at most so many bytes, none at the end.

        Raises:
            Interrupted: The connection failed.
        """
        with _connection():
            return self.data.read(limit)


@contextmanager
def open_at(url: str, start: int) -> Iterator[Stream]:
    """Open a file from this byte on if that can be done, else from its beginning.

    Raises:
        DownloadFailed: No such file, no access, or a web page in its place.
        Interrupted: The connection failed.
    """
    scheme = urlsplit(url).scheme
    if scheme == "file":
        path = Path(url2pathname(urlsplit(url).path))
        if why := irregular(path):
            raise DownloadFailed(f"{url}: there is no such file ({why})")
        found = path.stat()
        with _connection():
            data = path.open("rb")
        data.seek(start)
        stream = Stream(Origin(url, str(found.st_mtime_ns), found.st_size), start, data)
    elif scheme in ("http", "https"):
        stream = _open_web(url, url, start, {})
    elif scheme == "hf":
        # The hub's own library downloads into its own cache, of which our copy would be a second one: it is
        # asked for the address and the user's login only, so that HF_ENDPOINT and HF_TOKEN count here, too.
        from huggingface_hub import get_token, hf_hub_url

        is_dataset = url.startswith(_HUB_DATASETS)
        repo_type, prefix = ("dataset", _HUB_DATASETS) if is_dataset else ("model", _HUB)
        owner, _, rest = url.removeprefix(prefix).partition("/")
        repository, _, file = rest.partition("/")
        name, _, revision = repository.partition("@")
        if not (owner and name and file):
            raise DownloadFailed(f"{url}: is not hf://OWNER/REPO/PATH")
        login = {"Authorization": f"Bearer {token}"} if (token := get_token()) else {}
        address = hf_hub_url(f"{owner}/{name}", file, repo_type=repo_type, revision=revision or None)
        stream = _open_web(url, address, start, login)
    else:
        raise DownloadFailed(f"{url}: an address begins with https://, http://, hf:// or file://")
    with stream.data:
        yield stream


def page_instead(url: str) -> DownloadFailed:
    """Return the error for a web page in place of a file."""
    return DownloadFailed(
        f"{url}: leads to a web page, not to the file (Google Drive and Dropbox do this for large or "
        "withdrawn files). Open it in a browser and download the file by hand"
    )


def _open_web(url: str, address: str, start: int, login: dict[str, str]) -> Stream:
    """Ask a server for a file.

    Args:
        url: What the file is called here.
        address: What to ask for.
        start: The first byte wanted; servers that know no ranges send all.
        login: Headers for that server alone: a redirection may lead to another's.
    """
    request = Request(address, headers={"User-Agent": "forenbench"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    for key, value in login.items():
        # urllib sends ordinary headers on to wherever it is redirected, and the hub redirects large files to
        # storage of another company
        request.add_unredirected_header(key, value)
    try:
        with _connection():
            response = cast("http.client.HTTPResponse", urlopen(request, timeout=_TIMEOUT))
    except HTTPError as error:
        with error:
            # the file is shorter than what has arrived of it: by now it is another one
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
                return _open_web(url, address, 0, login)
            _explain(error, url)
    if "text/html" in response.headers.get("Content-Type", ""):
        response.close()
        raise page_instead(url)
    headers = response.headers
    version = headers.get("ETag") or headers.get("Last-Modified") or ""
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        # RFC 9110, 15.3.7 and 14.4: a server may send another range than the one asked for, and need not know
        # the size ("bytes 5-9/*"). What begins elsewhere must not be appended.
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", headers.get("Content-Range", ""))
        if span and int(span[1]) == start:
            return Stream(Origin(url, version, int(span[2])), start, response)
        response.close()
        if not start:
            raise DownloadFailed(f"{url}: the server sends a part of the file where all was asked for")
        return _open_web(url, address, 0, login)
    length = headers.get("Content-Length")
    return Stream(Origin(url, version, int(length) if length else None), 0, response)


def _explain(error: HTTPError, url: str) -> NoReturn:
    """Say what a refusal means, and whether another attempt makes sense."""
    what = f"HTTP {error.code} ({error.reason})"
    if error.code in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        raise DownloadFailed(f"{url}: the server has no such file, {what}") from error
    if error.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise DownloadFailed(
            f"{url}: the server refuses access, {what}. Open the address in a browser: it may ask for a "
            "login or for consent; for hf:// then set HF_TOKEN"
        ) from error
    if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR or error.code == HTTPStatus.TOO_MANY_REQUESTS:
        raise Interrupted(f"the server answers {what}") from error
    raise DownloadFailed(f"{url}: the server answers {what}") from error


@contextmanager
def _connection() -> Iterator[None]:
    """Turn every way a connection can fail into one."""
    try:
        yield
    except HTTPError:
        raise
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        failure = Unreachable if isinstance(reason, gaierror | SSLCertVerificationError) else Interrupted
        raise failure(f"no connection ({reason or type(reason).__name__})") from error
