"""A Hugging Face hub of one dataset on this machine: as much of it as its own library asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote, urlsplit

from file_server import listening

REPOSITORY = "org/fakes"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class HubMirror:
    """What is served, and what was asked for.

    Attributes:
        files: Of the dataset, by path.
        commit: That ``main`` is.
        licence: On its card.
        status: Of every answer, in place of what was asked for; 0: that is served.
        missing: A file that is listed, but cannot be had.
        asked: The paths of all requests.
    """

    files: dict[str, bytes]
    commit: str = COMMIT
    licence: str = "cc-by-nc-4.0"
    status: int = 0
    missing: str = ""
    address: str = ""
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body."""
        self.asked.append(path)
        about, content = f"/api/datasets/{REPOSITORY}", f"/datasets/{REPOSITORY}/resolve/{self.commit}/"
        if self.status:
            return self.status, {"X-Error-Code": "GatedRepo"} if self.status == 403 else {}, b"{}"
        if path.startswith(f"{about}/tree/"):
            entries = [
                {"type": "file", "path": name, "size": len(data), "oid": _digest(data)}
                for name, data in self.files.items()
            ]
            return 200, {}, json.dumps(entries).encode()
        if path in (f"{about}/revision/main", f"{about}/revision/{self.commit}"):
            siblings = [{"rfilename": name, "size": len(data)} for name, data in self.files.items()]
            told = {"_id": "1", "id": REPOSITORY, "sha": self.commit, "siblings": siblings}
            card = {"license": self.licence} if self.licence else {}
            return 200, {}, json.dumps({**told, "cardData": card, "tags": [], "downloads": 0}).encode()
        name = path.removeprefix(content)
        if not path.startswith(content) or name not in self.files or name == self.missing:
            return 404, {"X-Error-Code": "EntryNotFound"}, b"{}"
        data = self.files[name]
        return 200, {"ETag": f'"{_digest(data)}"', "X-Repo-Commit": self.commit}, data


def _digest(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


@contextmanager
def mirrored(files: dict[str, bytes]) -> Iterator[HubMirror]:
    """Serve a dataset at 127.0.0.1 while the block runs."""
    mirror = HubMirror(files)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = mirror.answer(unquote(urlsplit(self.path).path))
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, format: str, *values: object) -> None:
            """Keep quiet."""

    with listening(Handler) as mirror.address:
        yield mirror
