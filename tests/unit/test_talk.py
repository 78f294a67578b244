"""What is said: warnings and errors at least, details if asked, and all of it in a log, with times."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forenbench.cli import main
from forenbench.errors import BenchError
from forenbench.front import talk
from forenbench.front.bars import Quiet, RunProgress
from forenbench.front.talk import QUIET, VERBOSE, detail, is_animated, keep_log, say, voice
from forenbench.testing import write_tiny_dataset

Said = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def _usual_voice() -> Iterator[None]:
    voice.reset()
    yield
    voice.reset()


def speak() -> None:
    say("dataset x", "bold")
    say("  of it")
    say("  note: beware", "yellow")
    say("some were not scored:", "yellow")
    say("  this one")
    say("    for this reason")
    detail("in detail")
    say("done", "green")
    say("error: no", "red")


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


WARNINGS = ["  note: beware", "some were not scored:", "  this one", "    for this reason", "error: no"]


def test_usual_talk_has_no_details(capsys: pytest.CaptureFixture[str]) -> None:
    speak()
    assert lines(capsys) == ["dataset x", "  of it", *WARNINGS[:-1], "done", WARNINGS[-1]]


def test_the_quiet_voice_says_warnings_with_all_that_belongs_to_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    voice.least = QUIET
    speak()
    assert lines(capsys) == WARNINGS


def test_the_verbose_voice_says_everything(capsys: pytest.CaptureFixture[str]) -> None:
    voice.least = VERBOSE
    speak()
    assert "in detail" in lines(capsys)


def test_the_log_has_everything_with_times_and_without_colours(tmp_path: Path) -> None:
    voice.least = QUIET
    keep_log(tmp_path / "new" / "log.txt")
    speak()
    voice.reset()
    say("not any more")
    logged = (tmp_path / "new" / "log.txt").read_text(encoding="utf-8").splitlines()
    times = [re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ", line) for line in logged]
    assert all(times)
    said = [line[time.end() :] for line, time in zip(logged, times, strict=True) if time]
    assert said == ["dataset x", "  of it", *WARNINGS[:-1], "in detail", "done", WARNINGS[-1]]


def test_a_log_is_continued(tmp_path: Path) -> None:
    for word in ("first", "second"):
        keep_log(tmp_path / "log.txt")
        say(word)
        voice.reset()
    assert len((tmp_path / "log.txt").read_text().splitlines()) == 2


def test_a_file_that_cannot_be_a_log_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, Path("/dev/full")):
        with pytest.raises(BenchError, match=f"log '{place}' cannot be written: a "):
            keep_log(place)
    (tmp_path / "file").touch()
    with pytest.raises(BenchError, match="cannot be written: "):
        keep_log(tmp_path / "file" / "log.txt")


def test_a_log_that_fails_is_named_once_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(talk, "irregular", lambda path: "")  # else the full device is refused at once
    keep_log(Path("/dev/full"))
    say("one")
    say("two")
    assert lines(capsys) == [
        "one",
        "log '/dev/full' is no longer written: [Errno 28] No space left on device",
        "two",
    ]


def test_a_program_hears_all_of_it_and_its_own_log_is_left_alone() -> None:
    heard: list[tuple[int, str]] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append((record.levelno, record.getMessage()))

    ear = Ear()
    logging.getLogger("forenbench").addHandler(ear)
    logging.getLogger().addHandler(ear)
    try:
        say("100 % of it", "yellow")
        detail("more")
        Quiet().detail("of no interest")
        RunProgress().detail("seen")
    finally:
        logging.getLogger("forenbench").removeHandler(ear)
        logging.getLogger().removeHandler(ear)
    assert heard == [(logging.WARNING, "100 % of it"), (logging.DEBUG, "more"), (logging.DEBUG, "seen")]


def test_bars_stand_still_where_nothing_is_to_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk.talk.file, "isatty", lambda: True, raising=False)
    assert is_animated()
    voice.least = QUIET
    assert not is_animated()


def test_what_a_bar_shows_is_in_the_log_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_log(tmp_path / "log.txt")
    monkeypatch.setattr(talk, "is_animated", lambda: True)
    talk.say_in_place_of_bars("half of it")
    assert lines(capsys) == []
    assert "half of it" in (tmp_path / "log.txt").read_text()


def bench(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bench", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.mark.parametrize(
    "words",
    [
        ("-q", "data", "index", "tiny"),
        ("data", "index", "tiny", "--quiet"),
        ("data", "-q", "index", "tiny"),
    ],
)
def test_each_command_takes_the_options_before_its_name_and_behind(
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tiny_dataset(tmp_path / "tiny")
    assert bench(monkeypatch, *words, "--log-file", "log.txt") == 0
    found = capsys.readouterr()
    assert (found.err, found.out != "") == ("", True)
    assert "16 images" in Path("log.txt").read_text()
    assert bench(monkeypatch, "data", "index", "tiny") == 0  # the next call in this process says the usual
    assert "16 images" in capsys.readouterr().err


def test_the_log_begins_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    bench(monkeypatch, "--log-file", str(log), "list", "tables")
    assert f"bench --log-file {log} list tables" in log.read_text().splitlines()[0]


@pytest.mark.parametrize("words", [("-q", "-v", "list", "tables"), ("-v", "list", "tables", "-q")])
def test_quiet_and_verbose_at_once_is_refused(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(monkeypatch, *words) == 2
    assert "--quiet says less and --verbose more: choose one" in capsys.readouterr().err
