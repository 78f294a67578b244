"""What a service said is kept and believed only as it was said; one that is out of reach is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from forenbench.plugins.answers import Answers, OutOfReach


class Refused(OSError):
    """As a library raises it for an answer of the service that is an error."""

    response = "400 this is no picture"


class Service:
    """Counts what it is asked, and raises what it is told to."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.asked = list(errors), 0

    def __call__(self, data: bytes) -> object:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return {"score": len(data) / 8}


def test_a_file_is_asked_about_once_by_whoever_asks(tmp_path: Path) -> None:
    service = Service()
    for answers in (Answers("one", tmp_path), Answers("one", tmp_path)):
        assert answers.of(b"file", service) == {"score": 0.5}
    assert answers.of(b"other one", service) == {"score": 1.125}
    assert service.asked == 2


def test_an_answer_is_of_its_service_and_its_file_alone(tmp_path: Path) -> None:
    service = Service()
    for name in ("one", "two", "One", "o/ne"):
        Answers(name, tmp_path).of(b"file", service)
    assert service.asked == 4
    kept = sorted(tmp_path.rglob("*.json"))
    assert len(kept) == 4
    kept[0].write_bytes(kept[1].read_bytes())  # one that was copied, with its seal
    Answers("one", tmp_path).of(b"file", service)
    Answers("two", tmp_path).of(b"file", service)
    Answers("One", tmp_path).of(b"file", service)
    Answers("o/ne", tmp_path).of(b"file", service)
    assert service.asked == 5


@pytest.mark.parametrize(("old", "new"), [(b"0.5", b"0.9"), (b"sha256", b"sha257"), (b"{", b"")])
def test_a_damaged_answer_is_asked_for_anew(tmp_path: Path, old: bytes, new: bytes) -> None:
    service = Service()
    Answers("one", tmp_path).of(b"file", service)
    (kept,) = tmp_path.rglob("*.json")
    assert old in kept.read_bytes()
    kept.write_bytes(kept.read_bytes().replace(old, new, 1))
    assert Answers("one", tmp_path).of(b"file", service) == {"score": 0.5}
    assert service.asked == 2


def test_an_error_is_no_answer(tmp_path: Path) -> None:
    answers, service = Answers("one", tmp_path), Service(OSError("no route"))
    with pytest.raises(OSError, match="no route"):
        answers.of(b"file", service)
    assert answers.of(b"file", service) == {"score": 0.5}
    assert service.asked == 2


def test_a_service_that_is_out_of_reach_five_times_in_a_row_is_asked_no_more(tmp_path: Path) -> None:
    answers, service = Answers("one", tmp_path), Service(*[OSError("no route")] * 9)
    Answers("one", tmp_path).of(b"known", Service())
    for number in range(7):
        error = OSError if number < 5 else OutOfReach
        with pytest.raises(error):
            answers.of(bytes([number]), service)
    assert service.asked == 5
    assert answers.of(b"known", service) == {"score": 0.625}
    assert Answers("one", tmp_path).of(b"x", Service())  # the next run tries again


@pytest.mark.parametrize("between", [None, Refused()])
def test_a_service_that_answers_in_between_is_asked_on(tmp_path: Path, between: Exception | None) -> None:
    """Also if it says that a file is none that it takes: five such files would else end the asking."""
    answers = Answers("one", tmp_path)
    down = [OSError("no route")] * 4
    service = Service(*down, *([between] if between else []))
    for number in range(4):
        with pytest.raises(OSError, match="no route"):
            answers.of(bytes([number]), service)
    if between:
        with pytest.raises(Refused):
            answers.of(b"in between", service)
    else:
        answers.of(b"in between", service)
    service.errors = [*down]
    for number in range(4):
        with pytest.raises(OSError, match="no route"):
            answers.of(bytes([number]), service)
    assert answers.of(b"last", service)
