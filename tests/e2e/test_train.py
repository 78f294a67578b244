"""``bench train``: a checkpoint under the name that detectors look for, and its card."""

from __future__ import annotations

import json
import re
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from command_line import Bench
from small_networks import make_networks_small
from training_jobs import write_images


@pytest.fixture(autouse=True)
def images(tmp_path: Path) -> None:
    write_images(tmp_path / "faces/train", ("cat", "horse"), number=4)
    write_images(tmp_path / "faces/val", ("cat", "horse"), number=2, start=50)


SMALL = ("--device", "cpu", "--workers", "0")
PROBE = ("train", "univfd-lc", "--backbone", "efficientnet-lite0", "--data", "faces", *SMALL, "--batch", "4")


@pytest.mark.slow
def test_a_probe_its_card_and_a_second_call_that_computes_nothing(bench: Bench, tmp_path: Path) -> None:
    call = (*PROBE, "--out", "out", "--epochs", "1", "--limit", "6", "--classes", "horse", "--seed", "3")
    first = bench(*call)
    assert first.code == 0, first.err
    assert "epoch 1: 2 of 2" in first.err
    path = tmp_path / "out/univfd-efficientnet-lite0-head.pth"
    head = torch.load(path, weights_only=True)
    assert {key: tuple(value.shape) for key, value in head.items()} == {"weight": (1, 1280), "bias": (1,)}

    card = json.loads((tmp_path / "out/univfd-efficientnet-lite0-head.card.json").read_text())
    assert card["data"]["train"]["classes"] == {"horse": {"real": 3, "fake": 3}}
    assert card["data"]["validation"]["images"] == {"real": 2, "fake": 2}
    assert card["identity"]["seed"] == 3
    assert card["identity"]["recipe"]["optimiser"] == "adamw"
    assert card["identity"]["recipe"]["augmentation"]["blur"] == 0.5
    assert "efficientnet-lite0" in card["identity"]["start"]["checkpoints"]
    numbers = {"epoch", "rate", "loss", "accuracy", "ap", "validation_loss"}
    assert card["epochs"][0].keys() == numbers
    assert card["made"]["command"][:3] == ["bench", "train", "univfd-lc"]
    assert card["made"]["packages"]["torch"]
    assert (card["kept_epoch"], card["steps"]) == (1, 2)

    written = path.stat().st_mtime_ns
    (tmp_path / "out/univfd-efficientnet-lite0-head.training").mkdir()  # as if killed while it was removed
    second = bench(*call)
    assert second.code == 0
    assert "epoch" not in second.err
    assert path.stat().st_mtime_ns == written
    other = bench(*call, "--lr", "0.01")
    assert other.code == 2
    assert "belongs to another training: its recipe.rate is 0.0001, not 0.01" in other.err
    assert not (tmp_path / "out/univfd-efficientnet-lite0-head.training").exists()


@pytest.mark.slow
def test_features_that_are_made_once_are_not_made_for_a_finished_training(
    bench: Bench, tmp_path: Path
) -> None:
    call = (*PROBE, "--out", "out", "--epochs", "1", "--aug", "off", "--classes", "horse")
    first, second = bench(*call), bench(*call)
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert "features of" in first.err
    assert "features of" not in second.err
    assert not list((tmp_path / "out").glob("*.training"))
    card = json.loads((tmp_path / "out/univfd-efficientnet-lite0-head.card.json").read_text())
    recipe = card["identity"]["recipe"]
    assert (recipe["resize"], recipe["flip"], recipe["augmentation"]["blur"]) == (None, 0, 0)


