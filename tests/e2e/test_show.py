"""``bench show``: pictures hold the very pixels that detectors get."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from command_line import Bench
from PIL import Image

from forenbench.images import decode
from forenbench.perturbations import draw_generator, parse
from forenbench.pictures import gradient_picture
from forenbench.pictures.cam import cam_picture
from forenbench.pictures.heatmaps import heat
from forenbench.plugins.loading import load
from forenbench.weights import Weights

SIDE, DETAIL, MARGIN, LINE = 256, 64, 8, 15
"""Of the strip, as its docstring gives them."""


@pytest.fixture
def photo() -> Path:
    path = Path("photo.png")
    noise = np.random.default_rng(6).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return path


def test_the_strip_shows_each_perturbation_as_a_run_makes_it(bench: Bench, photo: Path) -> None:
    names = ["none", "jpeg:30", "noise:30.0", "gray", "blur:2.0", "frank-noise", "sharpen:1.0", "gamma:2.0"]
    options = ("--perturbations", ",".join(names), "--out", "to/strip.png", "--seed", "4")
    outcome = bench("show", "perturbation", str(photo), *options)
    assert outcome.code == 0
    assert "to/strip.png" in outcome.err
    with Image.open("to/strip.png") as strip:
        sheet = np.asarray(strip)
    data = photo.read_bytes()
    draws = [draw_generator(4, name, hashlib.sha256(data).hexdigest()) for name in names]
    made = [
        np.asarray(parse(name).apply(decode(data), draw)) for name, draw in zip(names, draws, strict=True)
    ]
    top = 2 * MARGIN + LINE * max(2 + len(draw.text.split()) for draw in draws)
    panel = top + 2 * (SIDE + MARGIN), SIDE + 2 * MARGIN
    assert sheet.shape == (2 * panel[0], 6 * panel[1], 3)
    for place, pixels in enumerate(made):
        y, x = place // 6 * panel[0] + top, place % 6 * panel[1] + MARGIN
        assert np.array_equal(sheet[y : y + SIDE, x : x + SIDE], pixels)
        detail = pixels[96:160, 96:160].repeat(4, 0).repeat(4, 1)
        assert np.array_equal(sheet[y + SIDE + MARGIN :][:SIDE, x : x + SIDE], detail)
        assert sheet[y - top : y, x : x + SIDE].min() < 100  # the label


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["perturbation", "broken.png"], "error: broken.png: not an image"),
        (["gradient", "photo.png", "broken.png"], "error: broken.png: not an image"),
        (["perturbation", "absent.png"], "error: absent.png cannot be read: No such file"),
        (["perturbation", "photo.png", "--out", "tiny"], "error: cannot write 'tiny': Is a directory"),
        (["perturbation", "photo.png", "--out", "."], "error: cannot write '.': Is a directory"),
    ],
)
def test_what_cannot_be_read_or_written_is_named(
    bench: Bench, photo: Path, words: list[str], error: str
) -> None:
    Path("broken.png").write_text("no image")
    outcome = bench("show", *words)
    assert outcome.code == 2
    assert error in outcome.err


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (900, 40)])
def test_pictures_of_any_size_are_shown(bench: Bench, size: tuple[int, int]) -> None:
    Image.new("RGB", size).save("photo.png")
    assert bench("show", "perturbation", "photo.png").code == 0
    with Image.open("perturbations.png") as sheet:
        assert sheet.width == 6 * (SIDE + 2 * MARGIN)


def test_suites_are_shown(bench: Bench, photo: Path) -> None:
    outcome = bench("show", "perturbation", str(photo), "--perturbations", "field:laundering")
    assert outcome.code == 0
    assert "fit-lanczos:1600+jpeg:50" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.png"], "missing.png cannot be read: No such file"),
        (["bright.py"], "not an image"),
        (["photo.png", "--perturbations", ","], "names none"),
        (["photo.png", "--perturbations", "paper:x"], "unknown suite of perturbations 'paper:x'"),
    ],
)
def test_bad_requests_are_named(bench: Bench, photo: Path, arguments: list[str], words: str) -> None:
    outcome = bench("show", "perturbation", *arguments)
    assert outcome.code == 2
    assert words in outcome.err
    assert not Path("perturbations.png").exists()


def test_gradient_pictures_stand_beside_their_images(bench: Bench, photo: Path) -> None:
    outcome = bench("show", "gradient", "photo.png", "photo.png", "--out", "to/gradient.png")
    assert outcome.code == 0
    assert "wrote to/gradient.png: lgrad:nearest-gan" in outcome.err
    lgrad = load("lgrad", Weights("sample"))[0].detector
    original = decode(photo.read_bytes())
    made = gradient_picture(lgrad, original)
    with Image.open("to/gradient.png") as page:
        sheet = np.asarray(page)
    panel, left = SIDE + 2 * MARGIN, [MARGIN + column * (SIDE + 2 * MARGIN) for column in range(5)]
    assert sheet.shape[1] == 5 * panel
    tops = [
        y
        for y in range(len(sheet) - SIDE)
        if np.array_equal(sheet[y : y + SIDE, left[0] :][:, :SIDE], original)
    ]
    assert len(tops) == 2
    for y in tops:
        row = [sheet[y : y + SIDE, x : x + SIDE] for x in left]
        assert np.array_equal(row[1], made)
        for channel, picture in zip(made.split(), row[2:], strict=True):
            assert np.array_equal(picture, heat(channel))


def test_class_activation_maps_of_several_detectors(bench: Bench, photo: Path) -> None:
    assert bench("show", "cam", "photo.png").code == 0
    with Image.open("cam.png") as page:
        sheet = np.asarray(page)
    assert sheet.shape[1] == 4 * (SIDE + 2 * MARGIN)  # image, CNNDetection, LGrad's picture, LGrad
    lgrad = load("lgrad", Weights("sample"))[0].detector
    drawn = sheet[-SIDE - MARGIN : -MARGIN, -SIDE - MARGIN : -MARGIN]
    assert np.array_equal(drawn, cam_picture(lgrad, decode(photo.read_bytes())))


def test_spectra_of_a_dataset_and_of_a_folder(bench: Bench) -> None:
    outcome = bench("show", "spectrum", "tiny", "--side", "24")
    assert outcome.code == 0
    assert "spectrum of beta, fake: 4 images" in outcome.err
    assert "spectrum.png: average spectra of alpha, real; alpha, fake; beta, real; beta, fake" in outcome.err
    with Image.open("spectrum.png") as page:
        assert page.width == 4 * (SIDE + 2 * MARGIN)
    outcome = bench("show", "spectrum", "tiny/alpha/1_fake", "--side", "16", "--out", "one.png")
    assert outcome.code == 0
    Path("tiny/alpha/1_fake/bad.png").write_bytes(b"")
    outcome = bench("show", "spectrum", "tiny", "--side", "24", "--generators", "alpha")
    assert outcome.code == 1
    assert "left out of alpha, fake: alpha/1_fake/bad.png: zero bytes" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gradient", "photo.png", "--detector", "cnndetection"], "judges no gradient pictures; lgrad does"),
        (["gradient", "missing.png"], "missing.png cannot be read"),
        (["cam", "photo.png", "--detector", "./bright.py"], "'bright' has no feature map to draw"),
        (["spectrum", "tiny"], "none can be used (alpha/0_real/0.png: 32×24 is smaller than 256×256)"),
        (["spectrum", "missing"], "unknown dataset 'missing'"),
    ],
)
def test_pictures_that_cannot_be_drawn(bench: Bench, photo: Path, arguments: list[str], words: str) -> None:
    outcome = bench("show", *arguments, "--out", "picture.png")
    assert outcome.code == 2
    assert words in outcome.err
    assert not Path("picture.png").exists()


def test_the_list_shows_kinds_profiles_and_suites(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(bench("list", "perturbations").out.split())
    for words in (
        "jpeg-cv2:Q",
        "crop-texture:F",
        "whatsapp",
        "2026-09",
        "deepsafe-bench",
        "paper:cnndetection",
    ):
        assert words in text


def test_a_run_over_a_suite_has_the_robustness_table(bench: Bench) -> None:
    options = ("--detectors", "./bright.py", "--dataset", "tiny", "--perturbations", "paper:lgrad-4,jpeg:30")
    assert bench("run", *options).code == 0
    text = bench("table", "robustness", "results/runs/tiny", "--format", "csv").out
    kinds = text.splitlines()[0].split(",")[2:]
    assert kinds[::2] == [
        "none",
        "jpeg",
        "frank-blur",
        "frank-crop",
        "frank-jpeg",
        "frank-noise",
        "frank-combined",
    ]


DOT = """
import numpy as np, torch

