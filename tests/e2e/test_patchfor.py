"""``bench train patchfor``: what it writes is found, scored, and drawn patch by patch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import Bench
from PIL import Image
from training_jobs import write_images

from forenbench.detectors.patchfor import network_of
from forenbench.images import decode
from forenbench.pictures.patch_maps import patch_picture
from forenbench.plugins.loading import load
from forenbench.weights import Weights

DETECTOR = "patchfor:resnet18-layer1-progan"
NETWORK = ("--network", "resnet18-layer1")
SMALL = ("--device", "cpu", "--workers", "0")
PHOTO = "faces/val/horse/0_real/00.png"


@pytest.fixture(autouse=True)
def images(tmp_path: Path) -> None:
    write_images(tmp_path / "faces/train", number=2)
    write_images(tmp_path / "faces/val", number=1, start=50)


@pytest.mark.slow
def test_what_is_trained_is_scored_and_drawn(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "patchfor-resnet18-layer1-progan"
    call = ("train", "patchfor", *NETWORK, "--data", "faces", "--out", "out", "--epochs", "1", *SMALL)
    trained = bench(*call, "--name", name)
    assert trained.code == 0, trained.err
    assert "FORENBENCH_WEIGHTS=out" in trained.err
    file = f"out/{name}.pth"
    keys = list(torch.load(file, weights_only=True))
    assert keys == list(network_of("resnet18-layer1-progan").build().state_dict())
    card = json.loads((tmp_path / f"out/{name}.card.json").read_text())
    assert card["identity"]["start"]["network"] == "resnet18-layer1"
    assert card["identity"]["recipe"]["schedule"] == {"kind": "Plateau", "epochs": 51, "enough": 1.0}
    assert card["steps"] == 1  # two pairs

    further = bench(*call, "--name", "further", "--init", file)
    assert further.code == 0, further.err
    assert json.loads(Path("out/further.card.json").read_text())["identity"]["start"]["checkpoints"] == {
        "init": card["sha256"]
    }

    monkeypatch.setenv("FORENBENCH_WEIGHTS", "out")
    scored = bench("score", PHOTO, "--detectors", DETECTOR, "--device", "cpu", "--format", "json")
    assert scored.code == 0, scored.err
    (row,) = json.loads(scored.out)["scores"]
    assert (row["status"], row["score"]) == ("ok", pytest.approx(0.5, abs=0.2))
    drawn = bench("show", "patches", PHOTO, "--detector", f"{DETECTOR}@published", "--device", "cpu")
    assert drawn.code == 0, drawn.err
    assert f"wrote patches.png: {DETECTOR} (own)" in drawn.err
    (loaded,) = load(DETECTOR, Weights())
    picture = patch_picture(loaded.detector, decode(Path(PHOTO).read_bytes()))
    with Image.open("patches.png") as page:
        sheet = np.asarray(page)
    # The picture of 224 pixels stands in the second place of a row, nearest-enlarged to 256.
    shown = np.asarray(picture.resize((256, 256), Image.Resampling.NEAREST))
    assert np.array_equal(sheet[-256 - 8 : -8, -256 - 8 : -8], shown)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ("train", "patchfor", "--data", "faces", "--out", "out", "--network", "xception-block9"),
            "unknown network of patches 'xception-block9'",
        ),
        (
            ("train", "patchfor", "--data", "faces/train", "--out", "out", *NETWORK),
            "has no validation images: name some",
        ),
        (
            ("train", "patchfor", "--data", "faces", "--out", "out", *NETWORK, "--init", "imagenet"),
            "there is no file at init 'imagenet'",
        ),
        (
            ("show", "patches", PHOTO, "--detector", "./bright.py"),
            "'bright' judges no patches; patchfor does",
        ),
        (("show", "patches", PHOTO), "weights 'patchfor-xception-block2-celebahq'"),
    ],
)
def test_what_cannot_be_done_is_named(bench: Bench, words: tuple[str, ...], error: str) -> None:
    outcome = bench(*words)
    assert outcome.code == 2
    assert error in outcome.err
