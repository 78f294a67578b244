"""What the parser of options refuses is said in the voice of all other errors."""

from __future__ import annotations

import sys

import pytest

from forenbench.cli import main
from forenbench.cli.usage import usage_error

SHOWS = "' shows how it is called"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("run --limit x", "--limit 'x' is no number; 'bench run --help"),
        ("run --limit=x", "--limit 'x' is no number; 'bench run --help"),
        ("run --limit 0", "--limit '0' is not greater than or equal to 1; 'bench run --help"),
        ("train lgrad", "--data is missing; 'bench train lgrad --help"),
        ("score", "IMAGES is missing; 'bench score --help"),
        ("runn", "unknown command 'runn': did you mean run?; 'bench --help"),
        ("nothing", "unknown command 'nothing'; 'bench --help"),
        ("weights lisst", "unknown command 'lisst': did you mean list?; 'bench weights --help"),
        (
            "run --datset x",
            "unknown option '--datset': did you mean --data, --data-root, --dataset?; 'bench run --help",
        ),
        ("run --nothing", "unknown option '--nothing'; 'bench run --help"),
        ("list detectors a b", "unexpected argument 'a b'; 'bench list detectors --help"),
        ("weights fetch --mirror", "option '--mirror' requires an argument; 'bench weights fetch --help"),
        ("run --keep-going=3", "option '--keep-going' does not take a value; 'bench run --help"),
    ],
)
def test_errors_of_usage_are_one_line_that_names_the_way_out(
    typed: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", *typed.split()])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert capsys.readouterr().err == f"error: {said}{SHOWS}\n"


@pytest.mark.parametrize("typed", ["", "weights", "list"])
def test_a_group_alone_shows_its_help(
    typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", *typed.split()])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    written = capsys.readouterr()
    assert "Usage: bench" in written.out + written.err
    assert "error" not in written.err


def test_a_message_that_is_not_known_is_shown_as_it_is() -> None:
    class Odd(Exception):
        def format_message(self) -> str:
            return "Something else."

    assert usage_error(Odd(), ["run", "--x"]) == "something else; 'bench run --help' shows how it is called"  # type: ignore[arg-type]
