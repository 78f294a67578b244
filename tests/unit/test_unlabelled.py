"""Layouts that say no label are answered with rules that fit, as a command that runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forenbench.cli.app import app
from forenbench.data.sources.folder import read_labels
from forenbench.data.sources.locations import open_location
from forenbench.data.sources.rules import Rules
from forenbench.data.sources.unlabelled import propose
from forenbench.errors import BenchError
from forenbench.testing import tiny_image
from forenbench.types import FAKE, REAL

DRCT_2M = [
    f"{folder}/val2017/{number}.{suffix}"
    for folder, suffix in (("MSCOCO", "jpg"), ("sd-turbo", "png"), ("stable-diffusion-v1-4", "png"))
    for number in ("000000000139", "000000000285")
]
SYNTHBUSTER = [
    *("README.txt", "RAISE_License.pdf", "prompts.csv"),
    *(f"{name}/r05839451t.png" for name in ("dalle2", "midjourney-v5", "real_RAISE_1k")),
]
CO_SPY_BENCH = [
    *(
        f"synthetic/{source}/{model}/00000.png"
        for source in ("mscoco", "flickr", "cc3m")
        for model in (
            *("CompVis@stable-diffusion-v1-4", "segmind@SSD-1B", "segmind@tiny-sd"),
            *("stabilityai@sdxl-turbo", "black-forest-labs@FLUX.1-dev"),
        )
    ),
    *(f"{source}/7.{suffix}" for source in ("CC3M", "SBU", "TextCaps") for suffix in ("jpg", "json")),
]
EVALGEN = [f"GenEval-JPEG/{name}/00001_{k}.jpg" for name in ("Flux", "GoT", "NOVA") for k in (0, 1)]
LAYOUTS = {
    # The folders as published; of generators, and of folders of reals, the labels.
    "DRCT-2M": (DRCT_2M, {"MSCOCO": REAL, "sd-turbo": FAKE, "stable-diffusion-v1-4": FAKE}),
    "synthbuster": (SYNTHBUSTER, {"real_RAISE_1k": REAL, "dalle2": FAKE, "midjourney-v5": FAKE}),
    "Co-Spy-Bench": (
        CO_SPY_BENCH,
        dict.fromkeys(("CC3M", "SBU", "TextCaps"), REAL)
        | {path.split("/")[2]: FAKE for path in CO_SPY_BENCH if path.startswith("synthetic")},
    ),
    "EvalGEN": (EVALGEN, dict.fromkeys(("Flux", "GoT", "NOVA"), FAKE)),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_command_that_an_unknown_layout_is_answered_with_reads_it(name: str, tmp_path: Path) -> None:
    paths, expected = LAYOUTS[name]
    root = tmp_path / f"my {name}"
    for number, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        tiny_image(number).save(root / path, format="PNG")
    with pytest.raises(BenchError) as refused:
        open_location(root)
    shown = re.search(r"\(for instance (('[^']+'(, )?){3})\)", str(refused.value))
    assert shown
    assert all((root / path).is_file() for path in re.findall(r"'([^']+)'", shown[1]))
    (command,) = re.findall(r"bench data index .*", str(refused.value))
    _, *words = shlex.split(command)
    made = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "m.csv")])
    assert made.exit_code == 0, made.output
    found = {
        (s.generator or s.path.split("/")[0], s.label, s.path)
        for s in open_location(tmp_path / "m.csv")[1].samples
    }
    images = [path for path in paths if path.endswith((".png", ".jpg"))]
    assert {path for *_, path in found} == set(images)
    assert {(generator, label) for generator, label, _ in found} == set(expected.items())


def test_folders_called_like_photographs_are_guessed_real_unless_another_word_is_there() -> None:
    reals = ["0_natural_images/a.png", "imagenet1k/n01440764/b.JPEG", "lsun/val/c.webp"]
    fakes = ["ADM_imagenet/n01440764/d.png", "real-esrgan/n01440765/e.png", "synthetic/coco/f.png"]
    rules = propose([*reals, *fakes])
    found = read_labels([*reals, *fakes], "x", rules=rules)
    assert {s.path: s.label for s in found.samples} == dict.fromkeys(reals, REAL) | dict.fromkeys(fakes, FAKE)


def test_splits_are_guessed_on_both_sides() -> None:
    assert propose([f"{a}/{s}/1.png" for a in ("coco", "sdxl", "glide") for s in ("train", "val")]) == Rules(
        real=("coco/{split}/**",), fake=("{generator}/{split}/*",)
    )
    assert propose([f"{s}/{a}/1.png" for a in ("coco", "sdxl", "glide") for s in ("train", "val")]) == Rules(
        real=("{split}/coco/**",), fake=("{split}/{generator}/*",)
    )


def test_what_lies_beside_images_and_is_none_is_left() -> None:
    assert propose(["a/1.png", "a/log.csv", "b/1.png", "c/notes.pdf"]).leave == ("**/*.csv",)


@pytest.mark.parametrize("name", ["a{b}", "a*b", "a\nb", "a\udcffb", "a\u202eb"])
def test_a_guess_fits_folders_of_any_name(name: str) -> None:
    paths = [f"{name}/sdxl/1.png", f"{name}/glide/1.png"]
    rules = propose(paths)
    assert all(text.isprintable() for text in rules.fake)
    assert {s.generator for s in read_labels(paths, "x", rules=rules).samples} == {"sdxl", "glide"}


PLATFORMS = ("reddit", "twitter", "facebook")
WILDRF = [f"test/{name}/{label}/1.jpg" for name in PLATFORMS for label in ("0_real", "1_fake")]
TRAINED = [f"{split}/{label}/1.jpg" for split in ("train", "val") for label in ("0_real", "1_fake")]


@pytest.mark.parametrize(
    "paths",
    [
        [f"WildRF/{path}" for path in (*WILDRF, *TRAINED)],  # named by the folder above its root
        [*WILDRF, "masks/0_real/1.jpg"],  # what lies beside "test" is no split, so that "test" is none
    ],
)
def test_platforms_that_count_as_classes_are_told_apart_by_rules_that_a_note_names(paths: list[str]) -> None:
    merged = read_labels(paths, "x")
    assert "reddit" not in {s.generator for s in merged.samples}
    (note,) = merged.notes
    assert note.startswith("3 folders ('facebook', 'reddit', 'twitter') count as classes of one test set")
    words = {word: (pattern,) for word, pattern in re.findall(r"(real|fake) '([^']+)'", note)}
    told = {(s.generator, s.label) for s in read_labels(paths, "x", rules=Rules(**words)).samples}
    assert told == {(name, label) for name in PLATFORMS for label in (REAL, FAKE)}


@pytest.mark.parametrize(
    "paths",
    [
        WILDRF,
        [*WILDRF, *TRAINED],
        ["progan/cat/0_real/1.png", "progan/dog/1_fake/1.png", "biggan/0_real/1.png"],
        ["sdv4/imagenet_ai_0419_sdv4/val/ai/1.png", "sdv4/imagenet_ai_0419_sdv4/train/nature/1.png"],
    ],
)
def test_no_note_where_folders_are_told_apart_or_are_classes(paths: list[str]) -> None:
    assert read_labels(paths, "x").notes == ()


def test_no_note_where_a_description_says_what_is_a_class() -> None:
    paths = [f"progan/{name}/0_real/1.png" for name in ("cat", "dog")]
    assert read_labels(paths, "x", classes={"progan", "cat", "dog"}).notes == ()