@pytest.mark.slow
def test_a_logistic_probe_scores_at_once(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = ("train", "probe", "--backbone", "efficientnet-lite0", "--data", "faces", "--out", "out", *SMALL)
    first = bench(*call, "--name", "probe-efficientnet-lite0-progan")
    assert first.code == 0, first.err
    second = bench(*call, "--name", "probe-efficientnet-lite0-progan")
    assert (second.code, "features of" in second.err) == (0, False), second.err
    card = json.loads((tmp_path / "out/probe-efficientnet-lite0-progan.card.json").read_text())
    assert "resample='bilinear'" in card["identity"]["start"]["features"]  # whose input it is
    assert set(card["identity"]["start"]["checkpoints"]) == {"efficientnet-lite0"}
    assert card["accuracy"] == 1.0  # few pictures, many features
    monkeypatch.setenv("FORENBENCH_WEIGHTS", "out")
    scored = bench(
        "run", "--detectors", "probe:efficientnet-lite0-progan", "--dataset", "faces", "--out", "run"
    )
    assert scored.code == 0, scored.err


@pytest.mark.slow
def test_a_probe_of_a_plain_folder_keeps_images_apart_and_says_how_to_run_it(
    bench: Bench, tmp_path: Path
) -> None:
    write_images(tmp_path / "mine", ("gan",), number=10)
    call = ("train", "probe", "--backbone", "efficientnet-lite0", "--data", "mine", "--out", "out", *SMALL)
    first = bench(*call, "--limit", "8")
    assert first.code == 0, first.err
    assert "kept for validation: 2 real and 2 fake images" in first.err
    card = json.loads((tmp_path / "out/probe-efficientnet-lite0-mine.card.json").read_text())
    shown = re.search(r"accuracy on the validation images: ([0-9.]+) %", first.err)
    assert shown
    assert float(shown[1]) == pytest.approx(100 * card["validation_accuracy"], abs=0.05)
    run = shlex.split(re.search("^run it: bench (.*)$", first.err, re.MULTILINE)[1])  # type: ignore[index]
    assert bench(*run).code == 0
    rows = pd.read_csv("results/runs/val/tables/cells.csv")
    # Four images that it has not seen, of a generator that it has: the star says so.
    assert rows[["testset", "images", "Acc. marks"]].to_numpy().tolist() == [["gan", 4, "*"]]


def test_the_other_word_for_a_probe_leads_to_it(bench: Bench) -> None:
    refused = bench("train", "head", "--backbone", "clip-vit-l14", "--data", "mine")
    assert (refused.code, "bench train probe --backbone" in refused.err) == (2, True)


@pytest.mark.slow
def test_a_bank_in_two_parts(bench: Bench, tmp_path: Path) -> None:
    call = ("train", "univfd-nn", "--backbone", "efficientnet-lite0", "--data", "faces/train", "--out", "out")
    parts = [bench(*call, *SMALL, "--shards", part, "--shard-size", "5") for part in ("1/2", "2/2")]
    assert [part.code for part in parts] == [0, 0], parts
    assert "This share is done; others are missing" in parts[0].err
    assert "wrote out/univfd-efficientnet-lite0-bank.safetensors" in parts[1].err


@pytest.mark.slow
def test_an_lgrad_classifier_scores_at_once(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_networks_small(monkeypatch)
    trained = bench(
        *("train", "lgrad", "--transformation", "input-image", "--data", "faces/train", "--out", "out"),
        *("--name", "lgrad-input-image-celebahq", "--init", "random", "--limit", "4", "--batch", "4"),
        *("--epochs", "1", "--gradient-cache", "cache", *SMALL),
    )
    assert trained.code == 0, trained.err
    assert len(list((tmp_path / "cache").rglob("*.png"))) == 4
    again = bench(
        *("train", "lgrad", "--transformation", "input-image", "--data", "faces/train", "--out", "out"),
        *("--name", "second", "--init", "out/lgrad-input-image-celebahq.pth", "--limit", "4", "--batch", "4"),
        *("--epochs", "1", *SMALL),
    )
    assert again.code == 0, again.err
    start = json.loads((tmp_path / "out/second.card.json").read_text())["identity"]["start"]
    made = json.loads((tmp_path / "out/lgrad-input-image-celebahq.card.json").read_text())["sha256"]
    assert (start["initialisation"], start["checkpoints"]["init"]) == ("file", made)
    assert not (tmp_path / "out/gradients").exists()  # nothing is differentiated: nothing is worth keeping
    monkeypatch.setenv("FORENBENCH_WEIGHTS", "out")
    scored = bench(
        *("score", "faces/val/horse/0_real/00.png", "--detectors", "lgrad:input-image-celebahq"),
        *("--device", "cpu", "--format", "json"),
    )
    assert scored.code == 0, scored.err
    assert json.loads(scored.out)["scores"][0]["status"] == "ok"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("--data", "faces", "--aug", "blur"), "none of none, blur:P"),
        (("--data", "faces", "--precision", "fp64"), "neither fp32 nor bf16"),
        (("--data", "faces", "--limit", "5", "--init", "random"), "even number"),
        (("--data", "faces/train", "--init", "random"), "no validation images"),
        (("--data", "nowhere", "--init", "random"), "nowhere"),
        (("--data", "faces", "--init", "zero"), "neither imagenet nor random, nor a file"),
        (("--data", "faces", "--continue"), "--init is imagenet: name the file there"),
        (("--data", "faces", "--classes", "hors", "--init", "random"), "horse"),
        (("--data", "faces", "--name", "../it"), "without a folder"),
        (("--data", "faces", "--weights", "it"), "not NAME=PATH"),
    ],
)
def test_bad_requests_end_with_2_and_a_way_out(bench: Bench, call: tuple[str, ...], message: str) -> None:
    outcome = bench("train", "cnndetection", *call, "--out", "out", *SMALL)
    assert outcome.code == 2, outcome.err
    assert message in outcome.err