class Dot:
    name, version, threshold = "dot", "1", 0.0

    def prepare(self, image):
        return torch.from_numpy(np.asarray(image, np.float32).transpose(2, 0, 1).copy())

    def score(self, batch):
        return self.judge(self.spectra(batch))

    def spectra(self, batch):
        return torch.fft.fftshift(torch.fft.fft2(batch, norm="ortho"), dim=(-2, -1)).abs()

    def judge(self, spectra):
        return spectra[..., 4, 4].mean(1) - 20
"""


def test_a_compression_map_stands_between_what_was_and_what_is_left(bench: Bench) -> None:
    Path("dot.py").write_text(DOT)
    rows, columns = np.mgrid[:16, :16]
    pixels = (128 + 60 * np.cos(np.pi / 2 * (rows + columns))).astype(np.uint8)  # at the dot and its mirror
    Image.fromarray(pixels).convert("RGB").save("fake.png")
    outcome = bench(
        *("show", "compression-map", "fake.png", "--detector", "./dot.py", "--steps", "30"),
        *("--penalty", "9", "--device", "cpu", "--out", "map.png"),
    )
    assert outcome.code == 0, outcome.err
    assert "wrote map.png: dot (own)" in outcome.err
    with Image.open("map.png") as page:
        sheet = np.asarray(page)
    panel = SIDE + 2 * MARGIN
    assert sheet.shape[1] == 3 * panel
    bottom = sheet.shape[0] - 2 * MARGIN - SIDE
    shown = sheet[bottom + 8 :: 16, panel + MARGIN + 8 : 2 * panel : 16][:16, :16]
    red = np.argwhere(shown[..., 0].astype(int) > shown[..., 2])
    assert red.tolist() == [[4, 4]]
    refused = bench("show", "compression-map", "fake.png", "--detector", "cnndetection", "--device", "cpu")
    assert refused.code == 2
    assert "judges no spectra; bihpf does" in refused.err
