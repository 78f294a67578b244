"""``bench train autogan`` and ``cooccurrence``: from images to scores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Bench
from training_jobs import write_images

from forenbench.training import simulator

SMALL = ("--device", "cpu", "--workers", "0")


@pytest.fixture(autouse=True)
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_images(tmp_path / "faces", number=4)
    # Auto-encoders of full size take seconds a step.
    monkeypatch.setattr(simulator, "SIZE", {"width": 4, "blocks": 1})


@pytest.mark.slow
def test_simulated_fakes_train_a_classifier_that_scores_at_once(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = (
        "train",
        "autogan",
        "--data",
        "faces",
        "--out",
        "out",
        "--init",
        "random",
        *SMALL,
        "--epochs",
        "1",
    )
    call += ("--simulate", "transposed,nearest", "--simulator-epochs", "1", "--limit", "2")
    first = bench(*call, "--name", "autogan-fft-nearest-transposed-forensynths")
    assert first.code == 0, first.err
    assert "before the classifier, 'autogan-simulator-transposed-faces': 1 real images" in " ".join(
        first.err.split()
    )
    card = json.loads((tmp_path / "out/autogan-fft-nearest-transposed-forensynths.card.json").read_text())
    assert card["data"]["train"]["images"] == {"real": 1, "fake": 0}
    made = {
        kind: json.loads((tmp_path / f"out/autogan-simulator-{kind}-faces.card.json").read_text())
        for kind in ("nearest", "transposed")
    }
    assert card["identity"]["start"]["simulators"] == {kind: one["sha256"] for kind, one in made.items()}
    assert card["identity"]["start"]["feature"] == "fft"
    assert made["nearest"]["epochs"][0].keys() == {"epoch", "rate", "loss", "difference", "judging"}
    assert len(list((tmp_path / "out/simulated").rglob("*.png"))) == 2
    other = bench(*call, "--feature", "high")  # with the same simulators and pictures
    assert other.code == 0, other.err
    assert "are to be made" not in other.err
    monkeypatch.setenv("FORENBENCH_WEIGHTS", "out")
    detector = "autogan:fft-nearest-transposed-forensynths"
    scored = bench(
        *(
            "score",
            "faces/horse/0_real/00.png",
            "--detectors",
            detector,
            "--device",
            "cpu",
            "--format",
            "json",
        )
    )
    assert scored.code == 0, scored.err
    assert json.loads(scored.out)["scores"][0]["status"] == "ok"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("autogan", "--data", "faces", "--feature", "fff"), "unknown feature 'fff'"),
        (("autogan", "--data", "faces", "--simulate", "bilinear"), "unknown upsampler 'bilinear'"),
        (("cooccurrence", "--data", "faces", "--reading", "mine"), "unknown reading 'mine'"),
    ],
)
def test_what_there_is_not_is_named(bench: Bench, call: tuple[str, ...], message: str) -> None:
    outcome = bench("train", *call, "--out", "out")
    assert outcome.code == 2
    assert message in outcome.err
