"""``bench train durall``: what it writes, the detector finds and scores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Bench
from training_jobs import write_images

from forenbench.training.durall import CLASSIFIERS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_images(tmp_path / "train", number=6)
    return tmp_path


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_what_the_command_fits_is_found_and_scores_fakes_higher(
    bench: Bench, folder: Path, monkeypatch: pytest.MonkeyPatch, classifier: str
) -> None:
    variant = f"celeba-{classifier}-4class"
    options = ("--classifier", classifier, "--data", "train", "--out", "out", "--name", f"durall-{variant}")
    outcome = bench("train", "durall", *options, "--device", "cpu", "--workers", "0")
    assert outcome.code == 0, outcome.err
    card = json.loads(Path(f"out/durall-{variant}.card.json").read_text())
    assert card["accuracy"] == 1.0
    assert card["identity"]["start"]["classifier"] == classifier
    monkeypatch.setenv("FORENBENCH_WEIGHTS", "out")
    scored = bench(
        "score", "train", "--detectors", f"durall:{variant}", "--device", "cpu", "--format", "json"
    )
    assert scored.code == 0, scored.err
    rows = json.loads(scored.out)["scores"]
    scores = [[row["score"] for row in rows if side in json.dumps(row)] for side in ("0_real", "1_fake")]
    assert max(scores[0]) < min(scores[1])
