"""A web server of one file on this machine, which can be told to misbehave."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """What is served, and what was asked for.

    Attributes:
        body: The file, at every path.
        etag: Its version; empty: none is told.
        ranges: Whether parts can be asked for.
        span: What is told of a part in place of what is sent, with `start`, `end` and `size` to be filled in.
        cuts: After how many bytes the next answers break off, one for each; then none does.
        statuses: The next answers' statuses in place of the file; then it is served.
        kind: Content type.
        delay: Seconds before each answer.
        redirect: Where every request is sent on to, as the start of an address.
        asked: Path, range and authorization of each request.
    """

    body: bytes = b""
    etag: str = '"1"'
    ranges: bool = True
    span: str = "bytes {start}-{end}/{size}"
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    kind: str = "application/octet-stream"
    delay: float = 0
    redirect: str = ""
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    address: str = ""

    @property
    def ranges_asked(self) -> list[str | None]:
        return [asked for _, asked, _ in self.asked]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range")
        self.asked.append((request.path, asked, request.headers.get("Authorization")))
        time.sleep(self.delay)
        if self.redirect:
            self._head(request, 302, {"Location": self.redirect + request.path})
        elif self.statuses:
            self._head(request, self.statuses.pop(0), {})
        else:
            self._send(request, int(re.findall(r"\d+", asked)[0]) if asked and self.ranges else 0)

    def _send(self, request: BaseHTTPRequestHandler, start: int) -> None:
        size = len(self.body)
        if start >= size and start:
            return self._head(request, 416, {})
        headers = {"Content-Type": self.kind, "Content-Length": str(size - start)}
        if self.etag:
            headers["ETag"] = self.etag
        if start:
            headers["Content-Range"] = self.span.format(start=start, end=size - 1, size=size)
        self._head(request, 206 if start else 200, headers)
        cut = self.cuts.pop(0) if self.cuts else size
        request.wfile.write(self.body[start : start + cut])

    def _head(self, request: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
        request.send_response(status)
        for key, value in headers.items():
            request.send_header(key, value)
        request.end_headers()


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Answer requests at 127.0.0.1 while the block runs; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving(body: bytes = b"") -> Iterator[FileServer]:
    """Serve a file at 127.0.0.1 while the block runs."""
    served = FileServer(body)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.answer(self)

        def log_message(self, format: str, *values: object) -> None:
            """Keep quiet."""

    with listening(Handler) as served.address:
        yield served
