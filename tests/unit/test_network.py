"""A detector that states that it sends images over the network sends none unless the user allows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from answering_service import Service, service
from torch import nn

from forenbench.errors import BenchError
from forenbench.front.door import score
from forenbench.front.starting import start_detector
from forenbench.perturbations import parse
from forenbench.plugins.loading import load
from forenbench.plugins.own import OwnDetector
from forenbench.scoring.pipeline import score_testset
from forenbench.testing import Brightness, MemorySource, check_detector, tiny_image
from forenbench.types import Sample, TestSet
from forenbench.weights import Weights


class Asks(Brightness):
    """Notes when it is made, which is when it might send something."""

    network = True
    made = 0

    def __init__(self) -> None:
        Asks.made += 1


def make_one() -> Asks:
    return Asks()


class EncoderThatAsks:
    network, prepare = True, Brightness.prepare

    def encode(self, batch: object) -> object:
        return batch


@pytest.mark.parametrize("given", [Asks, Asks(), make_one], ids=["class", "object", "function"])
def test_it_is_refused_before_anything_of_it_runs(given: object) -> None:
    before = Asks.made
    with pytest.raises(BenchError, match=r"nothing is sent unasked: add --allow-network .*allow_net"):
        load(OwnDetector(given), Weights())
    assert Asks.made == before + (given is make_one)  # a function says what it makes by making it
    (loaded,) = load(OwnDetector(given), Weights(allow_network=True))
    assert loaded.remarks == (
        "brightness asked a service over the network, which may answer otherwise another day",
    )


def test_so_are_a_file_and_an_encoder(tmp_path: Path) -> None:
    pytest.importorskip("requests_ratelimiter", reason="the extra 'api' is not installed")
    file = start_detector("mine", "api", tmp_path).file
    with pytest.raises(BenchError, match="detector Mine sends images over the network"):
        load(str(file), Weights())
    asking = type("Head", (Brightness,), {"encoder": EncoderThatAsks(), "prepare": None})
    with pytest.raises(BenchError, match="detector Head sends images"):
        load(OwnDetector(asking), Weights())


def test_a_neural_network_is_no_such_statement() -> None:
    for network in (nn.Linear(1, 1), None, False, "resnet"):
        assert load(OwnDetector(type("Plain", (Brightness,), {"network": network})), Weights())


def test_python_refuses_as_the_command_line_does(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="allow_network=True"):
        check_detector(Asks())
    tiny_image(0).save(tmp_path / "a.png")
    with pytest.raises(BenchError, match="allow_network=True"):
        score(tmp_path / "a.png", Asks, progress=False)
    rows = score(tmp_path / "a.png", Asks, progress=False, allow_network=True, device="cpu")
    assert rows["status"].tolist() == ["ok"]


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Service]:
    pytest.importorskip("requests_ratelimiter", reason="the extra 'api' is not installed")
    with service() as made:
        made.point(start_detector("mine", "api", tmp_path).file)
        yield made


def rows(folder: Path, monkeypatch: pytest.MonkeyPatch, images: int = 2) -> list[tuple[str, float, str]]:
    """Score some pictures with the template, whose answers are kept in this folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    (loaded,) = load(str(folder / "mine.py"), Weights(allow_network=True))
    samples = tuple(Sample(str(i), 0) for i in range(images))
    testset = TestSet("d", "t", samples, MemorySource([tiny_image(i) for i in range(images)]), "")
    found = score_testset(testset, [(parse("none"), [loaded.detector])], seed=0, device="cpu")
    loaded.detector.session.close()  # type: ignore[attr-defined]
    return [(row.status, row.score, row.error) for row in found["none", "mine"]]


def test_a_service_that_asks_to_wait_is_asked_again_and_its_answer_kept(
    asked: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.statuses = [429, 503, 200]
    first = rows(tmp_path, monkeypatch)
    brightness = [Brightness().prepare(tiny_image(i)).item() for i in range(2)]
    assert [(status, score) for status, score, _ in first] == [
        ("ok", pytest.approx(value)) for value in brightness
    ]
    assert len(asked.asked) == 4
    asked.always = 500
    assert rows(tmp_path, monkeypatch) == first
    assert len(asked.asked) == 4


def test_of_a_service_that_fails_for_good_each_row_says_why(
    asked: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.always = 503
    found = rows(tmp_path, monkeypatch, 7)
    assert {status for status, *_ in found} == {"failed"}
    assert all("too many 503 error responses" in error for *_, error in found[:5])
    assert all("out of reach over 5 files in a row; run again" in error for *_, error in found[5:])
    assert len(asked.asked) == 5 * 5
    asked.always = 0
    assert {status for status, *_ in rows(tmp_path, monkeypatch, 7)} == {"ok"}


def test_what_a_service_refuses_is_said_of_that_file_and_not_asked_twice(
    asked: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.statuses = [413]
    (_, _, error), (status, *_) = rows(tmp_path, monkeypatch)
    assert "413 Client Error" in error
    assert (status, len(asked.asked)) == ("ok", 2)
