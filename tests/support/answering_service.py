"""A service on this machine that judges pictures, in place of one on the web."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
from file_server import listening

from forenbench.images import decode

EXAMPLE = "https://api.example.com/v1/detect"
"""The address in the template."""


@dataclass
class Service:
    """What it was asked, and how it answers.

    Attributes:
        statuses: Of the next answers; then it answers with a score: how bright the picture is.
        always: The status of every answer, in place of these; 0: as they say.
        asked: The bodies of all requests.
    """

    statuses: list[int] = field(default_factory=list)
    always: int = 0
    asked: list[bytes] = field(default_factory=list)
    address: str = ""

    def answer(self, body: bytes) -> tuple[int, bytes]:
        self.asked.append(body)
        status = self.always or (self.statuses.pop(0) if self.statuses else 200)
        score = np.asarray(decode(body)).mean() / 255
        return status, json.dumps({"score": score}).encode()

    def point(self, file: Path) -> None:
        """Fill in a template as its user would, and wait as short as a test can."""
        text = file.read_text(encoding="utf-8")
        for old, new in ((EXAMPLE, self.address), ("factor=0.5", "factor=0.001"), ("second=5", "second=999")):
            assert text.count(old) == 1
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")


@contextmanager
def service() -> Iterator[Service]:
    """Answer at 127.0.0.1 while the block runs."""
    made = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, content = made.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *values: object) -> None:
            """Keep quiet."""

    with listening(Handler) as address:
        made.address = f"{address}/v1/detect"
        yield made