@pytest.mark.parametrize(
    ("recipe", "file"),
    [
        ("univfd-lc", "univfd-efficientnet-lite0-head.pth"),
        ("univfd-nn", "univfd-efficientnet-lite0-bank.safetensors"),
    ],
)
def test_a_file_that_came_from_elsewhere_is_never_overwritten(
    bench: Bench, tmp_path: Path, recipe: str, file: str
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / file).write_bytes(b"downloaded")
    call = ("train", recipe, "--backbone", "efficientnet-lite0", "--data", "faces", *SMALL)
    outcome = bench(*call, "--out", "out")
    assert outcome.code == 2, outcome.err
    assert f"'out/{file}' is there already" in outcome.err
    assert (tmp_path / "out" / file).read_bytes() == b"downloaded"


@pytest.mark.slow
@pytest.mark.parametrize("size", [1_000, 12_000, 16_000])
def test_a_full_disk_is_no_defect_and_loses_nothing(bench: Bench, tmp_path: Path, size: int) -> None:
    """A limit on the size of files stands for the full disk; torch hides its error in some places."""
    call = (*PROBE, "--out", "out", "--epochs", "1", "--limit", "6")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    bench(*call[:-2], "--limit", "2", "--name", "warm")  # the cache of the data's digests is written here
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        full = bench(*call)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert full.code == 2, full.err
    assert "File too large" in full.err
    assert "The same command goes on" in full.err
    assert not list((tmp_path / "out").rglob("*.part"))
    assert bench(*call).code == 0


def test_torchrun_can_start_the_command_line() -> None:
    call = [sys.executable, "-m", "forenbench.cli", "train", "--help"]
    output = subprocess.run(call, capture_output=True, text=True, check=True).stdout
    assert "univfd-nn" in output


def test_an_unknown_transformation_or_backbone_is_named(bench: Bench) -> None:
    outcome = bench("train", "lgrad", "--transformation", "vgg", "--data", "faces", "--out", "out", *SMALL)
    assert (outcome.code, "vgg16" in outcome.err) == (2, True)
    outcome = bench("train", "univfd-lc", "--backbone", "clip", "--data", "faces", "--out", "out", *SMALL)
    assert (outcome.code, "clip-rn50" in outcome.err) == (2, True)


def test_unreadable_images_stop_it_before_it_starts(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "faces/train/cat/0_real/01.png").write_bytes(b"no image")
    outcome = bench(
        *("train", "lgrad", "--transformation", "input-image", "--data", "faces/train", "--out", "out"),
        *("--init", "random", *SMALL),
    )
    assert outcome.code == 2
    assert "cat/0_real/01.png" in outcome.err
    assert "skip unreadable" in outcome.err
