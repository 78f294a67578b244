"""Downloads: interrupted, resumed, refused; against a server on this machine."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import tempfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import FileServer, serving
from hypothesis import given, settings
from hypothesis import strategies as st

from forenbench.errors import BenchError
from forenbench.files import downloads
from forenbench.files.downloads import DownloadFailed, fetch, fetch_first

BODY = bytes(i * i % 251 for i in range(5000))
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(BODY) as served:
        yield served


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "PAUSES", (0, 0))


def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the first failed connection the last, as a killed process would."""
    monkeypatch.setattr(downloads, "PAUSES", ())


def stopped_after(size: int, server: FileServer, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a part of this size behind."""
    server.cuts = [size]
    with monkeypatch.context() as patch:
        once(patch)
        with pytest.raises(DownloadFailed, match=f"ended after {size} of {len(server.body)} bytes"):
            fetch(f"{server.address}/file", target)
    server.asked.clear()


def test_a_file_arrives_whole_and_leaves_nothing_else(server: FileServer, tmp_path: Path) -> None:
    target, heard = tmp_path / "new" / "file.pth", []
    fetch(f"{server.address}/file", target, sha256=SHA256, size=5000, advance=lambda *at: heard.append(at))
    assert target.read_bytes() == BODY
    assert heard[-1] == (5000, 5000)
    assert {path.name for path in target.parent.iterdir()} <= {"file.pth", "file.pth.lock"}


@pytest.mark.slow
@given(cuts=st.lists(st.integers(1, 4999), max_size=4, unique=True).map(sorted))
@settings(max_examples=30)
def test_after_each_interruption_only_the_rest_is_asked_for(cuts: list[int]) -> None:
    with serving(BODY) as server, tempfile.TemporaryDirectory() as folder:
        server.cuts = [cut - before for before, cut in zip([0, *cuts], cuts, strict=False)]
        target = Path(folder) / "file.pth"
        fetch(f"{server.address}/file", target)
        assert target.read_bytes() == BODY
        assert server.ranges_asked == [None, *(f"bytes={cut}-" for cut in cuts)]


def test_a_name_that_cannot_be_resolved_is_given_up_at_once_unless_something_arrived(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that fails for a moment, amid a download, is another matter."""
    asked, resolve = [], socket.getaddrinfo

    def unresolvable(*arguments: object, **options: object) -> object:
        asked.append(arguments)
        if len(asked) in failing:
            raise socket.gaierror(-2, "Name or service not known")
        return resolve(*arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(socket, "getaddrinfo", unresolvable)
    failing = [1, 2, 3]
    with pytest.raises(DownloadFailed, match=r"Name or service not known.*the address right\?"):
        fetch(f"{server.address}/file", tmp_path / "file.pth")
    assert len(asked) == 1
    asked.clear()
    failing, server.cuts = [2], [1000]
    fetch(f"{server.address}/file", tmp_path / "file.pth")
    assert (tmp_path / "file.pth").read_bytes() == BODY
    assert len(asked) == 3


def test_a_later_process_goes_on_where_a_killed_one_stopped(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "file.pth"
    stopped_after(1234, server, target, monkeypatch)
    assert not target.exists()
    fetch(f"{server.address}/file", target, sha256=SHA256)
    assert target.read_bytes() == BODY
    assert server.ranges_asked == ["bytes=1234-"]


def test_a_process_killed_before_the_renaming_costs_no_second_download(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "file.pth"
    stopped_after(1234, server, target, monkeypatch)
    with (tmp_path / "file.pth.part").open("ab") as part:
        part.write(BODY[1234:])
    fetch(f"{server.address}/file", target, sha256=SHA256)
    assert target.read_bytes() == BODY
    assert server.asked == []


def test_a_server_without_ranges_sends_all_again(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.ranges = False
    stopped_after(1234, server, tmp_path / "file.pth", monkeypatch)
    fetch(f"{server.address}/file", tmp_path / "file.pth")
    assert (tmp_path / "file.pth").read_bytes() == BODY


@pytest.mark.parametrize("other", [BODY[::-1], BODY[::-1][:3000], BODY[::-1][:1000]])
def test_parts_of_two_versions_never_mix(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: bytes
) -> None:
    stopped_after(1234, server, tmp_path / "file.pth", monkeypatch)
    server.body, server.etag = other, '"2"'
    fetch(f"{server.address}/file", tmp_path / "file.pth")
    assert (tmp_path / "file.pth").read_bytes() == other


def test_parts_of_two_versions_never_mix_where_no_version_is_told(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.etag = ""
    stopped_after(1234, server, tmp_path / "file.pth", monkeypatch)
    server.body = BODY[::-1]
    fetch(f"{server.address}/file", tmp_path / "file.pth")
    assert (tmp_path / "file.pth").read_bytes() == BODY[::-1]


def test_without_a_version_a_known_sha256_is_enough_to_go_on(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.etag = ""
    stopped_after(1234, server, tmp_path / "file.pth", monkeypatch)
    fetch(f"{server.address}/file", tmp_path / "file.pth", sha256=SHA256)
    assert server.ranges_asked == ["bytes=1234-"]


@pytest.mark.parametrize("span", ["bytes 1000-{end}/{size}", "bytes {start}-{end}/*", ""])
def test_another_range_than_the_one_asked_for_is_not_appended(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, span: str
) -> None:
    stopped_after(1234, server, tmp_path / "file.pth", monkeypatch)
    server.span = span
    fetch(f"{server.address}/file", tmp_path / "file.pth")
    assert (tmp_path / "file.pth").read_bytes() == BODY
    assert server.ranges_asked == ["bytes=1234-", None]


@pytest.mark.parametrize("arrived", [1234, 5000])
def test_parts_of_two_addresses_never_mix(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrived: int
) -> None:
    stopped_after(1234, server, tmp_path / "file.pth", monkeypatch)
    with (tmp_path / "file.pth.part").open("ab") as part:
        part.write(BODY[1234:arrived])
    server.body = BODY[::-1]  # under the same ETag, which says something at one address only
    fetch(f"{server.address}/other", tmp_path / "file.pth")
    assert (tmp_path / "file.pth").read_bytes() == BODY[::-1]


def test_a_part_of_unknown_origin_is_not_gone_on_with(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file.pth.part").write_bytes(b"something else")
    fetch(f"{server.address}/file", tmp_path / "file.pth")
    assert (tmp_path / "file.pth").read_bytes() == BODY


def test_another_sha256_is_refused_and_the_file_removed(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match=f"has sha256 {SHA256}, expected 0000.*was removed"):
        fetch(f"{server.address}/file", tmp_path / "file.pth", sha256="0" * 64)
    assert not {path.name for path in tmp_path.iterdir()} - {"file.pth.lock"}


def test_leading_digits_of_a_sha256_do(server: FileServer, tmp_path: Path) -> None:
    fetch(f"{server.address}/file", tmp_path / "file.pth", sha256=SHA256[:8])
    with pytest.raises(DownloadFailed, match="expected 12345678"):
        fetch(f"{server.address}/file", tmp_path / "other.pth", sha256="12345678")


def test_an_md5_will_do_where_nothing_better_is_published(server: FileServer, tmp_path: Path) -> None:
    md5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()
    fetch(f"{server.address}/file", tmp_path / "file.zip", md5=md5)
    assert (tmp_path / "file.zip").read_bytes() == BODY
    with pytest.raises(DownloadFailed, match=f"has md5 {md5}, expected {'0' * 32}"):
        fetch(f"{server.address}/file", tmp_path / "other.zip", sha256=SHA256, md5="0" * 32)
    assert not (tmp_path / "other.zip").exists()


def test_another_size_is_refused_before_anything_is_downloaded(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="the server has 5000 bytes, expected 6000"):
        fetch(f"{server.address}/file", tmp_path / "file.pth", size=6000)
    assert not {path.name for path in tmp_path.iterdir()} - {"file.pth.lock"}


def test_a_file_that_fits_is_not_asked_for_again_and_one_that_does_not_is_replaced(
    server: FileServer, tmp_path: Path
) -> None:
    target = tmp_path / "file.pth"
    target.write_bytes(b"cut off")
    fetch(f"{server.address}/file", target, size=5000)
    assert target.read_bytes() == BODY
    fetch(f"{server.address}/file", target, size=5000)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("text/html; charset=utf-8", b"<meta charset='utf-8'>Sign in"),
        ("application/octet-stream", b"\n <!DOCTYPE html><html>Google Drive can't scan this file"),
    ],
)
def test_a_web_page_in_place_of_the_file_is_named(
    server: FileServer, tmp_path: Path, kind: str, page: bytes
) -> None:
    server.body, server.kind = page, kind
    with pytest.raises(DownloadFailed, match="leads to a web page"):
        fetch(f"{server.address}/file", tmp_path / "file.pth")
    assert not (tmp_path / "file.pth").exists()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, r"no such file, HTTP 404"),
        (410, r"no such file, HTTP 410"),
        (401, r"refuses access, HTTP 401.*HF_TOKEN"),
        (403, r"refuses access, HTTP 403.*in a browser"),
        (400, r"answers HTTP 400"),
    ],
)
def test_a_refusal_is_explained_at_once(server: FileServer, tmp_path: Path, status: int, words: str) -> None:
    server.statuses = [status]
    with pytest.raises(DownloadFailed, match=words):
        fetch(f"{server.address}/file", tmp_path / "file.pth")
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_but_not_for_ever(
    server: FileServer, tmp_path: Path, status: int
) -> None:
    server.statuses = [status, status]
    fetch(f"{server.address}/file", tmp_path / "file.pth")
    server.statuses = [status] * 9
    with pytest.raises(DownloadFailed, match=f"HTTP {status}.* 2 more attempts"):
        fetch(f"{server.address}/file", tmp_path / "other.pth")
    assert len(server.asked) == 3 + 3


def test_without_a_network_it_says_so(tmp_path: Path) -> None:
    with serving() as gone:
        pass
    with pytest.raises(DownloadFailed, match=r"no connection .*Is there a network\?"):
        fetch(f"{gone.address}/file", tmp_path / "file.pth")


def test_a_disk_without_room_is_noticed_before_the_download(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(9000, 4001, 4999))
    with pytest.raises(DownloadFailed, match="has no room for 5000 more bytes"):
        fetch(f"{server.address}/file", tmp_path / "file.pth")


def test_a_place_that_cannot_be_written_is_named(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(DownloadFailed, match=r"taken/file\.pth' cannot be written"):
        fetch(f"{server.address}/file", tmp_path / "taken" / "file.pth")


def test_a_file_of_this_machine_is_gone_on_with_too(tmp_path: Path) -> None:
    source, target = tmp_path / "100% my file.pth", tmp_path / "file.pth"
    source.write_bytes(BODY)
    fetch(source.as_uri(), target, sha256=SHA256, size=5000)
    assert target.read_bytes() == BODY
    with pytest.raises(DownloadFailed, match="there is no such file"):
        fetch((tmp_path / "nowhere").as_uri(), tmp_path / "other.pth")


@pytest.mark.parametrize("url", ["ftp://example.org/file", "file.pth", "hf://owner/repository", "hf://a//b"])
def test_an_address_of_another_kind_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadFailed, match=url):
        fetch(url, tmp_path / "file.pth")


def test_the_first_address_that_has_the_file_serves(server: FileServer, tmp_path: Path) -> None:
    urls = [(tmp_path / "nowhere").as_uri(), f"{server.address}/file", f"{server.address}/more"]
    assert fetch_first(urls, tmp_path / "file.pth", sha256=SHA256) == urls[1]
    with pytest.raises(DownloadFailed, match=r"(?s)nowhere.*\n.*expected 0000"):
        fetch_first(urls[:2], tmp_path / "other.pth", sha256="0000")


def test_failures_are_requests_that_cannot_be_carried_out() -> None:
    assert issubclass(DownloadFailed, BenchError)


FETCH = """
import sys
from pathlib import Path
from forenbench.files.downloads import fetch
fetch(sys.argv[1], Path(sys.argv[2]), sha256=sys.argv[3])
"""


def process(*arguments: object, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", FETCH, *map(str, arguments)]
    return subprocess.Popen(command, env=os.environ | environment)


@pytest.mark.slow
def test_two_processes_that_want_one_file_download_it_once(server: FileServer, tmp_path: Path) -> None:
    server.delay = 0.8
    both = [process(f"{server.address}/file", tmp_path / "file.pth", SHA256) for _ in range(2)]
    assert [one.wait(60) for one in both] == [0, 0]
    assert (tmp_path / "file.pth").read_bytes() == BODY
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("hf://owner/name/folder/file.pth", "/owner/name/resolve/main/folder/file.pth"),
        ("hf://datasets/owner/name/file.zip", "/datasets/owner/name/resolve/main/file.zip"),
        ("hf://datasets/owner/name@8c93/file.zip", "/datasets/owner/name/resolve/8c93/file.zip"),
    ],
)
def test_the_hub_gets_the_login_and_whom_it_sends_us_to_does_not(
    server: FileServer, tmp_path: Path, url: str, path: str
) -> None:
    server.cuts = [2000]
    with serving() as hub:
        hub.redirect = server.address
        one = process(url, tmp_path / "file", SHA256, HF_ENDPOINT=hub.address, HF_TOKEN="hf_secret")
        assert one.wait(60) == 0
    assert hub.asked == [(path, None, "Bearer hf_secret"), (path, "bytes=2000-", "Bearer hf_secret")]
    assert server.asked == [(path, None, None), (path, "bytes=2000-", None)]
