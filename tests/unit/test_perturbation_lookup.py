"""Perturbations of files and packages: named beyond doubt, the same everywhere, and harmless to others."""

from __future__ import annotations

import pickle
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from PIL import Image

from forenbench import registry
from forenbench.errors import BenchError
from forenbench.perturbations import PERTURBATIONS, added, draw_generator, known_kind, parse, parse_all
from forenbench.testing import tiny_image

MINE = """
from forenbench.perturbations.kinds import Kind
from PIL import Image, ImageOps

def change(image, *more):
    return ImageOps.invert(image)

MINE = Kind("mine", change, "a test")
"""


def write(folder: Path, text: str = MINE, name: str = "Mine.py") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def apply(text: str, image: Image.Image) -> Image.Image:
    perturbation = parse(text)
    return perturbation.apply(image, draw_generator(0, perturbation.name, "a" * 64))


def test_a_file_is_named_by_its_content_and_an_edit_makes_new_rows(tmp_path: Path) -> None:
    before = parse(write(tmp_path)).name
    copy = parse(write(tmp_path, name="copy.py")).name
    after = parse(write(tmp_path, MINE + "# changed\n")).name
    assert before == copy != after
    name, _, version = after.partition("@")
    assert (name, len(version)) == ("mine", 12)
    assert [one.name for one in parse_all([write(tmp_path), write(tmp_path, name="copy.py"), "gray"])] == [
        before,
        "gray",
    ]


def test_a_file_chains_with_others_and_takes_values(tmp_path: Path) -> None:
    text = MINE.replace('"a test"', '"a test", "N", int, 1, 9, harm=abs').replace("*more", "n")
    file = write(tmp_path, text)
    assert parse(f"gray+{file}:03").name.startswith("gray+mine@")
    assert parse(f"{file}:03").name.endswith(":3")
    for wrong in ("", ":", ":10", ":1.5"):
        with pytest.raises(BenchError, match="write 'mine:N', N a whole number from 1 to 9"):
            parse(file + wrong)


def test_another_process_runs_the_same_text_though_the_file_was_edited(tmp_path: Path) -> None:
    text = MINE.replace('"a test"', '"a test", "N", int, 1, 9, harm=lambda value: -value')
    file, image = write(tmp_path, text), tiny_image(1)
    sent, expected = pickle.dumps(parse(f"{file}:3")), apply(f"{file}:3", image)
    Path(file).write_text("1 / 0\n")
    image.save(tmp_path / "image.png")
    (tmp_path / "sent").write_bytes(sent)
    code = (
        "import pickle, sys; from PIL import Image\n"
        "made = pickle.load(open('sent', 'rb')).apply(Image.open('image.png'), None)\n"
        "made.save('made.png')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert Image.open(tmp_path / "made.png").tobytes() == expected.tobytes()


def test_what_a_file_does_to_its_image_nobody_else_sees(tmp_path: Path) -> None:
    image = tiny_image(1)
    before = image.tobytes()
    drawing = write(tmp_path, MINE.replace("return", "image.putpixel((0, 0), (9, 9, 9)); return"))
    apply(drawing, image)
    assert image.tobytes() == before
    kept = "KEPT = Image.new('RGB', (2, 2))\n"
    one = apply(write(tmp_path, MINE.replace("ImageOps.invert(image)", "KEPT") + kept), image)
    one.putpixel((0, 0), (1, 1, 1))
    assert apply(write(tmp_path, MINE.replace("ImageOps.invert(image)", "KEPT") + kept), image) != one


@pytest.mark.parametrize(
    "made", ["None", "image.convert('L')", "b'RGB'", "exit()", "Image.new('RGB', (0, 3))", "1 / 0"]
)
def test_what_is_no_picture_is_an_error_of_its_own_row(tmp_path: Path, made: str) -> None:
    with pytest.raises(Exception, match=r"no RGB image|sys\.exit|division") as caught:
        apply(write(tmp_path, MINE.replace("ImageOps.invert(image)", made)), tiny_image(1))
    assert isinstance(caught.value, Exception)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"mine"', '"a+b"', r"must define one \(MINE has .*'a\+b'"),
        ('"mine"', '"Mine:1"', r"must define one \(MINE has .*'Mine:1'"),
        ("MINE =", "1 / 0\nMINE =", "does not import: ZeroDivisionError"),
        ('"a test"', '"a test", lack=lambda: "needs more"', "needs more"),
        ('"a test"', '"a test", lack=lambda: 1 / 0', "cannot be used: ZeroDivisionError"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(BenchError, match=words):
        parse(write(tmp_path, MINE.replace(old, new)))


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(BenchError, match=r"no perturbation file at '\./none\.py'"):
        parse("./none.py:3")


def install(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str = MINE,
    name: str = "mine",
    module: str = "a_module",
) -> None:
    (folder / f"{module}.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    point = EntryPoint(name, f"{module}:MINE", PERTURBATIONS.group)
    monkeypatch.setattr(registry, "entries_of", lambda group: [point] if group == point.group else [])


def test_what_a_package_adds_has_to_be_a_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "MINE = len", module="no_kind")
    with pytest.raises(BenchError, match=r"'mine'.* is no perturbations\.kinds\.Kind"):
        parse("mine")


def test_a_package_is_found_by_name_and_rows_carry_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = MINE.replace('"a test"', '"a test", version="2"')
    install(tmp_path, monkeypatch, text, module="with_version")
    image = tiny_image(1)
    assert parse("Mine").name == parse("mine@2").name == "mine@2"
    assert apply("mine", image).tobytes() == Image.eval(image, lambda value: 255 - value).tobytes()
    assert known_kind("mine@2") is not None
    with pytest.raises(BenchError, match="'mine@1': version 2 of mine is installed"):
        parse("mine@1")
    with pytest.raises(BenchError, match=r"unknown perturbation 'mime': did you mean mine"):
        parse("mime")
    with pytest.raises(BenchError, match="'pixelate@3f2a9c1b0d4e' was made with a file"):
        parse("pixelate@3f2a9c1b0d4e:8")
    with pytest.raises(BenchError, match="jpeg has no versions"):
        parse("jpeg@3:75")


def test_a_package_may_neither_take_a_name_of_ours_nor_another_than_it_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, name="gray", module="taking_gray")
    with pytest.raises(BenchError, match="two packages provide a perturbation 'gray': forenbench and"):
        parse("gray")
    assert parse("jpeg:75").name == "jpeg:75"
    install(tmp_path, monkeypatch, name="yours", module="misnamed")
    with pytest.raises(BenchError, match=r"'yours'.*cannot be used: it calls itself 'mine'"):
        parse("yours")
    assert [one.problem for one in added()] == ["it calls itself 'mine'"]
